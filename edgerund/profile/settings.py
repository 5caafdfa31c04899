"""How much is measured, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from edgerund.errors import UsageError
from edgerund.profile.corruptions import CONSTANTS, SEVERITIES


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be asked of a measurement.

    Attributes:
        threads: numbers of threads of one inference; the cards carry the first.
        backends: tried beside each variant's own where they can read its file.
        seconds: the rounds of one number of threads end after so long, or as soon as every ratio is known to 1 %.
        rounds: exactly so many rounds instead.
        loads: fresh processes for load time and memory, per variant.
        energy_seconds: windows of one variant; 0: no energy is measured.
        watts_per_core: assumed for the estimate of energy. A Raspberry Pi 4 draws 2.7 W idle and 6.4 W with four
            busy cores: 0.93 W each.
        total_rails: rails whose sum is the board's power, where their labels do not tell.
        robust: whether accuracy under corruptions is measured.
        robust_images: how many images each corruption is counted on, at most.
        severities: of the corruptions, 1 to 5.
        corruptions: which ones.
        timeout_s: a variant that answers nothing for so long (and twenty times what it should take) has failed.
        jobs: so many variants at a time answer the images of accuracy; nothing else is measured meanwhile.
        cpus: the processes run on these alone; empty: wherever the kernel likes.
        seed: of the order within the rounds.
    """

    threads: tuple[int, ...] = (1,)
    backends: tuple[str, ...] = ()
    seconds: float = 30.0
    rounds: int | None = None
    loads: int = 3
    energy_seconds: float = 12.0
    watts_per_core: float = 1.0
    total_rails: tuple[str, ...] = ()
    robust: bool = True
    robust_images: int = 1000
    severities: tuple[int, ...] = (1, 3, 5)
    corruptions: tuple[str, ...] = tuple(CONSTANTS)
    timeout_s: float = 60.0
    jobs: int = 1
    cpus: tuple[int, ...] = ()
    seed: int = 0

    def check(self) -> None:
        """Raises UsageError for what makes no sense."""
        if not self.threads or min(self.threads) < 1 or self.seconds <= 0 or self.loads < 1:
            raise UsageError("cannot measure with that: threads, seconds and loads must be above 0")
        if self.jobs < 1:
            raise UsageError("cannot measure with that: jobs must be above 0")
        if self.rounds is not None and self.rounds < 1:
            raise UsageError("cannot measure with that: rounds must be above 0")
        if self.timeout_s <= 0 or self.energy_seconds < 0 or self.watts_per_core < 0:
            raise UsageError("cannot measure with that: times and watts must not be below 0")
        if any(s not in SEVERITIES for s in self.severities):
            raise UsageError("cannot measure with that: severities run from 1 to 5")
        unknown = [k for k in self.corruptions if k not in CONSTANTS]
        if unknown:
            raise UsageError(
                f"cannot spoil pictures by {unknown[0]!r}: known are {', '.join(CONSTANTS)}"
            )
