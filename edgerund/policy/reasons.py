"""The sentences: each reason as data with one plain sentence, numbers and units included."""

from __future__ import annotations

from edgerund.types import Reason
from edgerund.types.policy import BatteryLimit, LatencyLimit, PowerLimit, Rule, TempLimit

MIB = 1024 * 1024


def best(text: str) -> Reason:
    """Nothing binds."""
    return Reason("best", text)


def climbs(chosen: str, before: str) -> Reason:
    """A step up."""
    return Reason("best", f"{chosen} is better than {before}, and every limit is kept")


def quarantine(variant: str, why: str) -> Reason:
    """The variant failed."""
    return Reason("quarantine", f"{variant} is in quarantine: {why}")


def memory(variant: str, needed: int, available: float, reserve: int) -> Reason:
    """Loading it would eat into the reserve."""
    return Reason(
        "memory",
        f"loading {variant} takes {needed / MIB:.0f} MiB and would leave {(available - needed) / MIB:.0f} MiB"
        f" available; {reserve / MIB:.0f} MiB must stay",
        "memory_available_bytes",
        available - needed,
        float(reserve),
    )


def latency(variant: str, mean_ms: float, chance: float, limit: LatencyLimit) -> Reason:
    """Its replies would come too late too often."""
    return Reason(
        "latency",
        f"{variant} is expected to reply in {mean_ms:.1f} ms, and within {limit.max_ms:g} ms in"
        f" {chance * 100:.1f} % of cases; {limit.chance * 100:g} % are asked for",
        "latency_ms",
        mean_ms,
        limit.max_ms,
    )


def overload(variant: str, served: float, rate_hz: float, limit: LatencyLimit) -> Reason:
    """It cannot keep up with the clients."""
    return Reason(
        "latency",
        f"{variant} can serve {served * 100:.0f} % of {rate_hz:.1f} frames a second;"
        f" {limit.chance * 100:g} % within {limit.max_ms:g} ms are asked for",
        "served_share",
        served,
        limit.chance,
    )


def floor(variant: str, accuracy: float, least: float, who: str) -> Reason:
    """Its accuracy is below what the policy accepts, or clients ask for (``who``)."""
    return Reason(
        "floor",
        f"{variant} has accuracy {accuracy:.4g}; {who} for at least {least:.4g}",
        "accuracy",
        accuracy,
        least,
    )


def accuracy_unknown(variant: str, least: float, who: str) -> Reason:
    """Nobody measured its accuracy, so it cannot be above a floor."""
    text = f"the accuracy of {variant} was never measured; {who} for at least {least:.4g}"
    return Reason("floor", text, "accuracy")


def temperature(
    now_c: float | None, then_c: float, ahead_s: float, limit: TempLimit, margin_c: float
) -> Reason:
    """It would become too hot."""
    name = limit.sense
    now = f"{name} {now_c:.1f} C" if now_c is not None else name
    return Reason(
        "temperature",
        f"{now} forecast to reach {then_c:.1f} C in {ahead_s:.0f} s; limit {limit.max_c:.1f} C"
        f" less {margin_c:.1f} C margin",
        name,
        then_c,
        limit.max_c,
    )


def over_temperature(now_c: float, limit: TempLimit) -> Reason:
    """It is too hot already."""
    return Reason(
        "temperature",
        f"{limit.sense} {now_c:.1f} C is over the limit of {limit.max_c:.1f} C",
        limit.sense,
        now_c,
        limit.max_c,
    )


def power(expected_mw: float, limit: PowerLimit) -> Reason:
    """It would draw too much."""
    return Reason(
        "power",
        f"{limit.sense} expected {expected_mw:.0f} mW; limit {limit.max_mw:.0f} mW",
        limit.sense,
        expected_mw,
        limit.max_mw,
    )


def pace(expected_mw: float, pace_mw: float, left_s: float, limit: BatteryLimit) -> Reason:
    """The battery would not last to the end of the mission."""
    return Reason(
        "battery",
        f"the board would draw {expected_mw:.0f} mW; at most {pace_mw:.0f} mW keeps {limit.reserve_percent:g} %"
        f" of charge at the end of the mission in {left_s:.0f} s",
        "power_mw",
        expected_mw,
        pace_mw,
    )


def reserve(percent: float | None, limit: BatteryLimit) -> Reason:
    """The reserve is reached."""
    have = f"{percent:.0f} %" if percent is not None else "its charge"
    return Reason(
        "battery",
        f"battery at {have} has reached the reserve of {limit.reserve_percent:g} %",
        "battery_percent",
        percent,
        limit.reserve_percent,
    )


def rule(rule: Rule) -> Reason:
    """An override of the operator."""
    when = " and ".join(_condition(c.sense, c.below, c.above) for c in rule.when)
    return Reason("rule", f"rule ({when}){': ' + rule.reason if rule.reason else ''}")


def _condition(sense: str, below: float | None, above: float | None) -> str:
    if below is not None:
        return f"{sense} below {below:g}"
    if above is not None:
        return f"{sense} above {above:g}"
    return f"{sense} missing"


def hold(variant: str, why: str, left_s: float | None) -> Reason:
    """The operator's pin."""
    until = f" for another {left_s:.0f} s" if left_s is not None else ""
    return Reason("hold", f"held at {variant}{until}: {why or 'no reason given'}")


def sensor_lost(detail: str, effect: str) -> Reason:
    """A sense that was there is gone."""
    return Reason("sensor_lost", f"{detail}; {effect}")


def dwell(left_s: float) -> Reason:
    """Too soon after the last swap."""
    return Reason(
        "dwell", f"the last swap is too recent: {left_s:.0f} s to wait", "dwell_s", left_s, 0.0
    )


def bucket(left_s: float, max_per_hour: float) -> Reason:
    """Too many swaps already."""
    return Reason(
        "dwell",
        f"at most {max_per_hour:g} swaps an hour: {left_s:.0f} s to wait",
        "swaps_per_hour",
        None,
        max_per_hour,
    )


def step(through: str) -> Reason:
    """The way up goes one step at a time."""
    return Reason("dwell", f"climbing one step at a time, {through} first")


def cost(gain: float, price: float) -> Reason:
    """Too little to win."""
    return Reason(
        "dwell",
        f"the gain of {gain:.4f} is not worth a swap, which costs {price:.4f}",
        "gain",
        gain,
        price,
    )


def less_accurate(accuracy: float, chosen: str, better: float) -> Reason:
    """The chosen one is better."""
    return Reason(
        "best", f"{chosen} is more accurate ({better:.4g} against {accuracy:.4g}) and fits"
    )


def more_energy(load_mw: float, chosen: str, least_mw: float) -> Reason:
    """The chosen one costs less, which is the objective."""
    return Reason(
        "energy", f"draws {load_mw:.0f} mW above idle; {chosen} does with {least_mw:.0f} mW"
    )


def budget(expected_mw: float, ceiling_mw: float) -> Reason:
    """Alone it would fit, beside the other ladders it does not."""
    return Reason(
        "budget",
        f"with the other ladders the board would draw {expected_mw:.0f} mW; at most {ceiling_mw:.0f} mW fit",
        "power_mw",
        expected_mw,
        ceiling_mw,
    )


def capped(what: str) -> Reason:
    """The board itself is slowed down, which ends before anything better serves."""
    return Reason("capped", f"the board is capped ({what}), which is released first")


def learned(chosen: str, usual: str) -> Reason:
    """A learned policy wants it, and nothing stands against it."""
    return Reason("learned", f"the learned policy prefers {chosen} to {usual}")
