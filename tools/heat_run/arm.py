"""One arm of a run: a daemon of its own, the board that it reads, and the camera that it answers."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from edgerund.bench.daemon import own_daemon
from edgerund.client.control import ControlClient
from edgerund.types import LadderPlan
from tools.heat_run.board import Story, cpu_s, run_board
from tools.heat_run.load import run_load

READERS = ("thermal", "ina3221", "power_supply", "load")
WARM_FRAMES = 300
FAST_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What one arm runs. ``folder`` keeps its files."""

    name: str
    folder: Path
    ladder: LadderPlan
    ladder_path: Path
    policy: Mapping[str, Any] | Path
    story: Story


@dataclass(frozen=True, slots=True)
class Trace:
    """What an arm left behind: the board's rows, the camera's rows, and every swap that replies told of."""

    name: str
    board: dict[str, Any]
    frames: list[dict[str, Any]]
    swaps: list[dict[str, Any]]
    first: str

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "board": self.board,
            "frames": self.frames,
            "swaps": self.swaps,
            "first": self.first,
        }


@dataclass(slots=True)
class Arm:
    """Starts everything on entry and ends everything on exit."""

    plan: Plan
    _stack: ExitStack = field(default_factory=ExitStack)
    _processes: list[BaseProcess] = field(default_factory=list)
    _runtime_dir: Path = Path()
    _board: Connection | None = None
    _camera: Connection | None = None

    def __enter__(self) -> Arm:
        plan = self.plan
        try:
            board = self._start(run_board, str(self._root()), plan.story)
            board.recv()
            self._board = board
            log = plan.folder / "daemon.log"
            self._runtime_dir = self._stack.enter_context(own_daemon(self._settings(), log))
            frames = str(plan.ladder_path / "frames")
            self._camera = self._start(
                run_load, str(self._runtime_dir), plan.ladder.name, frames, plan.story.speed
            )
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for process in self._processes:  # nobody will tell them to stop
                process.kill()
        self._stack.close()

    def status(self) -> dict[str, Any]:
        """What ``edgerund status --json`` prints."""
        with ControlClient(self._runtime_dir) as control:
            return control.call("status")

    def cost_ms(self) -> float:
        """CPU time of the worker for one frame by the variant that answers now."""
        assert self._camera is not None
        self._ask_camera(WARM_FRAMES // 10)
        pid = self.status()["ladders"][0]["pid"]
        before_s = cpu_s(pid)
        self._ask_camera(WARM_FRAMES)
        return 1e3 * (cpu_s(pid) - before_s) / WARM_FRAMES

    def go(self, fps: float, origin_s: float) -> None:
        """The board's clock and the camera start at ``origin_s`` (monotonic)."""
        assert self._board is not None
        assert self._camera is not None
        self._board.send((str(self._runtime_dir), origin_s))
        self._camera.send((fps, origin_s))

    def stop(self) -> Trace:
        """End camera and board; the daemon goes on until the arm is left."""
        assert self._board is not None
        assert self._camera is not None
        self._camera.send("stop")
        camera = self._camera.recv()
        self._board.send("stop")
        board = self._board.recv()
        first = camera["first"][0]["to"] if camera["first"] else ""
        return Trace(self.plan.name, board, camera["rows"], camera["swaps"], first)

    def _ask_camera(self, count: int) -> None:
        assert self._camera is not None
        self._camera.send(count)
        self._camera.recv()

    def _root(self) -> Path:
        return self.plan.folder / "board"

    def _settings(self) -> dict[str, Any]:
        policy, speed = self.plan.policy, self.plan.story.speed
        if not isinstance(policy, Path):
            file = self.plan.folder / "policy.yaml"
            file.write_text(yaml.safe_dump(dict(policy), sort_keys=False), encoding="utf-8")
            policy = file
        pace: dict[str, Any] = {}
        if speed > 1.0:
            period_s = max(FAST_TICK_S, 1.0 / speed)
            pace = {"tick_s": period_s}
            pace["sensors"] = {"options": {name: {"period_s": period_s} for name in READERS}}
        return {
            "ladders": [{"path": str(self.plan.ladder_path.resolve())}],
            "policy": str(policy.resolve()),
            "recorder": {"file": str(self.plan.folder / "flight.jsonl")},
            **pace,
            "sensors": {"sysroot": str(self._root()), **pace.get("sensors", {})},
        }

    def _start(self, target: Callable[..., None], *args: Any) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(*args, theirs), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._stack.callback(_end, process)
        return ours


def _end(process: BaseProcess) -> None:
    process.join(timeout=5)
    if process.is_alive():
        process.kill()
        process.join()


def wait_until(at_s: float, going: Callable[[], bool]) -> None:
    """Wait for a moment of the monotonic clock, or until nothing goes on."""
    while time.monotonic() < at_s and going():
        time.sleep(min(0.2, max(0.0, at_s - time.monotonic())))
