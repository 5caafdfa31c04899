"""One run as a page: a single HTML file with its charts, and every decision's reason where the pointer is."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgerund.sim import svg
from edgerund.sim.controllers import Decider
from edgerund.sim.plant import Row
from edgerund.sim.report_page import PAGE
from edgerund.sim.runner import Score
from edgerund.sim.terms import Terms
from edgerund.types import Decision, Reading, Snapshot


@dataclass(slots=True)
class Tape:
    """What the report needs of every tick; pass ``watch`` to the runner. ``horizon_s`` None: no forecast is drawn."""

    decider: Decider
    horizon_s: float | None = None
    times_s: list[float] = field(default_factory=list)
    seen_c: list[float | None] = field(default_factory=list)
    seen_w: list[float | None] = field(default_factory=list)
    latency_ms: dict[str, list[float | None]] = field(default_factory=dict)
    forecast_c: list[float | None] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    decisions: list[Mapping[str, Decision]] = field(default_factory=list)

    def watch(self, snapshot: Snapshot, decisions: Mapping[str, Decision], row: Row) -> None:
        """Remember one tick."""
        self.times_s.append(snapshot.now_s)
        self.seen_c.append(_sense(snapshot, "temp_c"))
        watts = _sense(snapshot, "power_mw")
        self.seen_w.append(None if watts is None else watts / 1000)
        if self.horizon_s is not None:
            self.forecast_c.append(self.decider.forecast_c(self.horizon_s))
        for name, ladder in snapshot.ladders.items():
            self.latency_ms.setdefault(name, []).append(ladder.serving.latency_ms_p99)
        self.rows.append(row)
        self.decisions.append(decisions)


def _sense(snapshot: Snapshot, name: str) -> float | None:
    sense = snapshot.senses.get(name)
    return sense.value if isinstance(sense, Reading) else None


@dataclass(frozen=True, slots=True)
class About:
    """What the head of the page says."""

    policy: str
    scenario: str
    text: str
    seed: int
    bound: float | None = None


def page(
    about: About, score: Score, tape: Tape, terms: Terms, ladders: Mapping[str, Sequence[str]]
) -> str:
    """The whole page. ``ladders`` holds the variant names, best first."""
    charts = []
    for name, variants in ladders.items():
        live = [row.ladders[name].live for row in tape.rows]
        charts.append(svg.steps(f"variant of {name}", variants, tape.times_s, live))
    charts.append(_temperature(tape, terms))
    charts.append(
        svg.chart(
            "power",
            "W",
            tape.times_s,
            [
                svg.Line("true", "truth", [row.power_w for row in tape.rows]),
                svg.Line("measured", "seen", tape.seen_w),
            ],
        )
    )
    if tape.rows[0].left_wh is not None:
        charts.append(_battery(tape, terms))
    for name, values in tape.latency_ms.items():
        deadlines = [d if d < 1e9 else None for d in terms.deadline_ms[name]]
        charts.append(
            svg.chart(
                f"latency of {name}",
                "ms",
                tape.times_s,
                [svg.Line("p99", "truth", values), svg.Line("deadline", "limit", deadlines)],
            )
        )
    return PAGE.format(
        title=html.escape(f"{about.policy} · {about.scenario}"),
        text=html.escape(about.text),
        seed=about.seed,
        figures=_figures(about, score),
        charts="\n".join(f"<figure>{c}</figure>" for c in charts),
        data=json.dumps(_data(tape), separators=(",", ":")).replace("</", "<\\/"),
        geometry=json.dumps({"left": svg.LEFT, "right": svg.RIGHT, "width": svg.WIDTH}),
    )


def _temperature(tape: Tape, terms: Terms) -> str:
    limits = [c if c < 1e9 else None for c in terms.temp_limit_c]
    lines = [
        svg.Line("die", "truth", [row.die_c for row in tape.rows]),
        svg.Line("measured", "seen", tape.seen_c),
    ]
    if tape.horizon_s is not None:
        shift = min(round(tape.horizon_s), len(tape.rows))
        told = [None] * shift + tape.forecast_c[: len(tape.rows) - shift]
        lines.append(svg.Line(f"forecast {tape.horizon_s:g} s before", "forecast", told))
    lines.append(svg.Line("limit", "limit", limits))
    return svg.chart("temperature", "°C", tape.times_s, lines)


def _battery(tape: Tape, terms: Terms) -> str:
    lines = [svg.Line("left", "truth", [row.left_wh for row in tape.rows])]
    if terms.reserve_wh is not None:
        lines.append(svg.Line("reserve", "limit", [terms.reserve_wh] * len(tape.rows)))
    return svg.chart("battery", "Wh", tape.times_s, lines)


def _figures(about: About, score: Score) -> str:
    cells = [
        ("effective accuracy", f"{score.effective_accuracy:.4f}", False),
        ("seconds over the limit", f"{score.over_limit_s:.0f}", score.over_limit_s > 0),
        ("peak", f"{score.peak_c:.1f} °C", False),
        ("late frames", f"{100 * score.late_share:.2f} %", score.late_share > 0.01),
        ("swaps", f"{score.swaps} ({score.swaps_per_hour:.0f} per calm hour)", False),
        ("energy", f"{score.energy_wh:.2f} Wh", False),
    ]
    if about.bound is not None:
        gap = 100 * (1 - score.effective_accuracy / about.bound)
        cells.insert(1, ("below the bound", f"{gap:.2f} %", gap > 4))
    if score.left_percent is not None:
        done = "completed" if score.mission_completed else "NOT completed"
        cells.append(
            ("mission", f"{done}, {score.left_percent:.1f} % left", not score.mission_completed)
        )
    return "".join(
        f'<div class="cell{" bad" if bad else ""}"><b>{html.escape(value)}</b>{html.escape(name)}</div>'
        for name, value, bad in cells
    )


def _data(tape: Tape) -> dict[str, Any]:
    """Per tick the index of its text, and each distinct text once: reasons repeat for minutes."""
    texts: dict[str, int] = {}
    index = []
    for decisions, row in zip(tape.decisions, tape.rows, strict=True):
        text = "\n".join(_told(d, row) for d in decisions.values())
        index.append(texts.setdefault(text, len(texts)))
    rows = [[round(r.die_c, 2), round(r.power_w, 2)] for r in tape.rows]
    return {"i": index, "texts": list(texts), "rows": rows}


def _told(decision: Decision, row: Row) -> str:
    ladder = row.ladders[decision.ladder]
    head = f"{decision.ladder}: {decision.variant} · {decision.reason.text or decision.reason.code}"
    lines = [head]
    if ladder.event:
        lines.append(f"! {ladder.event}")
    lines += [f"- {r.variant}: {r.reason.text or r.reason.code}" for r in decision.rejected]
    lines += [f"note: {note}" for note in decision.notes]
    return "\n".join(lines)
