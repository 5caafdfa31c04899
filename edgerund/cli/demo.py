"""``edgerund demo``: a real daemon on the bundled ladder, a simulated board that heats up and runs down."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgerund.errors import LadderError, RequestError, UsageError

POLICY = Path(__file__).with_name("demo_policy.yaml")
FRAMES_PER_S = 30.0
REDRAW_S = 0.2


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        help="watch a simulated board heat up and the variants change",
        description="Starts a daemon on the bundled ladder with a simulated board, streams the bundled frames "
        "from a client, heats the board and drains its battery, and shows each swap with its reason.",
    )
    parser.add_argument(
        "--seconds", type=float, default=45.0, help="length of the run (at least 20)"
    )
    parser.add_argument(
        "--ladder", type=Path, help="another ladder with a frames/ folder (<label>_<n>.png)"
    )
    parser.add_argument(
        "--plain", action="store_true", help="one line a second instead of a live screen"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Run it; 0 if every frame was answered."""
    from edgerund.bench.daemon import own_daemon
    from edgerund.cli.demo_board import DemoBoard
    from edgerund.cli.demo_screen import Screen
    from edgerund.config.ladder import load_ladder
    from edgerund.config.policy import load_policy
    from edgerund.config.share import shared_file

    if args.seconds < 20:
        raise UsageError("cannot show much in less than 20 s: raise --seconds")
    path = args.ladder or shared_file("variants/cifar10")
    plan = load_ladder(path)
    frames = load_frames(path / "frames")
    with tempfile.TemporaryDirectory(prefix="edgerund-demo-") as folder:
        board = DemoBoard(Path(folder) / "board", plan, args.seconds)
        settings = {
            "ladders": [{"path": str(path.resolve())}],
            "policy": str(POLICY),
            "tick_s": 0.25,
            "sensors": {"sysroot": str(board.root), "options": _fast_sensors()},
        }
        live = sys.stdout.isatty() and not args.plain
        screen = Screen(plan, load_policy(POLICY), live=live)
        screen.say(f"starting a daemon on {path.name}: {', '.join(v.name for v in plan.variants)}")
        with own_daemon(settings) as runtime_dir:
            _stream(runtime_dir, frames, board, screen, args.seconds)
    screen.summary()
    return 0 if screen.errors == 0 else 1


def load_frames(folder: Path) -> list[tuple[str, Any]]:
    """``(label, uint8 [H, W, 3])`` of every picture named ``<label>_<n>``. Raises LadderError for none."""
    import numpy as np
    from PIL import Image

    found = [
        (p.stem.rpartition("_")[0], np.asarray(Image.open(p).convert("RGB")))
        for p in sorted(folder.glob("*_*"))
        if p.suffix in (".png", ".jpg")
    ]
    if not found:
        raise LadderError(
            f"cannot show a demo of this ladder: no pictures <label>_<n>.png in {folder}"
        )
    return found


def _stream(
    runtime_dir: Path, frames: list[tuple[str, Any]], board: Any, screen: Any, seconds: float
) -> None:
    from edgerund.client import Client
    from edgerund.client.control import ControlClient

    start_s = time.monotonic()
    drawn_s = 0.0
    with (
        Client(board.plan.name, runtime_dir=runtime_dir, timeout_s=5.0) as client,
        ControlClient(runtime_dir) as control,
    ):
        for n in range(int(seconds * FRAMES_PER_S)):
            label, frame = frames[(n * 7) % len(frames)]  # neighbours are of different classes
            try:
                answer = client.infer(frame)
                screen.answered(time.monotonic() - start_s, label, answer)
                board.worked(answer.variant)
            except RequestError as e:
                screen.failed(e)
            now_s = min(seconds, time.monotonic() - start_s)
            board.advance(now_s)
            if now_s - drawn_s >= REDRAW_S:
                drawn_s = now_s
                screen.draw(now_s, seconds, board, control.call("status")["ladders"][0])
            if now_s >= seconds:  # a machine too busy for every frame
                break
            pause_s = (n + 1) / FRAMES_PER_S - (time.monotonic() - start_s)
            if pause_s > 0:
                time.sleep(pause_s)


def _fast_sensors() -> dict[str, dict[str, float]]:
    """The demo's time runs fast: read everything four times a second."""
    return {name: {"period_s": 0.25} for name in ("thermal", "ina3221", "power_supply")}
