"""What a run showed, in figures: heat, frames, accuracy, swaps, and how soon a lost sensor led to a safe variant."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgerund.types import LadderPlan
from tools.heat_run.arm import Trace
from tools.heat_run.board import Fault, Story


@dataclass(frozen=True, slots=True)
class Loss:
    """One fault of the thermal zone. Seconds are real ones; None: it did not happen while the run went on.

    ``lower_s``, ``safe_s``: from the loss to the first answer of a cheaper variant, and of the cheapest one (0: it
    answered already). ``back_s``: from the sensor's return to the first answer of a better one.
    """

    kind: str
    at_s: float
    before: str
    lower_s: float | None
    safe_s: float | None
    back_s: float | None
    hottest_c: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One arm. Times of the board; ``accuracy`` by the cards over all frames sent, a lost one counts nothing.

    With an empty battery every frame is lost.
    """

    name: str
    hottest_c: float
    over_limit_s: float
    sent: int
    answered: int
    lost: int
    skipped: int
    accuracy: float
    right: float
    swaps: int
    p50_ms: float
    p99_ms: float
    power_w: float
    shares: dict[str, float]
    cpu_ms: dict[str, float]
    percent_left: float | None
    empty_s: float | None
    losses: tuple[Loss, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def figures(trace: Trace, plan: LadderPlan, story: Story, fps: float) -> Figures:
    """Sum up one arm."""
    rows: list[dict[str, Any]] = trace.board["rows"]
    percents = [r["percent"] for r in rows if r["percent"] is not None]
    empty_s = empty_at_s(rows)
    powered = [r for r in trace.frames if empty_s is None or r["at_s"] <= empty_s]
    answered: Counter[str] = Counter()
    for row in powered:
        answered.update(row["answered"])
    sent, served = sum(r["sent"] for r in trace.frames), sum(answered.values())
    worth = sum((plan.variant(v).card.accuracy or 0.0) * n for v, n in answered.items())
    return Figures(
        name=trace.name,
        hottest_c=trace.board["hottest_c"],
        over_limit_s=trace.board["over_limit_s"],
        sent=sent,
        answered=served,
        lost=sent - served,
        skipped=sum(r["skipped"] for r in trace.frames),
        accuracy=worth / max(1, sent),
        right=sum(r["right"] for r in powered) / max(1, served),
        swaps=len(trace.swaps),
        p50_ms=_middle([r["p50_ms"] for r in trace.frames if r["p50_ms"] is not None]),
        p99_ms=_middle([r["p99_ms"] for r in trace.frames if r["p99_ms"] is not None]),
        power_w=sum(r["power_w"] for r in rows) / max(1, len(rows)),
        shares={v.name: answered[v.name] / max(1, served) for v in plan.variants},
        cpu_ms=_cpu_ms(rows, plan, fps),
        percent_left=percents[-1] if percents else None,
        empty_s=empty_s,
        losses=tuple(_loss(trace, plan, story, f) for f in story.faults),
    )


def empty_at_s(rows: Sequence[dict[str, Any]]) -> float | None:
    """When the battery had nothing left: a real board answers no more."""
    return next((r["at_s"] for r in rows if r["percent"] is not None and r["percent"] <= 0), None)


def _middle(values: Sequence[float]) -> float:
    """The median second."""
    return sorted(values)[len(values) // 2] if values else float("nan")


def _cpu_ms(rows: Sequence[dict[str, Any]], plan: LadderPlan, fps: float) -> dict[str, float]:
    """CPU time of the worker for one frame, from the seconds that one variant had for itself."""
    busy: dict[str, list[float]] = {v.name: [] for v in plan.variants}
    for a, b, c in zip(rows, rows[1:], rows[2:], strict=False):
        if b["variant"] and a["variant"] == b["variant"] == c["variant"]:
            busy[b["variant"]].append(b["share"])
    return {v: 1e3 * sum(s) / len(s) / fps for v, s in busy.items() if s}


def _loss(trace: Trace, plan: LadderPlan, story: Story, fault: Fault) -> Loss:
    place = {v.name: i for i, v in enumerate(plan.variants)}
    cheapest = len(plan.variants) - 1
    serving = [trace.first, *(s["to"] for s in trace.swaps if s["at_s"] < fault.at_s)][-1]
    end_s = fault.at_s + fault.for_s
    turns = [
        (s["at_s"], place[a], place[s["to"]])
        for a, s in zip([trace.first, *(s["to"] for s in trace.swaps)], trace.swaps, strict=False)
    ]
    during = [(at_s, to) for at_s, _, to in turns if fault.at_s <= at_s < end_s]

    def real_s(moments: Sequence[float], since_s: float) -> float | None:
        return (min(moments) - since_s) / story.speed if moments else None

    lower = real_s([at_s for at_s, to in during if to > place[serving]], fault.at_s)
    safe = real_s([at_s for at_s, to in during if to == cheapest], fault.at_s)
    at_bottom = place[serving] == cheapest
    rows = [r for r in trace.board["rows"] if fault.at_s <= r["at_s"] < end_s]
    return Loss(
        kind=fault.kind,
        at_s=fault.at_s,
        before=serving,
        lower_s=0.0 if at_bottom else lower,
        safe_s=0.0 if at_bottom else safe,
        back_s=real_s([t for t, was, to in turns if t >= end_s and to < was], end_s),
        hottest_c=max((r["temp_c"] for r in rows), default=float("nan")),
    )


def table(found: Sequence[Figures], limit_c: float) -> str:
    """For people."""
    rows: list[list[str]] = [
        ["", *(f.name for f in found)],
        [f"hottest (limit {limit_c:g} C)", *(f"{f.hottest_c:.2f} C" for f in found)],
        ["at or over the limit", *(f"{f.over_limit_s:.1f} s" for f in found)],
        ["frames sent", *(str(f.sent) for f in found)],
        ["frames answered", *(str(f.answered) for f in found)],
        ["frames lost", *(str(f.lost) for f in found)],
        ["left out by the camera", *(str(f.skipped) for f in found)],
        ["accuracy, by the cards", *(f"{100 * f.accuracy:.2f} %" for f in found)],
        ["right answers", *(f"{100 * f.right:.2f} %" for f in found)],
        ["swaps", *(str(f.swaps) for f in found)],
        ["round trip p50", *(f"{f.p50_ms:.2f} ms" for f in found)],
        ["round trip p99", *(f"{f.p99_ms:.2f} ms" for f in found)],
        ["mean power", *(f"{f.power_w:.2f} W" for f in found)],
    ]
    if any(f.percent_left is not None for f in found):
        rows.append(["battery at the end", *(f"{f.percent_left:.2f} %" for f in found)])
        empty = ["-" if f.empty_s is None else f"{f.empty_s:.0f} s" for f in found]
        rows.append(["  nothing left after", *empty])
    for name in found[0].shares:
        costs = [f.cpu_ms.get(name) for f in found]
        rows.append([f"answered by {name}", *(f"{100 * f.shares[name]:.1f} %" for f in found)])
        rows.append(["  CPU time a frame", *("-" if c is None else f"{c:.2f} ms" for c in costs)])
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            [r[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(r[1:], widths[1:], strict=True))]
        )
        for r in rows
    ]
    lines += itertools.chain.from_iterable(_loss_lines(f) for f in found)
    return "\n".join(lines)


def _loss_lines(found: Figures) -> list[str]:
    def said(seconds: float | None) -> str:
        return "never" if seconds is None else f"{seconds:.2f} s"

    return [
        f"{found.name}: zone {loss.kind} at {loss.at_s:g} s, while {loss.before} answered: a cheaper variant after "
        f"{said(loss.lower_s)}, the cheapest after {said(loss.safe_s)}, a better one {said(loss.back_s)} after its "
        f"return; hottest meanwhile {loss.hottest_c:.2f} C"
        for loss in found.losses
    ]
