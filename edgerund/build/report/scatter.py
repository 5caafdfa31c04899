"""Accuracy against a cost, as SVG: variants, what was left out, the front; labels keep clear of each other."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgerund.build.report.content import Mark

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 580, 410, 56, 20, 26, 50
_CHAR_PX, _LINE_PX, _DOT_PX = 6.7, 14, 6
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Point:
    """One candidate: what it costs (above 0), how good it is (0..1), how it is drawn, and what the tip says."""

    label: str
    cost: float
    quality: float
    mark: Mark = ""
    tip: str = ""


def scatter(points: Sequence[Point], cost_title: str, quality_title: str) -> str:
    """The drawing. Cost runs on a logarithmic axis where it spans more than a factor of four."""
    axes = _Axes(points)
    parts = [axes.frame(cost_title, quality_title), axes.front(points)]
    taken: list[Box] = [axes.dot(p) for p in points]
    order = {"chosen": 0, "baseline": 1, "": 2, "left": 2, "failed": 3}
    ranked = sorted(points, key=lambda p: (order[p.mark], -p.quality))
    labels = [_label(point, axes, taken) for point in ranked]
    parts += [_dot(p, axes) for p in sorted(points, key=lambda p: -order[p.mark])]
    return _svg([*parts, *labels], f"{quality_title} against {cost_title}")


class _Axes:
    """From figures to pixels."""

    def __init__(self, points: Sequence[Point]) -> None:
        costs = [p.cost for p in points]
        self.log = max(costs) / min(costs) > 4
        low, high = min(map(self._scaled, costs)), max(map(self._scaled, costs))
        pad = 0.07 * (high - low) or max(abs(high) * 0.05, 0.05)
        self.low, self.high = low - pad, high + pad
        if not self.log:
            self.low = max(0.0, self.low)
        good = [p.quality for p in points]
        pad = 0.1 * (max(good) - min(good)) or 0.01
        self.bottom, self.top = max(0.0, min(good) - pad), min(1.0, max(good) + pad)
        if self.top <= self.bottom:
            self.bottom = self.top - 0.01

    def _scaled(self, cost: float) -> float:
        return math.log10(cost) if self.log else cost

    def x(self, cost: float) -> float:
        part = (self._scaled(cost) - self.low) / (self.high - self.low)
        return LEFT + (WIDTH - LEFT - RIGHT) * part

    def y(self, quality: float) -> float:
        part = (self.top - quality) / (self.top - self.bottom)
        return TOP + (HEIGHT - TOP - BOTTOM) * part

    def dot(self, point: Point) -> Box:
        x, y = self.x(point.cost), self.y(point.quality)
        return x - _DOT_PX, y - _DOT_PX, x + _DOT_PX, y + _DOT_PX

    def frame(self, cost_title: str, quality_title: str) -> str:
        parts = []
        for value in _ticks(self.bottom * 100, self.top * 100, 6):
            y = self.y(value / 100)
            parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick end" x="{LEFT - 8}" y="{y + 4:.1f}">{value:g} %</text>'
            )
        for value in self._cost_ticks():
            x = self.x(value)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
                f'<text class="tick mid" x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}">{value:g}</text>'
            )
        note = ", logarithmic" if self.log else ""
        parts.append(
            f'<text class="axis mid" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}">'
            f"{html.escape(cost_title + note)}</text>"
            f'<text class="axis" x="{LEFT}" y="14">{html.escape(quality_title)}</text>'
        )
        return "".join(parts)

    def _cost_ticks(self) -> list[float]:
        if not self.log:
            return _ticks(self.low, self.high, 6)
        steps = (1, 2, 5) if self.high - self.low < 2.2 else (1,)
        first, last = math.floor(self.low), math.ceil(self.high)
        every = [m * 10.0**e for e in range(first, last + 1) for m in steps]
        return [round(v, 12) for v in every if self.low <= math.log10(v) <= self.high]

    def front(self, points: Sequence[Point]) -> str:
        """Steps through what nothing beats in these two."""
        best = -math.inf
        corners: list[tuple[float, float]] = []
        usable = [p for p in points if p.mark != "failed"]
        for point in sorted(usable, key=lambda p: (p.cost, -p.quality)):
            if point.quality > best:
                best = point.quality
                corners.append((self.x(point.cost), self.y(point.quality)))
        path = ""
        for i, (x, y) in enumerate(corners):
            path += f"M{x:.1f} {y:.1f}" if i == 0 else f"H{x:.1f}V{y:.1f}"
        return f'<path class="front" d="{path}H{WIDTH - RIGHT}"/>' if corners else ""


def _dot(point: Point, axes: _Axes) -> str:
    x, y = axes.x(point.cost), axes.y(point.quality)
    tip = f"<title>{html.escape(point.tip or point.label)}</title>"
    kind = point.mark or "left"
    if kind == "failed":
        d = 5
        cross = f"M{x - d:.1f} {y - d:.1f}l{2 * d} {2 * d}m0 {-2 * d}l{-2 * d} {2 * d}"
        return f'<path class="cross" d="{cross}">{tip}</path>'
    if kind == "baseline":
        return f'<rect class="dot {kind}" x="{x - 5.5:.1f}" y="{y - 5.5:.1f}" width="11" height="11">{tip}</rect>'
    radius = 6.5 if kind == "chosen" else 5
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">{tip}</circle>'


def _label(point: Point, axes: _Axes, taken: list[Box]) -> str:
    """The text where it covers nothing, with a thread to its dot where it is far; nothing where there is no room."""
    x, y = axes.x(point.cost), axes.y(point.quality)
    wide = len(point.label) * (_CHAR_PX + (0.6 if point.mark in ("chosen", "baseline") else 0))
    for away in (10, 20, 34, 50, 70, 94, 120):
        for angle in (0, 180, -45, 45, -135, 135, -90, 90, -20, 20, 160, -160, 70, -70, 110, -110):
            dx, dy = away * math.cos(math.radians(angle)), away * math.sin(math.radians(angle))
            left = x + dx - (0 if abs(angle) < 80 else wide if abs(angle) > 100 else wide / 2)
            box = (left, y + dy - _LINE_PX / 2, left + wide, y + dy + _LINE_PX / 2)
            if _inside(box) and not any(_meet(box, other) for other in taken):
                taken.append(box)
                thread = ""
                if away > 20:
                    end = min(max(x, box[0]), box[2])
                    thread = f'<line class="thread" x1="{x:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{y + dy:.1f}"/>'
                return (
                    f'{thread}<text class="name {point.mark or "left"}" x="{box[0]:.1f}" y="{y + dy + 4:.1f}">'
                    f"{html.escape(point.label)}</text>"
                )
    return ""


def _inside(box: Box) -> bool:
    return (
        box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= TOP - 6 and box[3] <= HEIGHT - BOTTOM
    )


def _meet(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2] + 2
        and other[0] < one[2] + 2
        and one[1] < other[3] + 1
        and other[1] < one[3] + 1
    )


def _ticks(low: float, high: float, about: int) -> list[float]:
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next((m * unit for m in (1, 2, 2.5, 5) if m * unit >= rough), 10 * unit)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step) + 1)]


def _svg(parts: Sequence[str], text: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(text)}">{"".join(parts)}</svg>'
    )
