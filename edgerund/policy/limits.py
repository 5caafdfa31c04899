"""The limits on the whole board at this tick: temperature, power, battery, and what a lost sense leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edgerund.policy import battery, outlook, power, reasons, thermal
from edgerund.policy.bounds import at_least, at_most, within
from edgerund.policy.ceilings import Ceiling, Ceilings, impossible, together
from edgerund.policy.senses import Sensed
from edgerund.policy.state import State
from edgerund.types import Reason
from edgerund.types.policy import BatteryLimit, LostMode, PolicyPlan, TempLimit

BATTERY_SENSES = ("battery_percent", "battery_energy_mwh", "battery_left_s")
_BATTERY_SENSES = dict.fromkeys(BATTERY_SENSES)
SOON_S = 8.0  # the fast node may pass the limit before the horizon, and be below it again there
CLIMB_S = 30.0  # a better variant must fit for at least this long
CLIMB_C = 0.3
LEAP_S = 60.0  # and several steps at once must fit for this long, with more to spare
LEAP_C = 1.0
# so fast a board gets hotter when its fan dies or the sun reaches it and no sensor tells
UNSEEN_C_PER_S = 0.03


def limits_now(
    policy: PolicyPlan,
    state: State,
    sensed: Mapping[str, Sensed],
    limiting: Collection[str],
    board_mw: float,
    now_s: float,
) -> Ceilings:
    """What temperature, power and battery leave, at this tick. ``limiting`` are the ``watched`` senses."""
    troubled = _troubled(policy, sensed, limiting)
    found: list[Ceiling] = []
    notes: list[str] = []
    headroom: dict[str, float] = {}
    if policy.temp is not None:
        _temperature(policy, policy.temp, state, sensed, board_mw, (found, notes, headroom))
    if policy.power is not None:
        limit = policy.power
        seen = sensed[limit.sense]
        if seen.kind == "absent" and not state.power.seen:
            notes.append(f"{seen.detail}: the power limit is kept by the model alone")
        if policy.lost.get(limit.sense) != "ignore" or seen.kind != "lost":
            climb = limit.max_mw * (1.0 - policy.switching.hysteresis)
            found.append(Ceiling(limit.max_mw, climb, climb, lambda mw: reasons.power(mw, limit)))
            headroom["power"] = _share(1.0 - board_mw / limit.max_mw)
    if policy.battery is not None:
        _battery(policy, policy.battery, state, sensed, board_mw, now_s, (found, notes, headroom))
    found.extend(_lost_to_cheapest(policy, state, sensed, troubled))
    return together(found, _barred(sensed, troubled), notes, headroom)


_Found = tuple[list[Ceiling], list[str], dict[str, float]]


def _temperature(
    policy: PolicyPlan,
    limit: TempLimit,
    state: State,
    sensed: Mapping[str, Sensed],
    board_mw: float,
    out: _Found,
) -> None:
    found, notes, headroom = out
    seen, memory = sensed[limit.sense], state.thermal
    if seen.kind == "absent":
        notes.append(f"{seen.detail}: the temperature limit is not applied")
        return
    if not memory.ready or (seen.kind == "lost" and policy.lost.get(limit.sense) == "ignore"):
        return
    now_c = seen.value if seen.usable else None
    if now_c is not None and now_c >= limit.max_c:
        why = reasons.over_temperature(now_c, limit)
        found.append(impossible(why))
        headroom["temperature"] = 0.0
        return
    margin = _margin_c(limit, memory, seen)
    now_mw = power.total_mw(state.power, memory.load_mw)
    horizon_s = limit.horizon_s
    soon_s = at_most(SOON_S, horizon_s)
    ahead_s = at_least(at_least(CLIMB_S, horizon_s), policy.switching.dwell_s)
    soon, stay, later, last = outlook.outlooks(
        memory, (soon_s, horizon_s, ahead_s, at_least(LEAP_S, ahead_s))
    )
    below_c = limit.max_c - margin
    stay_mw = at_most(soon.room_mw(below_c), stay.room_mw(below_c))
    climb_mw = at_most(stay_mw, later.room_mw(below_c - CLIMB_C))
    leap_mw = last.room_mw(below_c - CLIMB_C - LEAP_C)

    def why_hot(expected_mw: float) -> Reason:
        more_mw = expected_mw - now_mw
        if soon.temp_c(more_mw) > stay.temp_c(more_mw):
            ahead, reached_c = soon_s, soon.temp_c(more_mw)
        else:
            ahead, reached_c = horizon_s, stay.temp_c(more_mw)
        return reasons.temperature(now_c, reached_c, ahead, limit, margin)

    def why_not_up(expected_mw: float) -> Reason:
        reached_c = later.temp_c(expected_mw - now_mw)
        return reasons.temperature(now_c, reached_c, ahead_s, limit, margin + CLIMB_C)

    found.append(
        Ceiling(
            now_mw + stay_mw,
            now_mw + climb_mw,
            now_mw + at_most(climb_mw, leap_mw),
            why_hot,
            why_climb=why_not_up,
        )
    )
    then_c = stay.temp_c(board_mw - now_mw)
    headroom["temperature"] = _share((limit.max_c - then_c) / at_least(1.0, limit.max_c - 25.0))


def _margin_c(limit: TempLimit, memory: thermal.ThermalMemory, seen: Sensed) -> float:
    """The policy's margin, or the earned one; more while the reading is old, or the model goes on alone."""
    margin = limit.margin_c if limit.margin_c is not None else memory.margin_c
    if seen.kind == "lost":
        unseen_c = UNSEEN_C_PER_S * seen.age_s
        return margin + 2.0 * outlook.doubt_c(memory, limit.horizon_s) + unseen_c
    return margin + (0.2 * seen.age_s if seen.kind == "aged" else 0.0)


