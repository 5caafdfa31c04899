"""What a device would have seen had it served other variants than it did: an estimate around the recording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from edgerund.sim.recording import Tick
from edgerund.types import Card, Decision, LadderState, Reading, Sense, ServingFigures, Snapshot
from edgerund.types.policy import PolicyPlan

HEAT_C_PER_W, TAU_S = 3.5, 150.0
FAST_C_PER_W, FAST_TAU_S = 0.9, 6.0
LATENCIES = (
    "latency_ms_mean",
    "latency_ms_p50",
    "latency_ms_p95",
    "latency_ms_p99",
    "infer_ms_mean",
    "infer_ms_p50",
    "infer_ms_p99",
)


class Otherwise:
    """Shifts each recorded snapshot by the difference that the other variants make.

    Power by the cards' energy at the recorded rate; temperature by that power through a fast and a slow node
    (the policy's ``board`` where it is known); latency by the ratio of the cards; the battery by the energy saved.
    While the other policy agrees with the recording nothing is shifted.
    """

    def __init__(self, plan: PolicyPlan) -> None:
        self._heat = (plan.board.heat_c_per_w or HEAT_C_PER_W + FAST_C_PER_W) - FAST_C_PER_W
        self._tau_s = plan.board.tau_s or TAU_S
        self._slow_c = self._fast_c = self._more_mw = self._more_mwh = 0.0
        self._chosen: dict[str, str] = {}
        self._since_s: dict[str, float] = {}
        self._recorded: Mapping[str, Decision] = {}
        self._at_s: float | None = None

    def chosen(self, decisions: Mapping[str, Decision]) -> None:
        """What the other policy wants from now on."""
        self._chosen = {name: d.variant for name, d in decisions.items()}

    def see(self, tick: Tick) -> Snapshot:
        """The snapshot of this tick as it would have been."""
        snapshot = tick.snapshot
        dt_s = 0.0 if self._at_s is None else max(0.0, snapshot.now_s - self._at_s)
        ladders: dict[str, LadderState] = {}
        more_mw = 0.0
        for name, ladder in snapshot.ladders.items():
            live = self._live(name, ladder)
            ladders[name], watts = self._shifted(ladder, live, snapshot.now_s)
            more_mw += watts
        self._advance(more_mw, dt_s)
        self._at_s, self._recorded = snapshot.now_s, tick.decisions
        return replace(snapshot, senses=self._senses(snapshot.senses), ladders=ladders)

    def _live(self, name: str, ladder: LadderState) -> str | None:
        """The recorded live variant while both want the same, else what the other policy wanted a tick ago."""
        wanted, recorded = self._chosen.get(name), self._recorded.get(name)
        if wanted is None or recorded is None or wanted == recorded.variant:
            return ladder.live
        return wanted

    def _shifted(
        self, ladder: LadderState, live: str | None, now_s: float
    ) -> tuple[LadderState, float]:
        if live == ladder.live or live is None:
            self._since_s.pop(ladder.name, None)
            return ladder, 0.0
        since_s = self._since_s.setdefault(ladder.name, now_s)
        cards = {v.name: v.card for v in ladder.variants}
        now, then = cards.get(live, Card()), cards.get(ladder.live or "", Card())
        more_mw = ladder.serving.rate_hz * ((now.energy_mj or 0.0) - (then.energy_mj or 0.0))
        serving = _scaled(ladder.serving, live, now, then)
        return replace(ladder, live=live, since_s=since_s, serving=serving), more_mw

    def _advance(self, more_mw: float, dt_s: float) -> None:
        more_w = more_mw / 1000
        self._slow_c += (self._heat * more_w - self._slow_c) * (1 - math.exp(-dt_s / self._tau_s))
        self._fast_c += (FAST_C_PER_W * more_w - self._fast_c) * (1 - math.exp(-dt_s / FAST_TAU_S))
        self._more_mw = more_mw
        self._more_mwh += more_mw * dt_s / 3600

    def _senses(self, senses: Mapping[str, Sense]) -> dict[str, Sense]:
        shift = {"power_mw": self._more_mw, "battery_energy_mwh": -self._more_mwh}
        out = dict(senses)
        for name, sense in senses.items():
            more = self._slow_c + self._fast_c if name.endswith("temp_c") else shift.get(name, 0.0)
            if more and isinstance(sense, Reading):
                out[name] = replace(sense, value=sense.value + more, quality="estimated")
        return out


def _scaled(serving: ServingFigures, live: str, now: Card, then: Card) -> ServingFigures:
    if not now.latency_ms or not then.latency_ms:
        return replace(serving, variant=live)
    ratio = now.latency_ms / then.latency_ms
    changed = {
        name: value * ratio for name in LATENCIES if (value := getattr(serving, name)) is not None
    }
    return replace(serving, variant=live, **changed)
