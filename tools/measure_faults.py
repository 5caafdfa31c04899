"""Breaks senses, controller and supervisor of a real daemon: the time until it is safe, and until it is back.

python tools/measure_faults.py [--rounds 3] [--only NAME ...]

Safe: a client's answer comes from the cheapest variant. Back: one comes from the best variant again, after the cause
has ended (it may climb one step after the other, each after the policy's dwell of 1 s).
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgerund.bench.daemon import own_daemon
from edgerund.client import Client
from edgerund.client.control import ControlClient
from edgerund.config.share import shared_file
from edgerund.errors import RequestError
from edgerund.sensors.fake_board import FakeBoard

ROOT = Path(__file__).resolve().parents[1]
SENSOR = "tools.saboteur:Saboteur"
LIMIT_S = 60.0
POLICY = {
    "policy": "careful",
    "constraints": {"temp_c": {"max": 80}},
    "switching": {"dwell_s": 1, "max_per_hour": 3600, "cost_s": 0},
    "lost": {"temp_c": "cheapest"},
}


@dataclass(frozen=True)
class Case:
    """One fault. ``undo`` ends it; None: it ends by itself."""

    name: str
    do: Callable[[Bench], None]
    undo: Callable[[Bench], None] | None = None


class Bench:
    """One daemon, its board and its client."""

    def __init__(self, folder: Path, scratch: Path, board: FakeBoard) -> None:
        self.board, self._scratch = board, scratch
        self.client = Client("cifar10", runtime_dir=folder, timeout_s=20.0)
        self.control = ControlClient(folder, timeout_s=20.0)
        self.pid = int(self.control.call("ping")["pid"])
        names = [v["name"] for v in self.status()["variants"]]
        self.best, self.cheapest = names[0], names[-1]
        self._frame = np.zeros((32, 32, 3), np.uint8)

    def status(self) -> dict[str, Any]:
        return dict(self.control.call("status")["ladders"][0])

    def order(self, word: str) -> None:
        (self._scratch / "order.new").write_text(word)
        (self._scratch / "order.new").rename(self._scratch / "order")

    def until(self, variant: str, begun_s: float) -> float:
        """Seconds since ``begun_s`` until a client is answered by ``variant``; infinite after a minute."""
        while time.monotonic() - begun_s < LIMIT_S:
            try:
                if self.client.infer(self._frame).variant == variant:
                    return time.monotonic() - begun_s
            except RequestError:
                pass
            time.sleep(0.01)
        return float("inf")

    def settle(self) -> None:
        """Until the best variant serves and the cheapest is loaded."""
        self.until(self.best, time.monotonic())
        while not all(v["resident"] for v in self.status()["variants"][-1:]):
            time.sleep(0.05)
        time.sleep(1.0)


CASES = (
    Case(
        "sensor: its files vanish",
        lambda b: b.board.lose("/sys/class/thermal"),
        lambda b: heat(b.board),
    ),
    Case("sensor: plug-in raises", lambda b: b.order("raise"), lambda b: b.order("heal")),
    Case("sensor: plug-in ends its thread", lambda b: b.order("leave"), lambda b: b.order("heal")),
    Case("sensor: plug-in never comes back", lambda b: b.order("block")),
    Case("control thread: killed", lambda b: b.order("kill")),
    Case("supervisor: plug-in holds the interpreter 6 s", lambda b: b.order("freeze")),
    Case(
        "supervisor: stopped",
        lambda b: os.kill(b.pid, signal.SIGSTOP),
        lambda b: os.kill(b.pid, signal.SIGCONT),
    ),
)
NO_WAY_BACK = {"sensor: plug-in never comes back"}


def heat(board: FakeBoard) -> None:
    """The zone that is there."""
    board.zone("soc-thermal", 40.0)


@contextmanager
def bench(scratch: Path, *, plugin: bool) -> Iterator[Bench]:
    """A daemon with the bundled ladder; its temperature comes from files, or from a plug-in that obeys orders."""
    board = FakeBoard(scratch / "board")
    heat(board)
    (scratch / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    options = {SENSOR: {"order": str(scratch / "order")}}
    settings = {
        "ladders": [{"path": str(shared_file("variants/cifar10"))}],
        "policy": str(scratch / "policy.yaml"),
        "sensors": {
            "sysroot": str(board.root),
            "enabled": [SENSOR if plugin else "thermal"],
            "options": options if plugin else {},
        },
    }
    with own_daemon(settings) as folder:
        found = Bench(folder, scratch, board)
        try:
            yield found
        finally:
            found.client.close()
            found.control.close()


def measure(case: Case) -> tuple[float, float]:
    """Seconds from the fault to the cheapest variant, and from its end to the best one."""
    with (
        tempfile.TemporaryDirectory(prefix="edgerund-") as name,
        bench(Path(name), plugin="files" not in case.name) as b,
    ):
        b.settle()
        begun_s = time.monotonic()
        case.do(b)
        safe_s = b.until(b.cheapest, begun_s)
        if case.name in NO_WAY_BACK:
            return safe_s, float("nan")
        ended_s = time.monotonic()
        if case.undo is not None:
            case.undo(b)
        return safe_s, b.until(b.best, ended_s)


def main() -> None:
    """Every case ``--rounds`` times; the worst of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="*", default=[], help="cases whose name contains one of these"
    )
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    print(f"{'fault':<48} {'safe after s: worst':>20} {'back after s: worst':>20}")
    for case in CASES:
        if args.only and not any(word in case.name for word in args.only):
            continue
        found = [measure(case) for _ in range(args.rounds)]
        safe_s, back_s = (max(column) for column in zip(*found, strict=True))
        print(f"{case.name:<48} {safe_s:>20.2f} {back_s:>20.2f}", flush=True)


if __name__ == "__main__":
    main()
