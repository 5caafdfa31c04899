"""Whoever subscribes is told what answers, why, and how far each limit is; and cannot do harm by it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from edgerund.client import AsyncClient, Change, Client
from edgerund.client.control import ControlClient
from edgerund.client.watching import parse_change, runtime_watch_address, watch
from edgerund.errors import ControlError, NoAnswer, UsageError
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


@pytest.fixture
def daemon(start: Start, tmp_path: Path) -> Running:
    policy = tmp_path / "limited.yaml"
    policy.write_text(
        "policy: limited\nconstraints: {latency_ms: {max: 1000}}\nswitching: {dwell_s: 0}\n"
    )
    ladder = write_ladder(tmp_path / "ladder")
    return start({"ladders": [{"path": str(ladder)}], "policy": str(policy)})


@contextmanager
def subscriber(daemon: Running, *topics: bytes) -> Iterator[zmq.Socket[bytes]]:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.SUB)
    for topic in topics:
        socket.subscribe(topic)
    socket.connect(runtime_watch_address(daemon.runtime_dir))
    try:
        yield socket
    finally:
        context.destroy(linger=0)


def told(socket: zmq.Socket[bytes], variant: str) -> dict[str, Any]:
    """The first message that names ``variant``."""
    while socket.poll(20_000):
        _topic, body = socket.recv_multipart()
        message: dict[str, Any] = json.loads(body)
        if message["variant"] == variant:
            return message
    raise AssertionError(f"nothing was said of {variant}")


def test_a_newcomer_hears_how_things_stand_and_then_every_swap(daemon: Running) -> None:
    with Client(runtime_dir=daemon.runtime_dir) as client:
        client.infer(np_frame())
        with closing(client.watch(timeout_s=20)) as changes:
            first = next(changes)
            assert (first.ladder, first.variant, first.reason) == ("demo", "top", None)
            daemon.control.call("pin", variant="low", reason="a test")
            change = next(c for c in changes if c.variant == "low")
            change = change if change.reason else next(c for c in changes if c.reason)
            assert change.reason is not None
            assert change.reason.code == "hold"
            daemon.control.call("unpin")
            assert next(c for c in changes if c.variant == "top").ladder == "demo"


def np_frame() -> Any:
    import numpy as np

    return np.zeros((8, 8, 3), np.uint8)


def test_headroom_is_that_of_the_policy(daemon: Running) -> None:
    with Client(runtime_dir=daemon.runtime_dir) as client:
        client.infer(np_frame())
        with closing(client.watch(timeout_s=20)) as changes:
            change = next(c for c in changes if c.headroom)
    assert set(change.headroom) == {"latency"}
    assert 0.5 < change.headroom["latency"] <= 1.0


def test_the_same_for_asyncio(daemon: Running) -> None:
    async def follow() -> list[Change]:
        seen = []
        async with AsyncClient(runtime_dir=daemon.runtime_dir) as client:
            changes = client.watch(timeout_s=20)
            async for change in changes:
                seen.append(change)
                if len(seen) == 1:
                    pin = threading.Thread(
                        target=daemon.control.call, args=("pin",), kwargs={"variant": "mid"}
                    )
                    pin.start()
                if change.variant == "mid":
                    pin.join()
                    break
            await changes.aclose()
        return seen

    seen = asyncio.run(follow())
    assert seen[0].variant == "top"
    assert seen[-1].variant == "mid"


def test_it_goes_on_when_the_daemon_is_another_one(daemon: Running) -> None:
    folder = daemon.runtime_dir
    with closing(watch("demo", address=runtime_watch_address(folder), timeout_s=30)) as changes:
        assert next(changes).variant == "top"
        os.kill(daemon.control.call("ping")["pid"], signal.SIGKILL)
        settings = str(folder / "edgerund.yaml")
        command = [sys.executable, "-m", "edgerund", "serve", "--config", settings]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as another:
            try:
                with ControlClient(folder) as control:
                    wait_for(lambda: answers(control), what="the other daemon")
                    control.call("pin", variant="low")
                    assert next(c for c in changes if c.variant == "low").ladder == "demo"
            finally:
                another.terminate()


def answers(control: ControlClient) -> bool:
    try:
        return bool(control.call("ping", timeout_s=1.0)["ready"])
    except ControlError:
        return False


def test_a_ladder_that_comes_with_a_reload_is_told_too(start: Start, tmp_path: Path) -> None:
    one, two = (write_ladder(tmp_path / name, name) for name in ("one", "two"))
    daemon = start({"ladders": [{"path": str(one)}]})
    file = Path(daemon.control.call("status")["settings_file"])
    with closing(watch(address=runtime_watch_address(daemon.runtime_dir))) as changes:
        assert next(changes).ladder == "one"
        file.write_text(file.read_text().replace(str(one), str(two)))
        daemon.control.call("reload", timeout_s=60)
        assert next(c for c in changes if c.ladder == "two").variant == "top"


def test_only_topics_of_ladders_are_granted(daemon: Running) -> None:
    with subscriber(daemon, b"nobody/", b"demo") as odd, subscriber(daemon, b"demo/") as right:
        assert told(right, "top")["seq"] >= 1
        daemon.control.call("pin", variant="low")
        told(right, "low")
        assert not odd.poll(0)


def test_a_flood_of_subscriptions_and_a_reader_that_never_reads_change_nothing(
    daemon: Running,
) -> None:
    with (
        subscriber(daemon, *(f"topic-{i}/".encode() for i in range(5000))),
        subscriber(daemon, b"") as lazy,
        subscriber(daemon, b"demo/") as reader,
    ):
        told(reader, "top")
        for variant in ("low", "mid", "top") * 10:
            daemon.control.call("pin", variant=variant)
            told(reader, variant)
        assert lazy.poll(20_000)
        assert daemon.control.call("ping")["ready"]


def test_nobody_there_is_said_in_time(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="cannot hear the daemon"):
        next(watch(address=runtime_watch_address(tmp_path), timeout_s=0.05))
    with Client(endpoint="tcp://127.0.0.1:9") as client, pytest.raises(UsageError, match="watch"):
        client.watch()


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"demo/"],
        [b"demo/", b"{"],
        [b"demo/", b"[]"],
        [b"demo/", b'{"ladder": "demo"}'],
        [b"demo/", b'{"ladder": "d", "variant": 1, "reason": 5, "headroom": {}}'],
        [b"demo/", b'{"ladder": "d", "variant": "v", "reason": null, "headroom": {"x": "y"}}'],
        [b"demo/", b"[" * 5000],
    ],
)
def test_what_is_no_message_is_passed_over(frames: list[bytes]) -> None:
    assert parse_change(frames) is None


def test_status_follow_prints_a_line_per_change(daemon: Running) -> None:
    command = [sys.executable, "-m", "edgerund", "status", "--follow"]
    with subprocess.Popen(
        [*command, "--runtime-dir", str(daemon.runtime_dir)], stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        assert "demo: top answers" in follower.stdout.readline()
        daemon.control.call("pin", variant="low", reason="a test")
        line = next(line for line in follower.stdout if "low answers" in line)
        line = line if "because" in line else next(x for x in follower.stdout if "because" in x)
        assert "held at low: a test" in line
        follower.send_signal(signal.SIGINT)
        assert follower.wait(20) == 0


def test_the_example_in_c_follows_one_ladder(daemon: Running, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "examples" / "c" / "edgerund_watch.c"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    probe = [compiler, "-E", "-include", "zmq.h", "-xc", "/dev/null"]
    if subprocess.run(probe, check=False, capture_output=True).returncode != 0:
        pytest.skip("no zmq.h (libzmq3-dev)")
    program = tmp_path / "edgerund_watch"
    flags = [
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsanitize=address,undefined",
    ]
    subprocess.run([compiler, *flags, "-o", program, source, "-lzmq"], check=True, timeout=60)
    done = subprocess.run(
        [program, runtime_watch_address(daemon.runtime_dir), "demo", "1"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["variant"] == "top"
    assert subprocess.run([program], check=False, capture_output=True).returncode == 2
