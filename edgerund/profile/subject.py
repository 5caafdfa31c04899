"""One variant in a process of its own, as whoever measures it sees it: a crash or a hang is a finding."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from typing import Any

from edgerund.errors import EngineError
from edgerund.profile.subject_process import serve
from edgerund.profile.subject_work import Burst, Loaded
from edgerund.types import LadderPlan, VariantPlan

START_S = 60.0
PATIENCE = 20
"""So many times what it should take is a hang, not a busy machine."""


class Subject:
    """A variant, its process, and its time-out. After the first failure nothing more can be asked of it.

    Every method raises EngineError, one sentence, where the variant failed, died or hung.
    """

    def __init__(
        self,
        ladder: LadderPlan,
        variant: VariantPlan,
        threads: int,
        timeout_s: float,
        cpus: Sequence[int] = (),
    ) -> None:
        self.name, self.backend, self.threads = variant.name, variant.backend, threads
        self._timeout_s = timeout_s
        # forked from a small server: nothing that the parent has loaded is in the child's memory
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([serve.__module__])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, ladder, variant, threads, tuple(cpus)), daemon=True
        )
        self._process.start()
        theirs.close()

    def load(self, shown: Sequence[Any] = ()) -> Loaded:
        """Load, warm and check it; ``shown`` are the samples that bursts run on."""
        self._ask("prepare", [], START_S / PATIENCE)
        loaded: Loaded = self._ask("load", [list(shown)])
        self._typical_s = loaded.typical_ms / 1e3
        return loaded

    def burst(self, warm: int, count: int) -> Burst:
        """See ``Work.burst``."""
        burst: Burst = self._ask("burst", [warm, count], (warm + count) * self._typical_s)
        return burst

    def run_for(self, seconds: float) -> tuple[int, float, float]:
        """See ``Work.run_for``."""
        self.begin("run_for", [seconds])
        return self.end_run(seconds)

    def end_run(self, seconds: float) -> tuple[int, float, float]:
        """What ``run_for`` came to, where it was begun by ``begin``."""
        told: tuple[int, float, float] = self.end(seconds + self._typical_s)
        return told

    def answers(self, samples: Sequence[Any]) -> list[Any]:
        """See ``Work.answers``."""
        told: list[Any] = self._ask("answers", [samples], len(samples) * self._typical_s)
        return told

    def ways(self, samples: Sequence[Any]) -> list[int]:
        """See ``Work.ways``."""
        told: list[int] = self._ask("ways", [samples], len(samples) * self._typical_s)
        return told

    def show(self, samples: Sequence[Any]) -> int:
        """See ``Work.show``."""
        count: int = self._ask("show", [list(samples)])
        return count

    def counters(self) -> dict[str, int]:
        """See ``Work.counters``."""
        told: dict[str, int] = self._ask("counters", [])
        return told

    def begin(self, name: str, arguments: Sequence[Any]) -> None:
        """Ask, without waiting for the answer."""
        try:
            self._pipe.send((name, tuple(arguments)))
        except (BrokenPipeError, ConnectionResetError):
            raise EngineError(f"cannot measure it: {self._end()}") from None

    def end(self, expected_s: float = 0.0) -> Any:
        """The answer to what was asked last; ``expected_s`` is how long it should take."""
        limit_s = self._timeout_s + PATIENCE * expected_s
        try:
            if not self._pipe.poll(limit_s):
                self._process.kill()
                raise EngineError(f"cannot measure it: no answer within {limit_s:.0f} s")
            fine, told = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            raise EngineError(f"cannot measure it: {self._end()}") from None
        if not fine:
            raise EngineError(told)
        return told

    def close(self) -> None:
        """End the process. Closing twice is allowed."""
        self._pipe.close()
        self._process.kill()
        self._process.join()

    def _ask(self, name: str, arguments: Sequence[Any], expected_s: float = 0.0) -> Any:
        self.begin(name, arguments)
        return self.end(expected_s)

    def _end(self) -> str:
        self._process.join(self._timeout_s)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"its process died of {signal.Signals(-code).name} while loading or running it"
        return f"its process ended with code {code}"
