"""What the controller still knows when the operator changes the policy, or a ladder, under it."""

from __future__ import annotations

from collections.abc import Collection

from edgerund.policy.battery import BatteryMemory
from edgerund.policy.power import PowerMemory
from edgerund.policy.slowdown import LatencyMemory
from edgerund.policy.state import CapMemory, State
from edgerund.policy.thermal import FIRST_MARGIN_C, ThermalMemory
from edgerund.types.policy import BatteryLimit, PolicyPlan, PowerLimit


def carried(old: PolicyPlan, new: PolicyPlan, state: State) -> State:
    """The state under ``new``: only what it makes meaningless is forgotten.

    Heat, power and battery are the board's, slowness is the device's, dwell and swaps are what clients felt:
    they stay.
    Heat and power go with another sense or other figures of the board; how well the forecast was, with
    another horizon; which rules held, with other rules.
    """
    return state._replace(
        rules=state.rules if new.rules == old.rules else (),
        power=state.power if _same_rail(old, new) else PowerMemory(),
        thermal=_thermal(old, new, state.thermal),
        battery=_battery(old.battery, new.battery, state.battery),
        caps=state.caps if new.actuators == old.actuators else CapMemory(),
    )


def without(state: State, ladders: Collection[str]) -> State:
    """The state after these ladders were replaced: how slow their variants are is not known any more."""
    kept = {
        name: memory._replace(latency=LatencyMemory(), agreement={}) if name in ladders else memory
        for name, memory in state.ladders.items()
    }
    return state._replace(ladders=kept)


def _same_rail(old: PolicyPlan, new: PolicyPlan) -> bool:
    default = PowerLimit(0.0)
    return (old.power or default).sense == (
        new.power or default
    ).sense and old.board.idle_mw == new.board.idle_mw


def _thermal(old: PolicyPlan, new: PolicyPlan, memory: ThermalMemory) -> ThermalMemory:
    if old.temp is None or new.temp is None or old.temp.sense != new.temp.sense:
        return ThermalMemory()
    if (old.board.heat_c_per_w, old.board.tau_s) != (new.board.heat_c_per_w, new.board.tau_s):
        return ThermalMemory()
    if old.temp.horizon_s != new.temp.horizon_s:
        return memory._replace(due=(), errors=(), margin_c=FIRST_MARGIN_C, stale_weights=False)
    return memory


def _battery(
    old: BatteryLimit | None, new: BatteryLimit | None, memory: BatteryMemory
) -> BatteryMemory:
    if old is None or new is None:
        return BatteryMemory()
    if old.capacity_mwh != new.capacity_mwh:
        return BatteryMemory(began_s=memory.began_s)
    return memory
