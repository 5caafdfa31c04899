"""How many frames a second a ladder can be sent: what its variant serves, and what heat, power and battery leave."""

from __future__ import annotations

from edgerund.policy.candidates import Table
from edgerund.policy.ceilings import Ceilings
from edgerund.policy.power import active_for_mw
from edgerund.policy.slowdown import forecast
from edgerund.policy.state import LadderMemory, State

BUSY = 0.8  # an engine that is busier than this makes frames wait
NOTICED = 0.1  # share by which an advice must change before it is told
LEAST_HZ = 1.0  # who sends nothing learns nothing


def advised_hz(
    state: State,
    memory: LadderMemory,
    table: Table,
    place: int,
    limits: Ceilings,
    energy_mj: float,
    others_mw: float,
) -> float | None:
    """Frames a second for the variant at ``place``; None: nothing bounds them that is known.

    ``energy_mj`` is that of one inference by the card, ``others_mw`` what the other ladders draw by theirs. An advice
    once given stands until another one differs by a tenth.
    """
    hz = min(_in_time_hz(memory, table, place), _within_hz(state, limits, energy_mj, others_mw))
    if hz == float("inf"):
        return None
    hz = max(LEAST_HZ, round(hz, 1))
    old = memory.fps
    if old is not None and abs(hz - old) <= NOTICED * old:
        return old
    return hz


def _in_time_hz(memory: LadderMemory, table: Table, place: int) -> float:
    variant = table.ladder.variants[place]
    expected = forecast(memory.latency, variant.name, variant.card)
    if expected is None:
        return float("inf")
    return BUSY * 1000.0 / (expected.mean_ms / (1.0 + memory.latency.wait_ratio))


def _within_hz(state: State, limits: Ceilings, energy_mj: float, others_mw: float) -> float:
    room_mw = active_for_mw(state.power, limits.lowest(known_only=True)) - others_mw
    if room_mw == float("inf") or energy_mj <= 0.0:
        return float("inf")
    return room_mw / energy_mj
