"""The camera as a process of its own: frames at a fixed rate, whether or not the last one was answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.bench.load import percentile
from edgerund.cli.demo import load_frames
from edgerund.errors import RequestError

if TYPE_CHECKING:
    from edgerund.client import AsyncClient

MOST_BEHIND_S = 0.25
"""A camera that was held up for longer leaves frames out, as a real one does."""


class Tally:
    """What one second brought."""

    def __init__(self) -> None:
        self.sent = self.right = self.skipped = 0
        self.answered: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.latency_ms: list[float] = []

    def row(self, at_s: float) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "at_s": round(at_s, 2),
            "sent": self.sent,
            "skipped": self.skipped,
            "right": self.right,
            "answered": dict(self.answered),
            "lost": dict(self.lost),
            "p50_ms": round(percentile(self.latency_ms, 0.5), 3) if self.latency_ms else None,
            "p99_ms": round(percentile(self.latency_ms, 0.99), 3) if self.latency_ms else None,
        }


class Camera:
    """Sends and counts. ``speed``: the board's seconds in each real one, in which times are told."""

    def __init__(self, client: AsyncClient, frames: list[tuple[str, Any]], speed: float) -> None:
        self.rows: list[dict[str, Any]] = []
        self.swaps: list[dict[str, Any]] = []
        self._client = client
        self._frames = frames
        self._speed = speed
        self._tally = Tally()
        self._variant = ""
        self._origin_s = 0.0
        self._under_way: set[asyncio.Task[None]] = set()

    async def warm(self, count: int) -> int:
        """Ask for ``count`` frames, one after the other."""
        for n in range(count):
            await self._client.infer(self._frames[n % len(self._frames)][1])
        return count

    async def stream(self, fps: float, origin_s: float, pipe: Connection) -> None:
        """Send ``fps`` frames a second until a word comes, then wait for the answers that are due."""
        self._origin_s = due_s = row_s = origin_s
        turn = 0
        while not pipe.poll(0):
            now_s = time.monotonic()
            if now_s - row_s >= 1.0 / self._speed:
                self._close_row(now_s)
                row_s = now_s
            if now_s < due_s:
                await asyncio.sleep(due_s - now_s)
                continue
            if now_s - due_s > MOST_BEHIND_S:
                missed = int((now_s - due_s) * fps)
                self._tally.skipped += missed
                due_s += missed / fps
            self._send(turn)
            turn, due_s = turn + 1, due_s + 1.0 / fps
        pipe.recv()
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._close_row(time.monotonic())

    def _send(self, turn: int) -> None:
        label, frame = self._frames[(turn * 7) % len(self._frames)]
        task = asyncio.create_task(self._ask(label, frame))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, label: str, frame: Any) -> None:
        self._tally.sent += 1
        try:
            answer = await self._client.infer(frame)
        except RequestError as e:
            self._tally.lost[type(e).__name__] += 1
            return
        tally = self._tally
        tally.answered[answer.variant] += 1
        tally.right += answer.labels[:1] == (label,)
        tally.latency_ms.append(answer.round_trip_ms)
        if answer.variant != self._variant:
            self._variant = answer.variant
            why = answer.reason.text if answer.reason else "every limit is kept"
            at_s = (time.monotonic() - self._origin_s) * self._speed
            self.swaps.append({"at_s": round(at_s, 2), "to": answer.variant, "because": why})

    def _close_row(self, now_s: float) -> None:
        self.rows.append(self._tally.row((now_s - self._origin_s) * self._speed))
        self._tally = Tally()


def run_load(runtime_dir: str, ladder: str, frames: str, speed: float, pipe: Connection) -> None:
    """The process: answers each number with so many frames asked, then streams at ``(fps, origin_s)``.

    A word ends it; it sends its rows and its swaps.
    """
    asyncio.run(_run(runtime_dir, ladder, load_frames(Path(frames)), speed, pipe))


async def _run(
    runtime_dir: str, ladder: str, frames: list[tuple[str, Any]], speed: float, pipe: Connection
) -> None:
    from edgerund.client import AsyncClient

    async with AsyncClient(ladder, runtime_dir=runtime_dir, timeout_s=5.0) as client:
        camera = Camera(client, frames, speed)
        while isinstance(told := pipe.recv(), int):
            pipe.send(await camera.warm(told))
        fps, origin_s = told
        await camera.stream(fps, origin_s, pipe)
    # the first one is no swap but who answered when the run began
    pipe.send({"rows": camera.rows, "swaps": camera.swaps[1:], "first": camera.swaps[:1]})
