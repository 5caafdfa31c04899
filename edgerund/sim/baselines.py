"""What people do without a forecast: a fixed variant, thresholds with hysteresis, the kernel's step-wise governor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgerund.types import LadderState, Reading, Snapshot
from edgerund.types.policy import PolicyPlan


def value_of(snapshot: Snapshot, name: str) -> float | None:
    """A sense's value, or None where there is none."""
    sense = snapshot.senses.get(name)
    return sense.value if isinstance(sense, Reading) else None


def usable(ladder: LadderState) -> list[str]:
    """The names of the variants that are not quarantined, best first."""
    return [v.name for v in ladder.variants if v.quarantined is None]


def deadline_ms(ladder: LadderState, plan: PolicyPlan) -> float | None:
    """The tighter of what the policy and the clients ask for."""
    asked = [plan.latency.max_ms] if plan.latency is not None else []
    if ladder.serving.deadline_ms is not None:
        asked.append(ladder.serving.deadline_ms)
    return min(asked, default=None)


def energy_share(snapshot: Snapshot, plan: PolicyPlan) -> float | None:
    """Energy to spend until the mission's end over what the present draw takes; None where nothing is asked."""
    battery = plan.battery
    left_mwh, power_mw = value_of(snapshot, "battery_energy_mwh"), value_of(snapshot, "power_mw")
    percent = value_of(snapshot, "battery_percent")
    if battery is None or battery.mission_s is None or not left_mwh or not power_mw or not percent:
        return None
    left_s = battery.mission_s - snapshot.now_s
    spend_mwh = left_mwh * (1 - battery.reserve_percent / percent)
    return 1.0 if left_s <= 0 else spend_mwh / (power_mw * left_s / 3600)


class Static:
    """One variant for ever: ``place`` 0 is the top of every ladder, -1 the bottom."""

    def __init__(self, place: int, name: str = "") -> None:
        self._place = place
        self.name = name or f"static[{place}]"

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        chosen = {}
        for name, ladder in snapshot.ladders.items():
            last = len(ladder.variants) - 1
            place = self._place if self._place >= 0 else last + 1 + self._place
            chosen[name] = ladder.variants[min(last, place)].name
        return chosen

    def reload(self, plan: PolicyPlan) -> None:
        """A fixed variant heeds no policy."""


class Stepper:
    """Base of the reactive ones: a place per ladder that moves by steps."""

    name = "stepper"

    def __init__(self, plan: PolicyPlan) -> None:
        self.plan = plan
        self._place: dict[str, int] = {}

    def reload(self, plan: PolicyPlan) -> None:
        self.plan = plan

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        chosen = {}
        for name, ladder in snapshot.ladders.items():
            names = usable(ladder) or [ladder.variants[-1].name]
            last = len(names) - 1
            place = self._place.get(name, last) + self.move(snapshot, ladder)
            self._place[name] = min(last, max(0, place))
            chosen[name] = names[self._place[name]]
        return chosen

    def move(self, snapshot: Snapshot, ladder: LadderState) -> int:
        """Steps towards the bottom (negative: towards the top)."""
        raise NotImplementedError

    def late(self, ladder: LadderState) -> bool | None:
        """True above the deadline, False well below it, None between."""
        p95, asked_ms = ladder.serving.latency_ms_p95, deadline_ms(ladder, self.plan)
        if p95 is None or asked_ms is None:
            return False
        return True if p95 > asked_ms else None if p95 > 0.6 * asked_ms else False


class Threshold(Stepper):
    """Down above limit - 3 C, up below limit - 8 C, and the same on latency and on the battery's pace.

    At most one step in ``dwell_s``: what a careful operator writes by hand.
    """

    name = "threshold"

    def __init__(self, plan: PolicyPlan, dwell_s: float = 15.0) -> None:
        super().__init__(plan)
        self._dwell_s = dwell_s
        self._moved_s: dict[str, float] = {}

    def move(self, snapshot: Snapshot, ladder: LadderState) -> int:
        if snapshot.now_s - self._moved_s.get(ladder.name, -1e9) < self._dwell_s:
            return 0
        marks: list[bool | None] = [self.late(ladder)]
        if self.plan.temp is not None:
            temp_c = value_of(snapshot, "temp_c")
            headroom_c = 0.0 if temp_c is None else self.plan.temp.max_c - temp_c
            marks.append(True if headroom_c < 3 else None if headroom_c < 8 else False)
        share = energy_share(snapshot, self.plan)
        if share is not None:
            marks.append(True if share < 1.0 else None if share < 1.15 else False)
        step = 1 if True in marks else 0 if None in marks else -1
        if step:
            self._moved_s[ladder.name] = snapshot.now_s
        return step


class StepWise(Stepper):
    """Linux's step_wise governor (drivers/thermal/gov_step_wise.c): trip = the limit less 5 C, looked at every 2 s.

    Above the trip and rising: one step down. Below it and falling: one step up. Latency and battery are none of
    its business in the kernel; here a missed deadline also costs a step, so that it can be compared at all.
    """

    name = "step_wise"

    def __init__(self, plan: PolicyPlan) -> None:
        super().__init__(plan)
        self._last_c: float | None = None

    def move(self, snapshot: Snapshot, ladder: LadderState) -> int:
        if int(snapshot.now_s) % 2:
            return 0
        if self.late(ladder):
            return 1
        temp_c = value_of(snapshot, "temp_c")
        if temp_c is None or self.plan.temp is None:
            return 0 if self.late(ladder) is None else -1
        before_c = self._last_c if self._last_c is not None else temp_c
        self._last_c = temp_c
        if temp_c >= self.plan.temp.max_c - 5.0:
            return 1 if temp_c > before_c else 0
        if temp_c < before_c or (self._place.get(ladder.name, 1) > 0 and temp_c <= before_c):
            return 0 if self.late(ladder) is None else -1
        return 0


def best_static(count: int) -> Sequence[Static]:
    """Every fixed place: the best one in hindsight is picked by its score."""
    return [Static(place, f"static[{place}]") for place in range(count)]
