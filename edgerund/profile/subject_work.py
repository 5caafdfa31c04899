"""What the process of one variant does: load it, run it in bursts, answer samples."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import (
    Array,
    Backend,
    Counting,
    Engine,
    Incoming,
    LoadOptions,
    PipelineFactory,
)
from edgerund.profile.empty import load_empty
from edgerund.profile.plain import any_inputs, libraries
from edgerund.profile.resident import forget_peak, peak_bytes, resident_bytes
from edgerund.registry import resolve
from edgerund.serve.golden import check_golden, made_up, read_golden
from edgerund.types import LadderPlan, VariantPlan

WARM_RUNS = 20
WARM_S = 1.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """How loading went. ``side`` is the longer side of the network's input in pixels, None for raw tensors.

    ``varies``: the time depends on what is shown (a cascade). ``typical_ms`` is a first idea of one inference;
    ``inputs`` is how many different ones the bursts run on.
    """

    runtime: str
    load_ms: float
    warmup_ms: float
    typical_ms: float
    memory_bytes: int | None
    peak_bytes: int | None
    varies: bool
    side: int | None
    inputs: int = 1


@dataclass(frozen=True, slots=True)
class Burst:
    """Milliseconds of single runs, whether the kernel left each of them alone, and processor time of one.

    ``shown`` is the number of the first run's input; the inputs follow each other, and begin again.
    """

    ms: tuple[float, ...]
    calm: tuple[bool, ...]
    cpu_ms: float
    shown: int = 0


class Work:
    """One loaded variant and what is asked of it. Each public method is a request."""

    def __init__(self, ladder: LadderPlan, variant: VariantPlan, threads: int) -> None:
        self._ladder, self._variant, self._threads = ladder, variant, threads
        self._inputs: list[list[Array]] = []
        self._next = 0
        self._empty: list[Engine | None] = []

    def prepare(self) -> None:
        """Import what this variant needs, and run its library once: what comes then is the variant's alone."""
        self._empty = [load_empty(n, self._threads, o) for n, o in libraries(self._variant)]
        resolve("engines", self._variant.backend)().version()
        resolve("tasks", self._ladder.task)

    def load(self, shown: Sequence[Any]) -> Loaded:
        """Load, warm and check the variant; ``shown`` are the samples of later bursts, empty for the golden one."""
        variant, options = self._variant, self._variant.options
        backend: Backend = resolve("engines", variant.backend)()
        build: PipelineFactory = resolve("tasks", self._ladder.task)
        path = Path(variant.file)
        forget_peak()
        before = resident_bytes()
        start_s = time.perf_counter()
        self._engine = backend.load(
            path, LoadOptions(self._threads, None, options), lambda _share, _text: None
        )
        loaded_s = time.perf_counter() - start_s
        # what pipelines import and golden files unpack is not the variant's: its own inputs come first
        plain = any_inputs(self._engine.spec)
        if plain is None:
            self._pipeline = build(self._ladder, variant, self._engine.spec)
        self._inputs = [plain if plain is not None else self._usual(shown)[0]]
        warmup_ms = self._timed_ms()
        typical_ms = self._warm(warmup_ms)
        peak, resident = peak_bytes(), resident_bytes()
        self._pipeline = build(self._ladder, variant, self._engine.spec)
        self._inputs, self._next = self._usual(shown), 0
        wrong = check_golden(self._ladder, variant, self._engine, self._pipeline)
        if wrong:
            raise EngineError(wrong)
        return Loaded(
            backend.version(),
            loaded_s * 1e3 + warmup_ms,
            warmup_ms,
            typical_ms,
            _grown(resident, before),
            _grown(peak, before),
            isinstance(self._engine, Counting),
            self._side(),
            len(self._inputs),
        )

    def burst(self, warm: int, count: int) -> Burst:
        """``warm`` runs that nobody counts, then ``count`` runs, each timed by itself."""
        for _ in range(warm):
            self._engine.infer(self._inputs[self._next % len(self._inputs)])
        shown, every_ms, calm = self._next % len(self._inputs), [], []
        cpu_s = time.process_time()
        for _ in range(count):
            switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            every_ms.append(self._timed_ms())
            calm.append(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw == switches)
        cpu_ms = (time.process_time() - cpu_s) * 1e3 / count
        return Burst(tuple(every_ms), tuple(calm), cpu_ms, shown)

    def run_for(self, seconds: float) -> tuple[int, float, float]:
        """Run without a break: how often, in how many seconds, with how many seconds of processor time."""
        count, start_s, cpu_s = 0, time.perf_counter(), time.process_time()
        while (took_s := time.perf_counter() - start_s) < seconds or count == 0:
            self._timed_ms()
            count += 1
        return count, took_s, time.process_time() - cpu_s

    def answers(self, samples: Sequence[Any]) -> list[Any]:
        """What the variant says to each sample, through its own pipeline.

        Task ``classify``: the number of the best class. ``detect``: boxes, scores, classes. ``tensor``: the outputs.
        """
        return [self._answer(sample) for sample in samples]

    def ways(self, samples: Sequence[Any]) -> list[int]:
        """For each sample, how many further members a cascade asked about it; 0 for any other engine."""
        told, before = [], _escalations(self.counters())
        for sample in samples:
            self._engine.infer(self._prepared(sample))
            after = _escalations(self.counters())
            told.append(after - before)
            before = after
        return told

    def show(self, samples: Sequence[Any]) -> int:
        """Let the bursts run on these from now on; how many they are."""
        self._inputs, self._next = self._usual(samples), 0
        return len(self._inputs)

    def counters(self) -> dict[str, int]:
        """What the engine counts itself, if it does."""
        return dict(self._engine.counters()) if isinstance(self._engine, Counting) else {}

    # ------------------------------------------------------------------ parts
    def _timed_ms(self) -> float:
        inputs = self._inputs[self._next % len(self._inputs)]
        self._next += 1
        start_s = time.perf_counter()
        self._engine.infer(inputs)
        return (time.perf_counter() - start_s) * 1e3

    def _warm(self, first_ms: float) -> float:
        """Until nothing is new any more; the median."""
        took_ms, until_s = [first_ms], time.perf_counter() + WARM_S
        while len(took_ms) < WARM_RUNS and time.perf_counter() < until_s:
            took_ms.append(self._timed_ms())
        return float(np.median(took_ms[len(took_ms) // 2 :]))

    def _prepared(self, sample: Any) -> list[Array]:
        if isinstance(sample, tuple):
            return list(sample)
        inputs, _ = self._pipeline.prepare(Incoming(arrays=(sample,)))
        return inputs

    def _usual(self, shown: Sequence[Any]) -> list[list[Array]]:
        return [self._prepared(sample) for sample in shown] or [self._golden()]

    def _golden(self) -> list[Array]:
        golden = None
        if self._ladder.golden is not None:
            golden = read_golden(Path(self._ladder.golden.file))
        golden = golden or made_up(self._variant, self._engine.spec)
        if golden is None:
            raise EngineError(
                "cannot make up an input: its shape is free; write a golden file with input.0"
            )
        if golden.frame is None:
            return list(golden.inputs)
        return self._prepared(golden.frame)

    def _answer(self, sample: Any) -> Any:
        geometry = None
        if isinstance(sample, tuple):
            inputs = list(sample)
        else:
            inputs, geometry = self._pipeline.prepare(Incoming(arrays=(sample,)))
        told = self._pipeline.finish(self._engine.infer(inputs), geometry)
        if self._ladder.task == "classify":
            return int(told.result["classes"][0])
        if self._ladder.task == "detect":
            return told.result["boxes"], told.result["scores"], told.result["classes"]
        return [np.asarray(a) for a in told.arrays]

    def _side(self) -> int | None:
        if self._variant.input is None:
            return None
        sides = [n for n in self._engine.spec.inputs[0].shape[1:] if n is not None]
        size = self._variant.input.size
        return max(size) if size else max(sides, default=None)


def _escalations(counters: Mapping[str, int]) -> int:
    return sum(count for name, count in counters.items() if name.startswith("escalated"))


def _grown(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else max(0, after - before)
