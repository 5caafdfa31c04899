from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from edgerund.client import AsyncClient
from edgerund.errors import NoAnswer, UsageError
from tests.client.conftest import Daemon

FRAME = np.ones((4, 5, 3), np.uint8)


def talk(daemon: Daemon, conversation: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncClient(endpoint=daemon.endpoint, timeout_s=20) as client:
            await conversation(client)

    asyncio.run(run())


def test_many_calls_are_awaited_side_by_side(shared_daemon: Daemon) -> None:
    async def many(client: AsyncClient) -> None:
        frames = [np.full((2, 2), i, np.uint8) for i in range(60)]
        answers = await asyncio.gather(*(client.infer(f) for f in frames))
        assert [a.result["sum"] for a in answers] == [4 * i for i in range(60)]
        assert client.counters.stray == client.counters.garbage == 0

    talk(shared_daemon, many)


def test_one_after_the_other(shared_daemon: Daemon) -> None:
    async def sequence(client: AsyncClient) -> None:
        for _ in range(200):
            await client.infer(FRAME)
        assert client.counters.answered == 200

    talk(shared_daemon, sequence)


def test_a_slow_answer_holds_nobody_up(shared_daemon: Daemon) -> None:
    async def both(client: AsyncClient) -> None:
        slow = asyncio.ensure_future(client.infer(FRAME, stream="hold"))
        never = asyncio.ensure_future(client.infer(FRAME, stream="never"))
        await asyncio.sleep(0)  # a turn of the loop: both are sent
        await client.infer(FRAME)
        assert (await slow).variant == "v1"
        assert not never.done()
        never.cancel()

    talk(shared_daemon, both)


def test_describe_ping_and_jpeg(shared_daemon: Daemon) -> None:
    async def ask(client: AsyncClient) -> None:
        assert await client.describe() == {"ladder": "test"}
        assert await client.ping() > 0
        assert (await client.infer_jpeg(b"\xff\xd8\xff\xe0")).result["encoding"] == "jpeg"
        assert client.endpoint == shared_daemon.endpoint

    talk(shared_daemon, ask)


def test_no_answer_in_time_is_an_error_and_the_late_one_is_dropped(shared_daemon: Daemon) -> None:
    async def late(client: AsyncClient) -> None:
        with pytest.raises(NoAnswer, match=r"within 0\.05 s"):
            await client.infer(FRAME, stream="hold", timeout_s=0.05)
        await client.infer(FRAME)
        assert client.counters.stray == 1

    talk(shared_daemon, late)


def test_a_cancelled_call_lets_the_others_go_on(shared_daemon: Daemon) -> None:
    async def cancel(client: AsyncClient) -> None:
        call = asyncio.ensure_future(client.infer(FRAME, stream="never"))
        await client.infer(FRAME)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await client.infer(FRAME)

    talk(shared_daemon, cancel)


def test_closing_ends_what_is_awaited(shared_daemon: Daemon) -> None:
    async def close(client: AsyncClient) -> None:
        call = asyncio.ensure_future(client.infer(FRAME, stream="never"))
        await client.infer(FRAME)
        client.close()
        client.close()
        with pytest.raises(NoAnswer, match="closed"):
            await call

    talk(shared_daemon, close)


def test_a_second_event_loop_is_told_to_make_its_own(shared_daemon: Daemon) -> None:
    client = AsyncClient(endpoint=shared_daemon.endpoint, timeout_s=20)
    asyncio.run(_once(client))
    with pytest.raises(UsageError, match="two event loops"):
        asyncio.run(_once(client))
    client.close()


async def _once(client: AsyncClient) -> None:
    await client.infer(FRAME)
