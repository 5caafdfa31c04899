"""The operator's overrides: which rules hold now, and which variants they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgerund.policy.senses import Sensed
from edgerund.types.policy import Condition, Rule, VariantRef

Active = tuple[tuple[bool, ...], ...]


def update(rules: Sequence[Rule], active: Active, sensed: Mapping[str, Sensed]) -> Active:
    """Which conditions of which rules hold now, given which held before."""
    if not rules:
        return ()
    fits = len(active) == len(rules)
    return tuple(
        tuple(
            _holds(
                condition,
                sensed[condition.sense],
                fits and i < len(active[r]) and active[r][i],
                lowers=rule.verb in ("at_most", "exclude"),
            )
            for i, condition in enumerate(rule.when)
        )
        for r, rule in enumerate(rules)
    )


def matching(rules: Sequence[Rule], active: Active, ladder: str) -> Rule | None:
    """The first rule for ``ladder`` all of whose conditions hold."""
    for rule, conditions in zip(rules, active, strict=True):
        if all(conditions) and (not rule.ladders or ladder in rule.ladders):
            return rule
    return None


def allowed(
    rule: Rule, names: Sequence[str], accuracies: Sequence[float | None]
) -> tuple[int, ...] | None:
    """Places (0 is the best) that ``rule`` leaves; None where it names no variant of this ladder."""
    places = [p for p in (resolve(ref, names, accuracies) for ref in rule.refs) if p is not None]
    if not places:
        return None
    count = range(len(names))
    if rule.verb == "at_most":
        return tuple(i for i in count if i >= places[0])
    if rule.verb == "at_least":
        return tuple(i for i in count if i <= places[0])
    if rule.verb == "exactly":
        return (places[0],)
    return tuple(i for i in count if i not in places)


def resolve(
    ref: VariantRef, names: Sequence[str], accuracies: Sequence[float | None]
) -> int | None:
    """The place of ``ref`` on a ladder; a variant that is really called so comes before a position word."""
    if ref.anchor == "accuracy":
        places = [i for i, a in enumerate(accuracies) if a is not None and a >= ref.accuracy]
        return max(places) if places else 0
    if ref.name in names:
        return list(names).index(ref.name)
    if ref.anchor == "name":
        return None
    last = len(names) - 1
    start = {"top": 0, "middle": last // 2, "bottom": last}[ref.anchor]
    return min(last, max(0, start + ref.offset))


def _holds(condition: Condition, sensed: Sensed, held: bool, *, lowers: bool) -> bool:
    if condition.missing:
        return not sensed.usable
    if sensed.value is not None and sensed.usable:
        return _passed(condition, sensed.value, held)
    # a value that is gone may keep a rule that lowers the variant, and one that comes too late may begin it
    news = sensed.news is not None and _passed(condition, sensed.news, held)
    return lowers and (news or (held and sensed.kind == "lost"))


def _passed(condition: Condition, value: float, held: bool) -> bool:
    if condition.below is not None:
        threshold = condition.below if not held or condition.until is None else condition.until
        return value < threshold
    if condition.above is not None:
        threshold = condition.above if not held or condition.until is None else condition.until
        return value > threshold
    return False