def _battery(
    policy: PolicyPlan,
    limit: BatteryLimit,
    state: State,
    sensed: Mapping[str, Sensed],
    board_mw: float,
    now_s: float,
    out: _Found,
) -> None:
    found, notes, headroom = out
    memory = state.battery
    if all(sensed[name].kind == "absent" for name in BATTERY_SENSES):
        notes.append("this machine has no battery: the battery limit is not applied")
        return
    if memory.began_s is None:  # on mains
        return
    percent = known(policy, sensed["battery_percent"])
    usable = battery.usable_mwh(memory, limit)
    if (percent is not None and percent <= limit.reserve_percent) or (
        usable is not None and usable <= 0.0
    ):
        why = reasons.reserve(percent, limit)
        found.append(impossible(why))
        headroom["battery"] = 0.0
        return
    left_s = battery.left_s(memory, limit, now_s)
    pace_mw = battery.ceiling_mw(memory, usable, left_s)
    if pace_mw is not None and left_s is not None:
        climb = pace_mw * (1.0 - policy.switching.hysteresis) if pace_mw > 0.0 else pace_mw
        found.append(
            Ceiling(
                pace_mw,
                climb,
                climb,
                lambda mw: reasons.pace(mw, pace_mw, left_s, limit),
                hard=False,
            )
        )
        headroom["battery"] = _share(1.0 - board_mw / pace_mw) if pace_mw > 0.0 else 0.0
    elif percent is not None:
        headroom["battery"] = _share(
            (percent - limit.reserve_percent) / (100.0 - limit.reserve_percent)
        )
    elif limit.mission_s is not None:
        notes.append("the battery's energy is not known: the pace of the mission is not applied")


def lost_mode(policy: PolicyPlan, name: str) -> LostMode:
    """What the policy says about losing ``name``."""
    return policy.lost.get(name, "model")


def known(policy: PolicyPlan, seen: Sensed) -> float | None:
    """What a sense says, or said last before it was lost; a battery does not fill unnoticed."""
    ignored = seen.kind == "lost" and lost_mode(policy, seen.name) == "ignore"
    return None if ignored else seen.value


def watched(policy: PolicyPlan) -> dict[str, None]:
    """The senses that a constraint or ``lost`` depends on, each once."""
    names = dict.fromkeys(policy.lost)
    if policy.temp is not None:
        names[policy.temp.sense] = None
    if policy.power is not None:
        names[policy.power.sense] = None
    if policy.battery is not None:
        names.update(_BATTERY_SENSES)
    return names


def _troubled(
    policy: PolicyPlan, sensed: Mapping[str, Sensed], limiting: Collection[str]
) -> list[str]:
    """Watched senses that are old or gone, unless the policy does not mind."""
    return [
        name
        for name in limiting
        if sensed[name].kind in ("aged", "lost") and lost_mode(policy, name) != "ignore"
    ]


def _lost_to_cheapest(
    policy: PolicyPlan, state: State, sensed: Mapping[str, Sensed], troubled: Sequence[str]
) -> list[Ceiling]:
    """Senses whose loss leaves nothing but the cheapest variant."""
    found = []
    for name in troubled:
        if sensed[name].kind != "lost":
            continue
        no_model = policy.temp is not None and name == policy.temp.sense and not state.thermal.ready
        if lost_mode(policy, name) == "cheapest" or no_model:
            why = reasons.sensor_lost(sensed[name].detail, "only the cheapest variant is safe")
            found.append(impossible(why, known=False))
    return found


def _barred(sensed: Mapping[str, Sensed], troubled: Sequence[str]) -> Reason | None:
    """A watched sense that is old or gone: unknown may only lower the variant."""
    for name in troubled:
        detail = sensed[name].detail or f"{name} is {sensed[name].age_s:.0f} s old"
        return reasons.sensor_lost(detail, "nothing better until it is back")
    return None


def _share(value: float) -> float:
    return within(0.0, value, 1.0)
