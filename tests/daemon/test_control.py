"""What an operator asks and does: status, why, pin, unpin; answers to nonsense."""

from __future__ import annotations

import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from edgerund.client import Client
from edgerund.client.control import ControlClient
from edgerund.errors import ControlError
from edgerund.sensors.fake_board import FakeBoard
from tests.daemon.conftest import Running, Start
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


def live(daemon: Running, variant: str) -> None:
    wait_for(lambda: daemon.status()["live"] == variant, what=f"{variant} live")


QUICK = "policy: quick\nswitching: {dwell_s: 0.1, max_per_hour: 3600}\n"


@pytest.fixture
def daemon(start: Start, tmp_path: Path) -> Running:
    policy = tmp_path / "quick.yaml"
    policy.write_text(QUICK)
    return start(
        {"ladders": [{"path": str(write_ladder(tmp_path / "demo"))}], "policy": str(policy)}
    )


def test_a_hold_takes_effect_shows_its_reason_and_ends_with_unpin(daemon: Running) -> None:
    daemon.control.call("pin", ladder="demo", variant="low", reason="night flight")
    live(daemon, "low")
    status = daemon.status()
    assert status["hold"] == {"variant": "low", "reason": "night flight", "left_s": None}
    why = daemon.control.call("why", ladder="demo")["decisions"][0]
    assert (why["variant"], why["reason"]["code"]) == ("low", "hold")
    assert {r["variant"] for r in why["rejected"]} >= {"top", "mid"}
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        answer = client.infer(np.zeros((8, 8, 3), np.uint8))
    assert answer.reason is not None
    assert "night flight" in answer.reason.text
    assert daemon.control.call("unpin", ladder="demo")["was"] == "low"
    live(daemon, "top")


def test_a_hold_with_a_time_ends_by_itself(daemon: Running) -> None:
    daemon.control.call("pin", ladder="demo", variant="low", for_s=1.0)
    live(daemon, "low")
    wait_for(lambda: daemon.status()["hold"] is None, what="end of the hold")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"op": "nonsense"}, "known are"),
        ({"op": "pin", "ladder": "nosuch", "variant": "top"}, "running are demo"),
        ({"op": "pin", "ladder": "demo", "variant": "nosuch"}, "top, mid, low"),
        ({"op": "pin", "ladder": "demo", "variant": "top", "for_s": -5}, "above 0"),
        ({"op": "pin", "ladder": "demo", "variant": "top", "for_s": "soon"}, "above 0"),
        ({"nothing": 1}, "send"),
        ([1, 2], "send"),
    ],
)
def test_nonsense_gets_one_sentence(daemon: Running, request_: Any, words: str) -> None:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(f"ipc://{daemon.runtime_dir}/control.sock")
    try:
        socket.send_multipart([b"", json.dumps(request_).encode()])
        assert socket.poll(5000)
        reply = json.loads(socket.recv_multipart()[-1])
    finally:
        context.destroy(linger=0)
    assert reply["ok"] is False
    assert words in reply["error"]
    assert reply["error"].startswith("cannot")


def test_bytes_that_are_no_json_do_not_stop_it(daemon: Running) -> None:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(f"ipc://{daemon.runtime_dir}/control.sock")
    try:
        for junk in ([b"\xff\xfe"], [b""], [b"", b"{"], [b"", b"[" * 60_000], [b"", b"", b""]):
            socket.send_multipart(junk)
        assert daemon.control.call("ping")["ready"]
    finally:
        context.destroy(linger=0)


def test_a_missing_daemon_is_one_sentence_at_once(tmp_path: Path) -> None:
    with (
        ControlClient(tmp_path) as control,
        pytest.raises(ControlError, match=r"there is no socket .*control\.sock"),
    ):
        control.call("ping")


def test_a_hot_board_lowers_the_variant_and_the_reply_says_why(
    start: Start, tmp_path: Path
) -> None:
    board = FakeBoard(tmp_path / "sysroot")
    board.zone("tj-thermal", 78.0)
    daemon = start(
        {
            "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
            "sensors": {
                "sysroot": str(board.root),
                "options": {"thermal": {"period_s": 0.1}},
            },
        }
    )
    live(daemon, "top")
    wait_for(
        lambda: [
            s
            for s in daemon.control.call("sensors")["senses"]
            if s["name"] == "temp_c" and "value" in s
        ],
        what="the temperature is read",
    )
    heat_c = itertools.count(78.0, 0.02)

    def hotter() -> bool:
        board.zone("tj-thermal", min(90.0, next(heat_c)))
        return bool(daemon.status()["live"] == "low")

    wait_for(hotter, what="the cheapest variant")
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        answer = client.infer(np.zeros((8, 8, 3), np.uint8))
    assert answer.variant == "low"
    assert answer.reason is not None
    assert answer.reason.code == "temperature"


def test_the_metrics_endpoint_tells_the_same_as_status(start: Start, tmp_path: Path) -> None:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    daemon = start(
        {
            "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
            "metrics": {"port": port},
        }
    )
    with Client("demo", runtime_dir=daemon.runtime_dir) as client:
        for _ in range(5):
            client.infer(np.zeros((8, 8, 3), np.uint8))

    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            return str(page.read().decode())

    wait_for(
        lambda: 'edgerund_requests_total{ladder="demo",outcome="ok"} 5.0' in scrape(),
        what="five answers",
    )
    page = scrape()
    assert 'edgerund_live{ladder="demo",variant="top"} 1.0' in page
    assert 'edgerund_stage_seconds_count{ladder="demo",stage="infer"} 5.0' in page
    assert (
        "edgerund_reading{" not in page.replace('edgerund_reading{name="', "x")
        or "nan" not in page.lower()
    )


def test_a_second_daemon_on_the_same_folder_is_refused(daemon: Running) -> None:
    import subprocess
    import sys

    file = daemon.runtime_dir / "edgerund.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "edgerund", "serve", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 13
    assert "another edgerund is running there" in done.stderr
    assert daemon.control.call("ping")["ready"]
