"""Energy per inference above idle: busy windows of one variant between idle ones, while a power rail is watched.

    energy = (power while busy - power while idle, before and after) x time of one inference

The mean of the idle windows on both sides takes out whatever drifts slowly: a warming board, a fan, a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgerund.clock import Clock
from edgerund.profile.figures import Energy
from edgerund.profile.median import Z95
from edgerund.profile.rail import Rail
from edgerund.profile.subject import Subject

LEAST_WINDOWS = 3
IDLE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Window:
    """One busy window: power in it and in the idle ones around it (mW), and the time of one inference in it."""

    busy_mw: float
    idle_mw: float
    inference_s: float

    @property
    def energy_mj(self) -> float:
        """Above idle, per inference."""
        return (self.busy_mw - self.idle_mw) * self.inference_s


def energy_of(windows: Sequence[Window], source: str) -> Energy:
    """The mean over windows, if it stands out of its own scatter.

    Not measured where fewer than ``LEAST_WINDOWS`` windows were complete, or where the mean is not above 1.96 of its
    standard errors: a rail that does not follow the load tells nothing about it.
    """
    values = [w.energy_mj for w in windows]
    if len(values) < LEAST_WINDOWS:
        return Energy(
            source=source, reason=f"only {len(values)} windows with a reading of {source}"
        )
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    error = math.sqrt(variance / len(values))
    if not mean > Z95 * error or mean <= 0:
        more = sum(w.busy_mw - w.idle_mw for w in windows) / len(windows)
        return Energy(
            source=source,
            reason=f"{source} does not follow the load: {more:+.0f} mW while busy is within its own scatter",
        )
    return Energy(mj=mean, source=source, error=error / mean)


def estimate(energy: Energy, cpu_ms: float | None, watts_per_core: float) -> Energy:
    """The same with an estimate beside it: processor time x an assumed draw of one busy core above idle."""
    if cpu_ms is None:
        return energy
    return replace(
        energy,
        estimate_mj=cpu_ms * watts_per_core,
        formula=(
            f"estimate: {cpu_ms:.4g} ms of processor time x {watts_per_core:g} W per busy core above idle (assumed, "
            "not measured)"
        ),
    )


def measure_energy(
    subject: Subject,
    rail: Rail,
    seconds: float,
    clock: Clock,
    progress: Callable[[float, str], None],
) -> Energy:
    """Alternate idle and busy windows for about ``seconds``.

    Raises:
        EngineError: the variant failed meanwhile.
    """
    count = max(LEAST_WINDOWS, int(seconds / rail.shortest_window_s))
    length_s = max(seconds / count, rail.shortest_window_s)
    windows: list[Window] = []
    before = rail.mean_mw(length_s * IDLE_SHARE, clock)
    for number in range(count):
        progress(number / count, f"energy of {subject.name}, window {number + 1} of {count}")
        busy_s = length_s * (1 - IDLE_SHARE)
        subject.begin("run_for", [busy_s])
        # the last reading of a busy window must have been taken while it was busy
        busy = rail.mean_mw(busy_s * 0.9, clock)
        runs, took_s, _ = subject.end_run(busy_s)
        after = rail.mean_mw(length_s * IDLE_SHARE, clock)
        if before is not None and busy is not None and after is not None:
            windows.append(Window(busy, (before + after) / 2, took_s / runs))
        before = after
    if rail.lost is not None:
        return Energy(source=rail.source, reason=rail.lost)
    return energy_of(windows, rail.source)
