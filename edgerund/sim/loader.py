"""The imagined daemon around one ladder: what is resident, the load in progress, failures and quarantine."""

from __future__ import annotations

from collections.abc import Sequence

from edgerund.sim.scenario import EngineFault
from edgerund.sim.world import DT_S, Truth
from edgerund.types import Card, VariantState

RESTART_TICKS = 3
"""How long a worker that was killed for memory is away."""


def footprint_bytes(variant: Truth, bottom: Truth) -> int:
    """Memory while ``variant`` serves: the cheapest one stays resident beside it."""
    return variant.memory_bytes + (bottom.memory_bytes if variant is not bottom else 0)


class Loader:
    """Make before break: the wanted variant loads beside the live one and takes over when it is ready."""

    def __init__(
        self, variants: Sequence[Truth], cards: Sequence[Card], faults: Sequence[EngineFault]
    ) -> None:
        self.variants = {v.name: v for v in variants}
        self.bottom = variants[-1].name
        self.live = self.bottom
        self.since_s = 0.0
        self.swaps = 0
        self.away_ticks = 0
        self.event = ""
        self._cards = {v.name: c for v, c in zip(variants, cards, strict=True)}
        self._faults = faults
        self._resident = [self.bottom]
        self._loading: str | None = None
        self._ticks_left = 0
        self._quarantine: dict[str, tuple[str, float]] = {}
        self._states: tuple[VariantState, ...] | None = None
        self._bytes: int | None = None

    @property
    def loading(self) -> bool:
        """Whether a load is under way (it draws power)."""
        return self._loading is not None

    def resident_bytes(self) -> int:
        """Memory of everything loaded."""
        if self._bytes is None:
            self._bytes = sum(self.variants[name].memory_bytes for name in self._resident)
        return self._bytes

    def _changed(self) -> None:
        """What is resident, or fit to serve, is not what it was."""
        self._states, self._bytes = None, None

    def states(self) -> tuple[VariantState, ...]:
        """The variants as the snapshot shows them, best first."""
        if self._states is None:
            self._states = tuple(
                VariantState(
                    name,
                    self._cards[name],
                    resident=name in self._resident,
                    quarantined=self._quarantine[name][0] if name in self._quarantine else None,
                )
                for name in self.variants
            )
        return self._states

    def step(
        self, now_s: float, wanted: str, warm: Sequence[str], memory_bytes: int, lethal_bytes: int
    ) -> None:
        """One tick: expire quarantines, make room, go on loading, take over what is wanted and ready."""
        self.event = ""
        if self._quarantine:
            self._expire(now_s)
        if self.away_ticks:
            self.away_ticks -= 1
            return
        if self._footprint(self.live) > lethal_bytes:
            self._kill(now_s)
            return
        self._make_room(memory_bytes, 0)
        if wanted != self.live and wanted in self.variants and wanted not in self._quarantine:
            self._fetch(now_s, wanted, memory_bytes)
        elif self._loading is None:
            for name in warm:
                room = memory_bytes - self.resident_bytes()
                known = name in self.variants and name not in self._quarantine
                if known and name not in self._resident and self._needs(name) < 0.8 * room:
                    self._start(name)
                    break
        self._go_on(now_s)
        if wanted != self.live and wanted in self._resident:
            self._take_over(now_s, wanted)

    def _footprint(self, name: str) -> int:
        """A variant and the cheapest one, which always stays."""
        return footprint_bytes(self.variants[name], self.variants[self.bottom])

    def _needs(self, name: str) -> int:
        return self.variants[name].memory_bytes

    def _fetch(self, now_s: float, wanted: str, memory_bytes: int) -> None:
        if wanted in self._resident or self._loading == wanted:
            return
        self._make_room(memory_bytes, self._needs(wanted))
        if self._needs(wanted) + self.resident_bytes() > memory_bytes and self.live != self.bottom:
            # break before make: the cheapest serves while the live one gives its memory back
            self._take_over(now_s, self.bottom)
            self._make_room(memory_bytes, self._needs(wanted))
        if self._needs(wanted) + self.resident_bytes() <= memory_bytes:
            self._start(wanted)

    def _start(self, name: str) -> None:
        self._loading, self._ticks_left = name, self.variants[name].load_ticks

    def _go_on(self, now_s: float) -> None:
        if self._loading is None:
            return
        self._ticks_left -= 1
        if self._ticks_left > 0:
            return
        name, self._loading = self._loading, None
        self._changed()
        for fault in self._faults:
            if fault.variant == name and fault.holds(now_s):
                self.event = f"load of {name} failed"
                self._quarantine[name] = ("load failed", now_s + fault.quarantine_s)
                return
        self._resident.append(name)

    def _take_over(self, now_s: float, wanted: str) -> None:
        self.live, self.since_s = wanted, now_s
        self.swaps += 1
        self._resident.remove(wanted)
        self._resident.append(wanted)  # the list runs from least to most recently used
        self._changed()

    def _make_room(self, memory_bytes: int, needed: int) -> None:
        """Unload the least recently used, never the live one nor the cheapest."""
        if self.resident_bytes() + needed <= memory_bytes:
            return
        for name in tuple(self._resident):
            if self.resident_bytes() + needed <= memory_bytes:
                return
            if name not in (self.live, self.bottom):
                self._resident.remove(name)
                self._changed()

    def _kill(self, now_s: float) -> None:
        """Out of memory: the worker dies and comes back on the cheapest variant."""
        self.event = f"worker killed for memory on {self.live}"
        self._resident, self._loading = [self.bottom], None
        self.live, self.since_s = self.bottom, now_s + RESTART_TICKS * DT_S
        self.away_ticks = RESTART_TICKS
        self.swaps += 1
        self._changed()

    def _expire(self, now_s: float) -> None:
        for name, (_, until_s) in tuple(self._quarantine.items()):
            if now_s >= until_s:
                del self._quarantine[name]
                self._changed()
