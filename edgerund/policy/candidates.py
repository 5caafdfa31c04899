"""The variants of one ladder as the decision sees them: score, cost, and what alone rules each one out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgerund.policy import reasons, rules
from edgerund.policy.chance import chance_within
from edgerund.policy.power import energies_mj
from edgerund.policy.senses import Sensed
from edgerund.policy.slowdown import LatencyMemory, base_ms, forecast
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason
from edgerund.types.policy import LadderTerms, LatencyLimit, PolicyPlan, Rule

SATURATED = 0.9  # busier than this, clients send as fast as they are answered


@dataclass(frozen=True, slots=True)
class Candidate:
    """One variant.

    ``score`` is the objective's, in accuracy (0..1) where accuracy is maximised. ``load_mw`` is what it
    would draw above idle by its card. ``blocked`` cannot serve at all; ``unfit`` breaks a constraint of its own;
    ``unready`` would break it with the hysteresis that a better variant must keep.
    """

    place: int
    name: str
    accuracy: float
    score: float
    load_mw: float
    chance: float
    blocked: Reason | None = None
    unfit: Reason | None = None
    unready: Reason | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One ladder at one tick. ``allowed`` are the places that hold or rule leave; ``named`` says which of them."""

    ladder: LadderState
    weight: float
    candidates: tuple[Candidate, ...]
    current: int | None
    allowed: frozenset[int]
    held: bool = False
    rule: Rule | None = None
    notes: tuple[str, ...] = ()


def tabulate(
    policy: PolicyPlan,
    ladder: LadderState,
    memory: LadderMemory,
    rule: Rule | None,
    energies: Sequence[float],
    memory_bytes: Sensed,
    now_s: float,
) -> Table:
    """Judge every variant of ``ladder`` by itself."""
    terms = policy.ladders.get(ladder.name, LadderTerms())
    names = [v.name for v in ladder.variants]
    accuracies = accuracies_of(ladder)
    loads = _loads_mw(ladder, memory, energies)
    candidates = tuple(
        _candidate(policy, terms, ladder, memory, memory_bytes, place, accuracies, loads)
        for place in range(len(names))
    )
    current = _place(names, memory.switch.chosen)
    if current is None or candidates[current].blocked:
        current = _place(names, ladder.live)
    allowed, held, notes = _allowed(ladder, rule, names, now_s)
    return Table(
        ladder, terms.weight, candidates, current, allowed, held, None if held else rule, notes
    )


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


def _allowed(
    ladder: LadderState, rule: Rule | None, names: Sequence[str], now_s: float
) -> tuple[frozenset[int], bool, tuple[str, ...]]:
    everything = frozenset(range(len(names)))
    hold = ladder.hold
    if hold is not None and (hold.until_s is None or now_s < hold.until_s):
        if hold.variant in names:
            return frozenset({list(names).index(hold.variant)}), True, ()
        return everything, False, (f"hold on {hold.variant!r} has no effect: no such variant",)
    if rule is None:
        return everything, False, ()
    left = rules.allowed(rule, names, [v.card.accuracy for v in ladder.variants])
    if left is None:
        wanted = ", ".join(ref.name for ref in rule.refs)
        return everything, False, (f"a rule names {wanted}, which this ladder does not have",)
    if not left:
        return everything, False, ("a rule excludes every variant, and so has no effect",)
    return frozenset(left), False, ()


def _candidate(
    policy: PolicyPlan,
    terms: LadderTerms,
    ladder: LadderState,
    memory: LadderMemory,
    memory_bytes: Sensed,
    place: int,
    accuracies: Sequence[float],
    loads: Sequence[float],
) -> Candidate:
    variant = ladder.variants[place]
    limit = _latency_limit(policy, terms, ladder)
    chance, unfit, unready = _latency(limit, memory, ladder, place, policy.switching.hysteresis)
    floor = _below_floor(policy, terms, ladder, place, accuracies)
    accuracy = accuracies[place]
    score = terms.weight * accuracy * chance
    if policy.objective.goal == "energy":
        score = -terms.weight * loads[place] / 1000.0
    else:
        score -= policy.objective.accuracy_per_watt * loads[place] / 1000.0
    return Candidate(
        place,
        variant.name,
        accuracy,
        score,
        loads[place],
        chance,
        _blocked(policy, ladder, place, memory_bytes),
        unfit or floor,
        unfit or floor or unready,
    )


