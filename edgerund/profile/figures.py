"""What was measured of one variant: plain figures, for the table, the cards and the factory's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Latency:
    """Warm inference of one variant with one number of threads; the engine alone, as in ``Engine.infer``.

    ``runs`` were counted, ``disturbed`` were left out because the kernel gave the core to somebody else
    meanwhile. ``error`` is half the width of the 95 % confidence interval of the median over rounds of the fastest
    run, as a share of it. ``relative`` is the median over rounds of this variant's fastest run to that of the first
    variant in the same round: on a busy machine the better figure to compare by. ``cpu_ms`` is processor time of all
    threads per inference. Where the time depends on what is shown (a cascade), ``p50_ms`` is the mean over frames of
    each one's median.
    """

    threads: int
    p50_ms: float
    p99_ms: float
    p10_ms: float
    mean_ms: float
    runs: int
    disturbed: int
    rounds: int
    error: float
    relative: float | None = None
    cpu_ms: float | None = None
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Energy:
    """Above idle, per inference: ``mj`` if a power rail told it, else None and ``reason`` says why.

    ``estimate_mj`` is processor time times an assumed draw per core; ``formula`` says so. ``source`` names the
    rail; ``error`` is the standard error as a share of ``mj``.
    """

    mj: float | None = None
    source: str = ""
    error: float | None = None
    reason: str = ""
    estimate_mj: float | None = None
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that was measured of one variant on this device; None or empty: not measured.

    ``failed`` is one sentence where the variant could not be measured to the end; what was measured before stays.
    ``robust`` maps a corruption and its severity (``noise 3``) to accuracy; ``robust_images`` is how many images
    each was counted on. ``latencies`` has one entry per number of threads and backend, in the order that was asked
    for; the first of the own backend is the card's. ``memory_bytes`` is the growth of resident memory over a
    process that has loaded an empty network with the same backend, ``peak_bytes`` the same at its highest.
    ``load_ms`` is from the file to the first answer, ``warmup_ms`` the first inference alone. ``dominated_by`` names
    a variant that is at least as good in everything and better in something. ``extra`` holds what an engine counts
    itself, such as a cascade's share of frames that went on (``escalated_1``).
    """

    name: str
    backend: str = ""
    runtime: str = ""
    failed: str | None = None
    accuracy: float | None = None
    metric: str = ""
    images: int = 0
    dataset: str = ""
    agreement: float | None = None
    agreement_with: str = ""
    robust: Mapping[str, float] = field(default_factory=dict)
    robust_images: int = 0
    latencies: tuple[Latency, ...] = ()
    load_ms: float | None = None
    warmup_ms: float | None = None
    memory_bytes: int | None = None
    peak_bytes: int | None = None
    energy: Energy = Energy()
    file_bytes: int | None = None
    sha256: str = ""
    dominated_by: str | None = None
    extra: Mapping[str, float] = field(default_factory=dict)

    @property
    def latency(self) -> Latency | None:
        """The latency of the card: own backend, first number of threads that was asked for."""
        own = (one for one in self.latencies if one.backend in ("", self.backend))
        return next(own, None)


@dataclass(frozen=True, slots=True)
class Measured:
    """All variants of a ladder, in its order, and where and how they were measured.

    ``ratios`` maps (threads, variant, other variant) to the median over rounds of the ratio of their fastest runs in
    the same round. ``chances`` maps (variant, other variant) to how often two equally good ones would differ in
    accuracy by at least as much on these images (see ``chance``). ``notes`` are sentences about the measuring itself:
    a busy machine, a rail that did not answer.
    """

    ladder: str
    device: str
    figures: tuple[Figures, ...]
    ratios: Mapping[tuple[int, str, str], float] = field(default_factory=dict)
    chances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measured_at: str = ""
    took_s: float = 0.0

    def of(self, name: str) -> Figures:
        """The figures of one variant; KeyError if there is none."""
        for figures in self.figures:
            if figures.name == name:
                return figures
        raise KeyError(name)
