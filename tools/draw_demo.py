"""Draws one run of the demo as the picture in the README.

``edgerund demo --plain | python -m tools.draw_demo docs/demo.svg``: temperature and battery over time, which variant
answered, and each swap with the reason that the replies carried.
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

LINE = re.compile(r"\s*([\d.]+) s  (\S+) .*?([\d.]+) C\s+[\d.]+ W\s+battery\s+(\d+) %  (.*)")
SWAP = re.compile(r"\s*([\d.]+) s  (\S+) -> (\S+): (.*)")
LEFT, TOP, WIDTH, HEIGHT = 56, 64, 760, 190
LOW_C, HIGH_C, LIMIT_C = 30.0, 90.0, 80.0
COLOURS = ("#cfe3d4", "#d9e3f5", "#f3e6c8", "#ecd9ec", "#e2e2e2")
INK, HEAT, CHARGE = "#24292f", "#c0392b", "#2a6fb0"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the demo."""

    at_s: float
    variant: str
    temp_c: float
    battery_percent: float
    story: str


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap with what the reply said."""

    at_s: float
    before: str
    after: str
    reason: str


def read(text: str) -> tuple[list[Moment], list[Swap]]:
    """The moments and the swaps of a run."""
    run = text.partition("swaps, each with the reason")[0].splitlines()
    moments = [
        Moment(float(m[1]), m[2], float(m[3]), float(m[4]), m[5]) for m in map(LINE.match, run) if m
    ]
    swaps = [Swap(float(m[1]), m[2], m[3], m[4]) for m in map(SWAP.match, run) if m]
    return moments, swaps


class Chart:
    """Collects SVG elements; ``x`` is time, ``y`` a share of the height."""

    def __init__(self, end_s: float) -> None:
        self._end_s = end_s
        self.parts: list[str] = []

    def x(self, at_s: float) -> float:
        return LEFT + WIDTH * at_s / self._end_s

    def y(self, share: float) -> float:
        return TOP + HEIGHT * (1.0 - share)

    def text(self, x: float, y: float, words: str, style: str = "") -> None:
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(words)}</text>')

    def line(self, points: list[tuple[float, float]], colour: str) -> None:
        path = " ".join(f"{self.x(at_s):.1f},{self.y(share):.1f}" for at_s, share in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )

    def band(self, from_s: float, to_s: float, name: str, colour: str) -> None:
        x, width = self.x(from_s), self.x(to_s) - self.x(from_s)
        self.parts.append(
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT}" fill="{colour}"/>'
        )
        if width > 8 * len(name):
            self.text(x + width / 2, TOP + 18, name, 'text-anchor="middle" font-weight="600"')
        else:  # upright, for want of room
            at_x, at_y = x + width / 2 + 4, TOP + HEIGHT - 8
            turn = f'transform="rotate(-90 {at_x:.0f} {at_y})" font-weight="600"'
            self.text(at_x, at_y, name, turn)

    def story(self, at_s: float, words: str) -> None:
        self.text(self.x(at_s), TOP - 12, words, 'fill="#57606a" font-style="italic"')


def share_c(temp_c: float) -> float:
    """A temperature as a share of the chart's height."""
    return min(1.0, max(0.0, (temp_c - LOW_C) / (HIGH_C - LOW_C)))


def draw(moments: list[Moment], swaps: list[Swap]) -> str:
    """The picture."""
    chart = Chart(moments[-1].at_s)
    _bands(chart, moments, swaps)
    _stories(chart, moments)
    chart.line([(0.0, share_c(LIMIT_C)), (moments[-1].at_s, share_c(LIMIT_C))], "#e5a29b")
    chart.line([(m.at_s, share_c(m.temp_c)) for m in moments], HEAT)
    chart.line([(m.at_s, m.battery_percent / 100) for m in moments], CHARGE)
    right = f'text-anchor="end" fill="{HEAT}"'
    for temp_c in (40, 60, LIMIT_C):
        chart.text(LEFT - 6, chart.y(share_c(temp_c)) + 4, f"{temp_c:.0f} °C", right)
    last = moments[-1]
    charge_y, heat_y = chart.y(last.battery_percent / 100) + 4, chart.y(share_c(last.temp_c)) + 4
    if abs(charge_y - heat_y) < 14:
        charge_y, heat_y = (
            (charge_y + 7, heat_y - 7) if charge_y > heat_y else (charge_y - 7, heat_y + 7)
        )
    chart.text(chart.x(last.at_s) + 6, charge_y, "battery", f'fill="{CHARGE}"')
    chart.text(chart.x(last.at_s) + 6, heat_y, "heat", f'fill="{HEAT}"')
    for row, swap in enumerate(swaps):
        x, y = chart.x(swap.at_s), TOP + HEIGHT + 26 + 20 * row
        chart.parts.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{TOP + HEIGHT}" stroke="{INK}" stroke-dasharray="3 3"/>'
        )
        chart.text(LEFT, y, f"{swap.at_s:.1f} s  {swap.before} → {swap.after}: {swap.reason}")
    height = TOP + HEIGHT + 30 + 20 * len(swaps)
    width = LEFT + WIDTH + 70
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
    )
    words = "edgerund demo: which variant answers, and why"
    title = f'<text x="{LEFT}" y="28" font-size="16" font-weight="600">{words}</text>'
    paper = f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>'
    return "\n".join([head, paper, title, *chart.parts, "</svg>", ""])


def _bands(chart: Chart, moments: list[Moment], swaps: list[Swap]) -> None:
    """One band per variant's turn."""
    edges = [0.0, *(swap.at_s for swap in swaps), moments[-1].at_s]
    turns = [moments[0].variant, *(swap.after for swap in swaps)]
    names = list(dict.fromkeys(turns))
    for name, (from_s, to_s) in zip(turns, itertools.pairwise(edges), strict=True):
        chart.band(from_s, to_s, name, COLOURS[names.index(name) % len(COLOURS)])


def _stories(chart: Chart, moments: list[Moment]) -> None:
    """What happens to the board, above the bands."""
    begins = [
        m
        for m, before in zip(moments, [None, *moments], strict=False)
        if not before or m.story != before.story
    ]
    for m, end_s in zip(begins, [*(m.at_s for m in begins[1:]), moments[-1].at_s], strict=True):
        if chart.x(end_s) - chart.x(m.at_s) > 7 * len(
            m.story
        ):  # else there is no room for the words
            chart.story(m.at_s, m.story)


def main() -> None:
    """Read a run from stdin and write the picture."""
    text = sys.stdin.read()
    moments, swaps = read(text)
    if not moments:
        raise SystemExit("cannot draw: no line of `edgerund demo --plain` on stdin")
    Path(sys.argv[1]).write_text(draw(moments, swaps), encoding="utf-8")


if __name__ == "__main__":
    main()