def _blocked(
    policy: PolicyPlan, ladder: LadderState, place: int, available: Sensed
) -> Reason | None:
    variant = ladder.variants[place]
    if variant.quarantined is not None:
        return reasons.quarantine(variant.name, variant.quarantined)
    needed = variant.card.memory_bytes
    resident = variant.resident or variant.name == ladder.live
    if policy.memory is None or needed is None or resident or available.value is None:
        return None
    left = available.value - needed
    if left < policy.memory.reserve_bytes:
        return reasons.memory(variant.name, needed, available.value, policy.memory.reserve_bytes)
    return None


def _latency_limit(
    policy: PolicyPlan, terms: LadderTerms, ladder: LadderState
) -> LatencyLimit | None:
    """The ladder's own deadline before the common one; what clients ask for may only tighten it."""
    limit = terms.latency or policy.latency
    asked = ladder.serving.deadline_ms
    if asked is None or asked <= 0.0:
        return limit
    if limit is None:
        return LatencyLimit(asked)
    return LatencyLimit(min(asked, limit.max_ms), limit.chance)


def _latency(
    limit: LatencyLimit | None,
    memory: LadderMemory,
    ladder: LadderState,
    place: int,
    hysteresis: float,
) -> tuple[float, Reason | None, Reason | None]:
    """Chance of the deadline, and why that is not enough: now, and with the hysteresis of a move up."""
    variant = ladder.variants[place]
    expected = forecast(memory.latency, variant.name, variant.card)
    if limit is None:
        return 1.0, None, None
    if expected is None:
        return _unknown_latency(limit, memory, ladder, place)
    chance = chance_within(expected, limit.max_ms)
    why = reasons.latency(variant.name, expected.mean_ms, chance, limit)
    if chance < limit.chance:
        return chance, why, why
    tight = chance_within(expected, limit.max_ms * (1.0 - hysteresis))
    return chance, None, why if tight < limit.chance else None


def _unknown_latency(
    limit: LatencyLimit, memory: LadderMemory, ladder: LadderState, place: int
) -> tuple[float, Reason | None, Reason | None]:
    """Nobody measured it: it is worth a trial unless a cheaper variant is already too slow."""
    for cheaper in ladder.variants[place + 1 :]:
        expected = forecast(memory.latency, cheaper.name, cheaper.card)
        if expected is not None:
            chance = chance_within(expected, limit.max_ms)
            if chance < limit.chance:
                why = reasons.latency(cheaper.name, expected.mean_ms, chance, limit)
                return chance, why, why
    return 1.0, None, None


def _below_floor(
    policy: PolicyPlan,
    terms: LadderTerms,
    ladder: LadderState,
    place: int,
    accuracies: Sequence[float],
) -> Reason | None:
    """A variant below the accuracy floor. One of unknown accuracy passes only at the top of the ladder."""
    objective = policy.objective
    floors = [f for f in (objective.accuracy_floor, terms.accuracy_floor) if f is not None]
    if objective.accuracy_loss_max is not None:
        floors.append(max(accuracies) - objective.accuracy_loss_max)
    if not floors:
        return None
    known = ladder.variants[place].card.accuracy
    if known is None:
        return None if place == 0 else reasons.accuracy_unknown(ladder.variants[place].name)
    return (
        reasons.floor(ladder.variants[place].name, known, max(floors))
        if known < max(floors)
        else None
    )


def _loads_mw(ladder: LadderState, memory: LadderMemory, energies: Sequence[float]) -> list[float]:
    """What each variant would draw above idle by the cards, at the rate that would then be served.

    A better variant is charged for the whole demand, up to its undisturbed speed. Where the live one is
    saturated, a cheaper one will be asked more often, but never so that it costs more than the live one.
    """
    bases = [base_ms(memory.latency, v.name, v.card) for v in ladder.variants]
    live = _place([v.name for v in ladder.variants], ladder.serving.variant or ladder.live)
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


def energies_of(ladder: LadderState, latency: LatencyMemory) -> tuple[float, ...]:
    """Energy above idle of one inference of each variant, mJ, as far as it is known."""
    bases = [base_ms(latency, v.name, v.card) for v in ladder.variants]
    return energies_mj([v.card for v in ladder.variants], bases)


def _place(names: Sequence[str], name: str | None) -> int | None:
    return list(names).index(name) if name is not None and name in names else None
