"""What each variant of a ladder is worth and costs: accuracy, energy per inference, and load at the present rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgerund.policy.bounds import at_most
from edgerund.policy.power import energies_mj
from edgerund.policy.slowdown import LatencyMemory, base_ms
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState

SATURATED = 0.9  # busier than this, clients send as fast as they are answered


def accuracies_of(ladder: LadderState) -> list[float]:
    """Accuracies of the variants; one that nobody measured is put between its neighbours, by ladder order."""
    known = [v.card.accuracy for v in ladder.variants]
    filled: list[float] = [a for a in known if a is not None]
    if len(filled) == len(known):
        return filled
    filled = []
    for place, accuracy in enumerate(known):
        if accuracy is not None:
            filled.append(accuracy)
            continue
        above = filled[-1] if filled else None
        below = next((a for a in known[place + 1 :] if a is not None), None)
        if above is None:
            filled.append(below + 0.01 if below is not None else 1.0)
        elif below is None:
            filled.append(above - 0.01)
        else:
            gap = next(i for i, a in enumerate(known[place + 1 :], 1) if a is not None)
            filled.append(above + (below - above) / (gap + 1))
    return filled


class Costs(NamedTuple):
    """One inference of each variant, undisturbed: its latency (ms), and its energy above idle (mJ)."""

    bases: Sequence[float | None]
    energies: Sequence[float]


def costs_of(ladder: LadderState, latency: LatencyMemory) -> Costs:
    """What is known about the variants, from cards and from learning."""
    bases = [base_ms(latency, v.name, v.card) for v in ladder.variants]
    return Costs(bases, energies_mj([v.card for v in ladder.variants], bases))


def loads_mw(ladder: LadderState, memory: LadderMemory, costs: Costs) -> list[float]:
    """What each variant would draw above idle by the cards, at the rate that would then be served.

    A better variant is charged for the whole demand, up to its undisturbed speed. Where the live one is
    saturated, a cheaper one will be asked more often, but never so that it costs more than the live one.
    """
    bases, energies = costs
    served, names = ladder.serving.variant or ladder.live, [v.name for v in ladder.variants]
    live = names.index(served) if served in names else None
    demand = memory.rate_hz
    better = len(bases) if live is None else live
    loads = [
        energy * at_most(demand, 1000.0 / base) if base else energy * demand
        for energy, base in zip(energies[:better], bases[:better], strict=True)
    ]
    loads += [energy * demand for energy in energies[better:]]
    base_live = None if live is None else bases[live]
    if live is None or not base_live or memory.busy <= SATURATED:
        return loads
    for place in range(live + 1, len(loads)):
        base = bases[place]
        if base:
            most = max(1.0, base_live / base)
            loads[place] = min(energies[live] * demand, loads[place] * most)
    return loads
