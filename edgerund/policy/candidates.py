"""The variants of one ladder as the decision sees them: score, cost, and what alone rules each one out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgerund.policy import agreement, floors, reasons, rules
from edgerund.policy.deadline import limit_of, timeliness
from edgerund.policy.loads import accuracies_of, loads_mw
from edgerund.policy.senses import Sensed
from edgerund.policy.state import LadderMemory
from edgerund.types import LadderState, Reason
from edgerund.types.policy import LadderTerms, PolicyPlan, Rule


class Candidate(NamedTuple):
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
    accuracies = agreement.trusted(accuracies_of(ladder), ladder, memory.agreement)
    loads = loads_mw(ladder, memory, energies)
    least, who = _floor(policy, terms, accuracies, floors.granted(policy, memory.wishes))
    limit = limit_of(policy, terms, ladder)
    current = _place(names, memory.switch.chosen)
    if current is None or _blocked(policy, ladder, current, memory_bytes):
        current = _place(names, ladder.live)
    candidates: list[Candidate] = []
    for place, name in enumerate(names):
        timely = timeliness(
            limit,
            memory,
            ladder,
            place,
            now_s,
            policy.switching.hysteresis,
            better=current is None or place < current,
        )
        below = _below_floor(ladder, place, accuracies[place], least, who)
        candidates.append(
            Candidate(
                place,
                name,
                accuracies[place],
                _score(policy, terms, accuracies[place], timely.chance, loads[place]),
                loads[place],
                timely.chance,
                _blocked(policy, ladder, place, memory_bytes),
                timely.unfit or below,
                timely.unfit or below or timely.unready,
                None if limit is None else timely.headroom,
                terms.weight * timely.chance * _worth(policy, accuracies[place], least),
            )
        )
    allowed, held, notes = _allowed(ladder, rule, names, now_s)
    return Table(
        ladder,
        terms.weight,
        tuple(candidates),
        current,
        allowed,
        held,
        None if held else rule,
        notes,
    )


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
    found = [f for f in (objective.accuracy_floor, terms.accuracy_floor) if f is not None]
    if objective.accuracy_loss_max is not None:
        found.append(max(accuracies) - objective.accuracy_loss_max)
    own = max(found, default=None)
    if asked is not None and (own is None or asked > own):
        return asked, "clients ask"
    return own, "the policy asks"


def _below_floor(
    ladder: LadderState, place: int, accuracy: float, least: float | None, who: str
) -> Reason | None:
    """A variant below the floor. One of unknown accuracy passes only at the top of the ladder."""
    variant = ladder.variants[place]
    if least is None:
        return None
    if variant.card.accuracy is None:
        return None if place == 0 else reasons.accuracy_unknown(variant.name, least, who)
    return reasons.floor(variant.name, accuracy, least, who) if accuracy < least else None


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


def _place(names: Sequence[str], name: str | None) -> int | None:
    return list(names).index(name) if name is not None and name in names else None
