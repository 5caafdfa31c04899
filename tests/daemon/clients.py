"""Clients in threads that send as fast as they are answered and check every answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.client import Answer, Client
from edgerund.config.ladder import load_ladder
from edgerund.ports import Incoming
from edgerund.serve.loader import load_resident
from tests.waiting import wait_for

Expected = Mapping[tuple[str, int], Mapping[str, Any]]


def some_frames(count: int = 6) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (12 + 3 * i, 16, 3), dtype=np.uint8) for i in range(count)]


def expected_answers(ladder: Path, frames: list[NDArray[np.uint8]]) -> Expected:
    """What each variant answers to each frame when it is run directly, in this process."""
    plan = load_ladder(ladder)
    answers: dict[tuple[str, int], Mapping[str, Any]] = {}
    for variant in plan.variants:
        resident = load_resident(plan, variant, threads=1)
        for i, frame in enumerate(frames):
            inputs, geometry = resident.pipeline.prepare(Incoming(arrays=[frame]))
            outputs = resident.engine.infer(inputs)
            answers[variant.name, i] = resident.pipeline.finish(outputs, geometry).result
        resident.engine.close()
    return answers


class Crowd:
    """``count`` clients, each in its own thread, until ``stop``."""

    def __init__(
        self,
        runtime_dir: Path,
        frames: list[NDArray[np.uint8]],
        check: Callable[[int, Answer], None],
        count: int = 8,
        ladder: str = "demo",
    ) -> None:
        self.errors: list[BaseException] = []
        self.answers = 0
        self.resent = 0
        self.variants: set[str] = set()
        self._runtime_dir, self._ladder = runtime_dir, ladder
        self._frames, self._check = frames, check
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        for t in self._threads:
            t.start()

    def wait_for_more(self, count: int = 1) -> None:
        """Until so many more answers came, or somebody failed."""
        wanted = self.answers + count
        wait_for(lambda: self.errors or self.answers >= wanted, what=f"{count} more answers")

    def stop(self) -> None:
        self._stopped.set()
        for t in self._threads:
            t.join()

    def _run(self, number: int) -> None:
        turn = number
        with Client(self._ladder, runtime_dir=self._runtime_dir, timeout_s=20.0) as client:
            while not self._stopped.is_set():
                turn = (turn + 1) % len(self._frames)
                try:
                    answer = client.infer(self._frames[turn])
                    self._check(turn, answer)
                except BaseException as e:
                    self.errors.append(e)
                    return
                with self._lock:
                    self.answers += 1
                    self.resent += answer.resent
                    self.variants.add(answer.variant)
