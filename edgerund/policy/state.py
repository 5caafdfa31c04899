"""What the controller remembers between two ticks: frozen, JSON-ready, never shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edgerund.policy.agreement import Seen
from edgerund.policy.battery import BatteryMemory
from edgerund.policy.floors import Wish
from edgerund.policy.plain import from_plain, to_plain
from edgerund.policy.power import PowerMemory
from edgerund.policy.senses import SenseMemory
from edgerund.policy.slowdown import LatencyMemory
from edgerund.policy.switching import SwitchMemory
from edgerund.policy.thermal import ThermalMemory

FORMAT = 1
NO_SENSES: Mapping[str, SenseMemory] = {}
NOTHING_SEEN: Mapping[str, Seen] = {}


class LadderMemory(NamedTuple):
    """One ladder: how slow it is now, how often it is asked, and what was chosen when.

    ``rate_hz`` is the demand, quick to rise and slow to fall; ``flow_hz`` the mean rate of answers. ``refused_s`` is
    when a frame was last refused: clients then send at a rate of their own, whatever is answered. ``wishes`` are the
    accuracies that clients ask for. ``fps`` is the frame rate that they were advised last.
    ``agreement`` is how often each variant answered like the best one.
    """

    latency: LatencyMemory = LatencyMemory()
    switch: SwitchMemory = SwitchMemory()
    rate_hz: float = 0.0
    flow_hz: float = 0.0
    busy: float = 0.0
    refused_s: float | None = None
    wishes: tuple[Wish, ...] = ()
    fps: float | None = None
    agreement: Mapping[str, Seen] = NOTHING_SEEN


class CapMemory(NamedTuple):
    """How many steps the machine is capped, since when, and because of what (a sentence)."""

    level: int = 0
    changed_s: float = -1e9
    cause: str = ""


NO_LADDERS: Mapping[str, LadderMemory] = {}


class State(NamedTuple):
    """Everything that ``decide`` hands to its next call. ``at_s`` None: nothing was decided yet."""

    at_s: float | None = None
    senses: Mapping[str, SenseMemory] = NO_SENSES
    rules: tuple[tuple[bool, ...], ...] = ()
    ladders: Mapping[str, LadderMemory] = NO_LADDERS
    power: PowerMemory = PowerMemory()
    thermal: ThermalMemory = ThermalMemory()
    battery: BatteryMemory = BatteryMemory()
    caps: CapMemory = CapMemory()


def dump_state(state: State) -> dict[str, Any]:
    """The state as JSON-ready data."""
    return {"format": FORMAT, "state": to_plain(state)}


def load_state(data: Mapping[str, Any]) -> State:
    """The state that ``dump_state`` wrote.

    Raises:
        ValueError: another format, or not such data at all.
    """
    if data.get("format") != FORMAT:
        raise ValueError(f"cannot load the state: format {data.get('format')!r}, known is {FORMAT}")
    state = from_plain(State, data.get("state"))
    assert isinstance(state, State)
    return state
