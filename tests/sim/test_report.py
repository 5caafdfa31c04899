from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from edgerund.sim import report, svg
from edgerund.sim.controllers import Decider
from edgerund.sim.runner import run
from edgerund.sim.scenario import Battery, Scenario
from tests.sim.cases import PLAN, camera, fresh

VOID = {"meta", "line", "path", "rect"}


class Balanced(HTMLParser):
    """Fails on a tag that is closed in the wrong place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def made() -> tuple[str, report.Tape]:
    scenario = Scenario(duration_s=120, battery=Battery(capacity_wh=10))
    ladders = [camera()]
    plant, terms = fresh(scenario, ladders)
    decider = Decider(PLAN)
    tape = report.Tape(decider, 20.0)
    score = run(plant, decider, terms, tape.watch)
    about = report.About("p<b>", "s", "x & y", 0, 0.7)
    names = {"camera": [v.name for v in ladders[0].variants]}
    return report.page(about, score, tape, terms, names), tape


def test_the_page_is_whole_and_fetches_nothing() -> None:
    page, _ = made()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "svg" in parser.seen
    assert not re.search(r"https?:|src=|@import|url\(", page)
    assert "p&lt;b&gt;" in page
    assert "x &amp; y" in page


def test_the_page_shows_every_quantity_and_the_reasons() -> None:
    page, tape = made()
    for title in ("variant of camera", "temperature", "power", "battery", "latency of camera"):
        assert title in page
    for decision in (tape.decisions[0]["camera"], tape.decisions[-1]["camera"]):
        for reason in (decision.reason, *(r.reason for r in decision.rejected)):
            assert json.dumps(reason.text)[1:-1] in page
    assert "forecast 20 s before" in page


def test_a_long_line_is_thinned_but_keeps_its_extremes() -> None:
    values: list[float | None] = [0.0] * 20_000
    values[7_777] = 50.0
    chart = svg.chart("t", "u", [float(i) for i in range(20_000)], [svg.Line("l", "truth", values)])
    assert len(chart) < 40_000
    line = re.findall(r'class="line truth" d="([^"]*)"', chart)[-1]
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line)]
    assert min(heights) < 40 < 140 < max(heights)


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    chart = svg.chart("t", "u", [0.0, 1, 2, 3], [svg.Line("l", "truth", [1.0, None, 2.0, 3.0])])
    path = re.search(r'class="line truth" d="(M[^"]*M[^"]*)"', chart)
    assert path is not None


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert svg.chart("t", "u", [0.0], [svg.Line("l", "truth", [None])]).startswith("<svg")
