"""The variants of one ladder as the decision sees them: score, cost, and what alone rules each one out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgerund.policy import agreement, floors, reasons, rules
from edgerund.policy.deadline import limit_of, timeliness
from edgerund.policy.loads import Costs, accuracies_of, loads_mw
from edgerund.policy.senses import Sensed
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason, VariantState
from edgerund.types.policy import LadderTerms, PolicyPlan, Rule

PLAIN_TERMS = LadderTerms()


# Not frozen: one is made for every variant at every tick, and freezing makes that three times as dear.
@dataclass(slots=True)
class Candidate:
    """One variant.

    ``score`` is the objective's, in accuracy (0..1) where accuracy is maximised; ``closeness`` takes its place where
    the accuracy floor cannot be kept. ``load_mw`` is what it would draw above idle by its card. ``blocked`` cannot
    serve at all; ``unfit`` breaks a constraint of its own; ``unready`` would break it with the hysteresis that a
    better variant must keep.
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
    headroom: float | None = None
    closeness: float = 0.0


class Table(NamedTuple):
    """One ladder at one tick.

    ``allowed`` are the places that hold or rule leave; ``permitted`` are those of them that can serve, or everything
    that can where that leaves none.
    """

    ladder: LadderState
    candidates: Sequence[Candidate]
    current: int | None
    allowed: frozenset[int]
    permitted: Sequence[Candidate]
    held: bool = False
    rule: Rule | None = None
    notes: tuple[str, ...] = ()


def tabulate(
    policy: PolicyPlan,
    ladder: LadderState,
    memory: LadderMemory,
    rule: Rule | None,
    costs: Costs,
    memory_bytes: Sensed,
    now_s: float,
) -> Table:
    """Judge every variant of ``ladder`` by itself."""
    terms = policy.ladders.get(ladder.name, PLAIN_TERMS)
    names = [v.name for v in ladder.variants]
    accuracies = agreement.trusted(accuracies_of(ladder), ladder, memory.agreement)
    loads = loads_mw(ladder, memory, costs)
    least, who = _floor(policy, terms, accuracies, floors.granted(policy, memory.wishes))
    limit = limit_of(policy, terms, ladder)
    reserve = None if policy.memory is None else policy.memory.reserve_bytes
    blocked = [_blocked(v, ladder.live, memory_bytes, reserve) for v in ladder.variants]
    current = _place(names, memory.switch.chosen)
    if current is None or blocked[current]:
        current = _place(names, ladder.live)
    hysteresis = policy.switching.hysteresis
    timely = timeliness(limit, memory, ladder, costs.bases, current, hysteresis, now_s)
    candidates: list[Candidate] = []
    for place, name in enumerate(names):
        chance, unfit, unready, headroom = timely[place]
        accuracy, load_mw = accuracies[place], loads[place]
        if least is not None and unfit is None:
            unfit = _below_floor(ladder, place, accuracy, least, who)
        candidates.append(
            Candidate(
                place,
                name,
                accuracy,
                _score(policy, terms, accuracy, chance, load_mw),
                load_mw,
                chance,
                blocked[place],
                unfit,
                unfit or unready,
                headroom,
                0.0 if least is None else terms.weight * chance * _worth(policy, accuracy, least),
            )
        )
    allowed, held, notes = _allowed(ladder, rule, names, now_s)
    usable = usable_of(candidates, current)
    permitted = usable
    if len(allowed) < len(names):
        permitted = [c for c in usable if c.place in allowed] or usable
    return Table(
        ladder, candidates, current, allowed, permitted, held, None if held else rule, notes
    )


def usable_of(candidates: Sequence[Candidate], current: int | None) -> Sequence[Candidate]:
    """Variants that can serve at all; if every one is blocked, the live one or the cheapest."""
    usable = [c for c in candidates if c.blocked is None]
    return usable or [candidates[current if current is not None else -1]]


def _score(
    policy: PolicyPlan, terms: LadderTerms, accuracy: float, chance: float, load_mw: float
) -> float:
    """The objective: accuracy in time less the price of its power, or the energy saved."""
    if policy.objective.goal == "energy":
        return -terms.weight * load_mw / 1000.0
    return terms.weight * accuracy * chance - policy.objective.accuracy_per_watt * load_mw / 1000.0


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


def _worth(policy: PolicyPlan, accuracy: float, least: float | None) -> float:
    """Accuracy, as far as the objective wants it: where energy is to be saved, none above the floor."""
    return min(accuracy, least) if policy.objective.goal == "energy" and least else accuracy


def _floor(
    policy: PolicyPlan, terms: LadderTerms, accuracies: Sequence[float], asked: float | None
) -> tuple[float | None, str]:
    """The strictest accuracy floor (None if there is none), and who asks for it."""
    objective = policy.objective
    least = objective.accuracy_floor
    if terms.accuracy_floor is not None:
        least = terms.accuracy_floor if least is None else max(least, terms.accuracy_floor)
    if objective.accuracy_loss_max is not None:
        floor = max(accuracies) - objective.accuracy_loss_max
        least = floor if least is None else max(least, floor)
    if asked is not None and (least is None or asked > least):
        return asked, "clients ask"
    return least, "the policy asks"


def _below_floor(
    ladder: LadderState, place: int, accuracy: float, least: float, who: str
) -> Reason | None:
    """A variant below the floor. One of unknown accuracy passes only at the top of the ladder."""
    variant = ladder.variants[place]
    if variant.card.accuracy is None:
        return None if place == 0 else reasons.accuracy_unknown(variant.name, least, who)
    return reasons.floor(variant.name, accuracy, least, who) if accuracy < least else None


def _blocked(
    variant: VariantState, live: str | None, available: Sensed, reserve: int | None
) -> Reason | None:
    if variant.quarantined is not None:
        return reasons.quarantine(variant.name, variant.quarantined)
    if reserve is None or variant.resident or variant.name == live:
        return None
    needed, there = variant.card.memory_bytes, available.value
    if needed is None or there is None or there - needed >= reserve:
        return None
    return reasons.memory(variant.name, needed, there, reserve)


def _place(names: Sequence[str], name: str | None) -> int | None:
    return names.index(name) if name is not None and name in names else None
