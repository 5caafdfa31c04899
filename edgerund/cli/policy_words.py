"""A policy in plain sentences, one fact each, so that two policies can be compared line by line."""

from __future__ import annotations

from edgerund.types.policy import (
    Actuators,
    BatteryLimit,
    Condition,
    LatencyLimit,
    LearnedTerms,
    Objective,
    PolicyPlan,
    Rule,
    TempLimit,
    VariantRef,
)


def sentences(plan: PolicyPlan) -> list[str]:
    """What the policy does."""
    lines = [f"policy {plan.name}{': ' + plan.summary if plan.summary else ''}"]
    lines += _objective(plan.objective)
    lines += _limits(plan)
    s = plan.switching
    lines.append(f"a swap that no limit forces comes at least {s.dwell_s:g} s after the last one")
    lines.append(
        f"at most {s.max_per_hour:g} swaps an hour; limits are obeyed at once all the same"
    )
    lines.append(f"a better variant must stay {100 * s.hysteresis:g} % below each limit")
    lines.append(f"a swap must gain more than {s.cost_s:g} s of service are worth")
    lines += [f"rule {i}: {_rule(rule)}" for i, rule in enumerate(plan.rules, 1)]
    lines += _lost(plan)
    for name, terms in plan.ladders.items():
        lines.append(f"ladder {name} counts {terms.weight:g} times")
        if terms.accuracy_floor is not None:
            lines.append(
                f"ladder {name} stays at or above accuracy {terms.accuracy_floor:g} if anything fits"
            )
        if terms.latency is not None:
            lines.append(f"ladder {name}: {_latency(terms.latency)}")
    board = plan.board
    if board.idle_mw is not None:
        lines.append(f"the board draws {board.idle_mw:g} mW without inference")
    if board.heat_c_per_w is not None:
        lines.append(f"the board warms by {board.heat_c_per_w:g} C per watt")
    if board.tau_s is not None:
        lines.append(f"the board warms with a time constant of {board.tau_s:g} s")
    return [*lines, *_actuators(plan.actuators), *_learned(plan.learned)]


def _learned(terms: LearnedTerms | None) -> list[str]:
    if terms is None:
        return []
    where = f" for {', '.join(terms.ladders)}" if terms.ladders else ""
    return [
        f"the network {terms.file} ({terms.sha256[:12]}) proposes variants{where} within all of this; "
        f"an answer after {terms.budget_ms:g} ms does not count"
    ]


def _actuators(terms: Actuators) -> list[str]:
    lines = ["clients are advised of a frame rate"] if terms.frame_rate else []
    if terms.caps:
        lines.append(
            f"where the cheapest variants are too much, {', then '.join(terms.caps)} go down to "
            f"{100 * terms.lowest:g} % by {100 * terms.step:g} %, and come back a step in {terms.dwell_s:g} s"
        )
    return lines


def _objective(objective: Objective) -> list[str]:
    if objective.goal == "energy":
        lines = ["wants the least energy per inference"]
    elif objective.accuracy_per_watt:
        lines = [
            f"wants accuracy, but gives up {objective.accuracy_per_watt:g} of it to save a watt"
        ]
    else:
        lines = ["wants the highest accuracy within the deadline"]
    if objective.accuracy_floor is not None:
        lines.append(f"stays at or above accuracy {objective.accuracy_floor:g} if anything fits")
    if objective.accuracy_loss_max is not None:
        lines.append(
            f"stays within {objective.accuracy_loss_max:g} of the best variant's accuracy if anything fits"
        )
    return lines


def _limits(plan: PolicyPlan) -> list[str]:
    lines: list[str] = []
    if plan.latency is not None:
        lines.append(_latency(plan.latency))
    if plan.temp is not None:
        lines.append(_temp(plan.temp))
    if plan.power is not None:
        lines.append(f"{plan.power.sense} stays at or below {plan.power.max_mw:g} mW")
    if plan.battery is not None:
        lines.append(_battery(plan.battery))
    if plan.memory is not None:
        lines.append(
            f"{plan.memory.reserve_bytes / 2**20:g} MiB of memory stay available after a load"
        )
    return lines


def _latency(limit: LatencyLimit) -> str:
    return f"replies come within {limit.max_ms:g} ms in {100 * limit.chance:g} % of cases"


def _temp(limit: TempLimit) -> str:
    margin = (
        "1 C and the recent forecast error" if limit.margin_c is None else f"{limit.margin_c:g} C"
    )
    return f"{limit.sense} stays below {limit.max_c:g} C, forecast {limit.horizon_s:g} s ahead, less {margin}"


def _battery(limit: BatteryLimit) -> str:
    text = f"{limit.reserve_percent:g} % of the battery stay in reserve"
    if limit.mission_s is not None:
        text += f" until {limit.mission_s:g} s after it became the source"
    return text


def _rule(rule: Rule) -> str:
    verb = {
        "at_most": "nothing better than",
        "at_least": "nothing cheaper than",
        "exactly": "only",
        "exclude": "not",
    }[rule.verb]
    text = f"while {' and '.join(_condition(c) for c in rule.when)}: {verb} {', '.join(map(_ref, rule.refs))}"
    if rule.ladders:
        text += f" (on {', '.join(rule.ladders)})"
    return f"{text}: {rule.reason}" if rule.reason else text


def _condition(c: Condition) -> str:
    if c.missing:
        return f"{c.sense} has no value"
    if c.below is not None:
        return f"{c.sense} is below {c.below:g}" + (
            f" (until {c.until:g})" if c.until is not None else ""
        )
    return f"{c.sense} is above {c.above:g}" + (
        f" (until {c.until:g})" if c.until is not None else ""
    )


def _ref(ref: VariantRef) -> str:
    if ref.anchor == "accuracy":
        return f"the cheapest with accuracy {ref.accuracy:g}"
    return ref.name


def _lost(plan: PolicyPlan) -> list[str]:
    meaning = {
        "cheapest": "only the cheapest variant",
        "model": "the model goes on alone, and nothing better is taken",
        "ignore": "its limit is dropped",
    }
    lines = [f"{name} lost: {meaning[mode]}" for name, mode in plan.lost.items()]
    return [*lines, f"a reading older than {plan.stale_after_s:g} s is lost"]
