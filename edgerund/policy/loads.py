"""What each variant of a ladder is worth and costs: accuracy, energy per inference, and load at the present rate."""

from __future__ import annotations

from collections.abc import Sequence

from edgerund.policy.power import energies_mj
from edgerund.policy.slowdown import LatencyMemory, base_ms
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState

SATURATED = 0.9  # busier than this, clients send as fast as they are answered


def accuracies_of(ladder: LadderState) -> list[float]:
    """Accuracies of the variants; one that nobody measured is put between its neighbours, by ladder order."""
    known = [v.card.accuracy for v in ladder.variants]
    filled: list[float] = []
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


def energies_of(ladder: LadderState, latency: LatencyMemory) -> tuple[float, ...]:
    """Energy above idle of one inference of each variant, mJ, as far as it is known."""
    bases = [base_ms(latency, v.name, v.card) for v in ladder.variants]
    return energies_mj([v.card for v in ladder.variants], bases)


def loads_mw(ladder: LadderState, memory: LadderMemory, energies: Sequence[float]) -> list[float]:
    """What each variant would draw above idle by the cards, at the rate that would then be served.

    A better variant is charged for the whole demand, up to its undisturbed speed. Where the live one is
    saturated, a cheaper one will be asked more often, but never so that it costs more than the live one.
    """
    bases = [base_ms(memory.latency, v.name, v.card) for v in ladder.variants]
    served = ladder.serving.variant or ladder.live
    live = next((i for i, v in enumerate(ladder.variants) if v.name == served), None)
    loads: list[float] = []
    for place, (energy, base) in enumerate(zip(energies, bases, strict=True)):
        rate = memory.rate_hz
        if base and (live is None or place < live):
            rate = min(rate, 1000.0 / base)
        load = energy * rate
        if live is not None and place > live and memory.busy > SATURATED:
            base_live = bases[live]
            if base and base_live:
                load = min(energies[live] * rate, load * max(1.0, base_live / base))
        loads.append(load)
    return loads
