"""The worker dies, the daemon restarts, frames are not lost."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import time
from functools import partial

import numpy as np
import pytest

from edgerund.client import AsyncClient, Client, InFlight
from edgerund.errors import Expired, NoAnswer
from tests.client.conftest import Daemon, start_server
from tests.waiting import wait_for

FRAME = np.ones((4, 5, 3), np.uint8)


def test_a_request_that_comes_before_the_worker_is_answered_when_it_is_up(
    idle_daemon: Daemon,
) -> None:
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        flight = client.submit(FRAME)
        assert not flight.done()
        idle_daemon.start()
        assert not flight.result().resent


def test_a_client_that_comes_before_the_daemon_is_answered_when_it_is_up(
    idle_daemon: Daemon,
) -> None:
    idle_daemon.kill_all()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        with pytest.raises(NoAnswer, match="nobody listens"):
            client.infer(FRAME, timeout_s=0.05)
        idle_daemon.listen()
        idle_daemon.start()
        assert client.infer(FRAME).variant == "v1"


def test_what_was_in_flight_is_sent_again_and_answered(idle_daemon: Daemon) -> None:
    idle_daemon.start()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        client.infer(FRAME)
        flights = [client.submit(FRAME, stream="never 1") for _ in range(8)]
        idle_daemon.kill()
        idle_daemon.start()
        answers = [f.result() for f in flights]
        assert all(a.resent and a.result["life"] == 2 for a in answers)
        assert client.counters.resent == 8
        assert client.counters.lost == 1
        after = client.infer(FRAME)
        assert not after.resent


def test_a_frame_that_kills_the_worker_twice_is_not_sent_a_third_time(idle_daemon: Daemon) -> None:
    idle_daemon.start()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        flight = client.submit(FRAME, stream="die")
        idle_daemon.wait_for_death()
        idle_daemon.start()
        with pytest.raises(NoAnswer, match="twice"):
            flight.result()
        idle_daemon.wait_for_death()
        idle_daemon.start()
        assert client.infer(FRAME).result["life"] == 3


def test_a_resend_carries_what_is_left_of_the_deadline(idle_daemon: Daemon) -> None:
    idle_daemon.start()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        client.infer(FRAME)
        flight = client.submit(FRAME, stream="never 1", deadline_ms=60_000)
        late = client.submit(FRAME, stream="never", deadline_ms=0.01)
        idle_daemon.kill()
        idle_daemon.start()
        assert 0 < flight.result().result["deadline_ms"] < 60_000
        with pytest.raises(Expired):
            late.result()


def test_a_client_outlives_the_whole_daemon(idle_daemon: Daemon) -> None:
    idle_daemon.start()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        assert client.infer(FRAME).result["life"] == 1
        flight = client.submit(FRAME, stream="die 1")
        idle_daemon.wait_for_death()
        idle_daemon.kill_all()
        assert not flight.done()
        idle_daemon.listen()
        idle_daemon.start()
        assert flight.result().result["life"] == 2


def test_the_async_client_is_answered_through_a_restart(idle_daemon: Daemon) -> None:
    idle_daemon.start()

    async def talk() -> list[int]:
        async with AsyncClient(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
            calls = [asyncio.ensure_future(client.infer(FRAME, stream="never 1")) for _ in range(5)]
            await asyncio.sleep(0)  # a turn of the loop: they are sent
            await client.infer(FRAME)
            idle_daemon.kill()
            idle_daemon.start()
            answers = await asyncio.gather(*calls)
            assert all(a.resent for a in answers)
            return [a.result["life"] for a in answers]

    assert asyncio.run(talk()) == [2] * 5


def has_lost(client: Client, times: int) -> bool:
    return client.ping() > 0 and client.counters.lost == times


def kill_cycles(daemon: Daemon, cycles: int, rng: random.Random) -> None:
    """Keep four frames in flight while the worker is killed again and again; every frame must be answered."""
    daemon.start()
    with Client(endpoint=daemon.endpoint, timeout_s=60) as client:
        number = 0
        client.ping()
        for cycle in range(cycles):
            stop_s = time.monotonic() + rng.random() * 0.01
            flights: list[tuple[int, InFlight]] = []
            while time.monotonic() < stop_s or not flights:
                flights.append((number, client.submit(np.full((3, 3), number % 200, np.uint8))))
                number += 1
                if len(flights) >= 4:
                    n, f = flights.pop(0)
                    assert f.result().result["sum"] == 9 * (n % 200)
            daemon.kill()
            daemon.start()
            for n, f in flights:
                assert f.result().result["sum"] == 9 * (n % 200), cycle
            # a frame that is sent before the client knows of the loss counts as lost with it, and a kill in the
            # midst of a handshake is no loss: so begin the next cycle on a connection that stands
            wait_for(partial(has_lost, client, cycle + 1), what="loss noticed")
            client.ping()
        assert client.counters.asked == client.counters.answered > number
        assert client.counters.lost == cycles
        assert client.counters.garbage == 0


def test_every_frame_is_answered_while_the_worker_is_killed_again_and_again(
    idle_daemon: Daemon,
) -> None:
    kill_cycles(idle_daemon, 10, random.Random(1))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_every_frame_is_answered_through_a_thousand_kills(idle_daemon: Daemon) -> None:
    kill_cycles(idle_daemon, 1000, random.Random(2))


def test_over_tcp_a_server_may_be_restarted_too() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    first = start_server(address, life=1)
    with Client(endpoint=address, timeout_s=20) as client:
        assert client.infer(FRAME).result["life"] == 1
        flight = client.submit(FRAME, stream="die 1")
        assert first.wait(20) == -signal.SIGKILL
        second = start_server(address, life=2)
        try:
            assert flight.result().result["life"] == 2
        finally:
            second.kill()
            second.wait()


def test_a_stopped_worker_is_waited_for(idle_daemon: Daemon) -> None:
    idle_daemon.start()
    with Client(endpoint=idle_daemon.endpoint, timeout_s=20) as client:
        client.infer(FRAME)
        assert idle_daemon.worker is not None
        idle_daemon.worker.send_signal(signal.SIGSTOP)
        with pytest.raises(NoAnswer, match="did not answer"):
            client.infer(FRAME, timeout_s=0.1)
        idle_daemon.worker.send_signal(signal.SIGCONT)
        assert client.infer(FRAME).result["life"] == 1
        wait_for(
            lambda: client.infer(FRAME) and client.counters.stray == 1, what="late answer dropped"
        )
