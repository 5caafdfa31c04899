"""A decision in words: why this variant, since when, what a better one would need, and what was rejected."""

from __future__ import annotations

from collections.abc import Mapping

from edgerund.types import Agreement, Decision

# What would have to change, by the code of the reason that stands in the way.
_NEEDS: Mapping[str, str] = {
    "temperature": "a forecast below {limit:.1f} C less the margin, not {observed:.1f} C",
    "power": "{limit:.0f} mW to be enough for {observed:.0f} mW",
    "latency": "replies well within {limit:g} ms instead of about {observed:.1f} ms",
    "battery": "more charge, or a shorter mission",
    "memory": "more free memory",
    "quarantine": "its file mended and a reload",
    "rule": "the rule's condition to end",
    "hold": "unpin, or the end of the hold",
    "sensor_lost": "the sensor back",
    "dwell": "only time",
    "capped": "the caps on the board to be released",
    "budget": "another ladder to draw less, or more room for all",
    "floor": "a lower accuracy floor",
    "learned": "the learned policy to prefer it",
}


def explain(decision: Decision) -> str:
    """The decision as a few lines of text, for ``why`` and the journal."""
    lines = [f"{decision.ladder}: {decision.variant} serves{_since(decision)}"]
    lines.append(f"  because {decision.reason.text}")
    if decision.floor is not None and decision.floor.granted:
        met = "it has that" if decision.floor.met else "it is not known to have that"
        lines.append(f"  clients ask for an accuracy of {decision.floor.granted:.4g}: {met}")
    better = needed(decision)
    if better:
        lines.append(f"  a better one needs {better}")
    if decision.rejected:
        width = max(len(r.variant) for r in decision.rejected)
        lines.append("  not taken:")
        lines += [f"    {r.variant:<{width}}  {r.reason.text}" for r in decision.rejected]
    lines += [f"  {sentence(one, decision)}" for one in decision.agreements]
    if decision.suggested_fps is not None:
        lines.append(f"  clients are advised to send {decision.suggested_fps:g} frames a second")
    if decision.headroom:
        shares = ", ".join(
            f"{name} {100 * left:.0f} %" for name, left in sorted(decision.headroom.items())
        )
        lines.append(f"  headroom: {shares}")
    lines += [f"  note: {note}" for note in decision.notes]
    return "\n".join(lines)


def sentence(one: Agreement, decision: Decision) -> str:
    """What was seen of one variant's agreement with the ladder's best."""
    text = (
        f"{one.variant} answers like the best variant in {100 * one.share:.1f} % of the last {one.frames:.0f} sampled"
        f" frames ({100 * one.expected:.1f} % expected)"
    )
    if one.drifted:
        text += f": the scene has drifted, its accuracy counts as {one.accuracy:.4g}"
    elif decision.shadow is not None and decision.shadow.variant == one.variant:
        text += "; it runs beside now"
    return text


def needed(decision: Decision) -> str:
    """What would have to change for the reason that binds to go away; empty if nothing binds."""
    reason = decision.reason
    if reason.constraint == "served_share":
        return "fewer frames a second, or a faster device"
    need = _NEEDS.get(reason.code, "")
    if "{" not in need:
        return need
    if reason.limit is None or reason.observed is None:
        return f"{reason.constraint} within its limit"
    return need.format(limit=reason.limit, observed=reason.observed)


def one_line(decision: Decision) -> str:
    """For the journal: one line per change."""
    return f"{decision.ladder}: {decision.variant}: {decision.reason.text}"


def _since(decision: Decision) -> str:
    if decision.since_s is None:
        return ""
    seconds = max(0.0, decision.at_s - decision.since_s)
    if seconds < 120.0:
        return f", for {seconds:.0f} s"
    return (
        f", for {seconds / 60.0:.0f} min" if seconds < 7200.0 else f", for {seconds / 3600.0:.1f} h"
    )
