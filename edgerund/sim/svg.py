"""Small SVG line charts as text: no library, nothing fetched."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1100, 170, 92, 22, 26, 20
MAX_POINTS = 900


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``values`` has one entry per time; None breaks it. ``style`` is a CSS class of the page."""

    label: str
    style: str
    values: Sequence[float | None]


def chart(title: str, unit: str, times_s: Sequence[float], lines: Sequence[Line]) -> str:
    """A chart with a shared time axis."""
    low, high = _range([v for line in lines for v in line.values if v is not None])
    end_s = _end_s(times_s)
    parts = [_frame(title, unit, lines, low, high, end_s)]
    for line in lines:
        points = _thin(times_s, line.values)
        path = _path(points, low, high, end_s)
        parts.append(f'<path class="line {line.style}" d="{path}"/>')
    return _svg(parts, HEIGHT)


def steps(title: str, names: Sequence[str], times_s: Sequence[float], chosen: Sequence[str]) -> str:
    """A chart of named levels (best on top) with one rectangle per stretch; ``data-i`` is its first index."""
    row_px = 22
    height = TOP + row_px * len(names) + BOTTOM
    end_s = _end_s(times_s)
    parts = [f'<text class="title" x="{LEFT}" y="16">{html.escape(title)}</text>']
    for i, name in enumerate(names):
        y = TOP + row_px * i
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y + 11}" y2="{y + 11}"/>'
        )
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 15}">{html.escape(name)}</text>')
    start = 0
    for i in range(1, len(chosen) + 1):
        if i < len(chosen) and chosen[i] == chosen[start]:
            continue
        until_s = times_s[i] if i < len(chosen) else end_s
        if chosen[start] in names:
            x1, x2 = _x(times_s[start], end_s), _x(until_s, end_s)
            y = TOP + row_px * names.index(chosen[start]) + 4
            parts.append(
                f'<rect class="run" x="{x1:.1f}" y="{y}" width="{max(1.0, x2 - x1):.1f}" height="14"/>'
            )
        start = i
    parts.append(_time_axis(end_s, height))
    return _svg(parts, height)


def _end_s(times_s: Sequence[float]) -> float:
    """The end of the last tick."""
    return 2 * times_s[-1] - times_s[-2] if len(times_s) > 1 else 1.0


def _svg(parts: Sequence[str], height: int) -> str:
    cursor = f'<line class="cursor" x1="-9" x2="-9" y1="{TOP}" y2="{height - BOTTOM}"/>'
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">' + "".join(parts) + cursor + "</svg>"


def _frame(
    title: str, unit: str, lines: Sequence[Line], low: float, high: float, end_s: float
) -> str:
    parts = [
        f'<text class="title" x="{LEFT}" y="16">{html.escape(title)}'
        f'<tspan class="unit"> {html.escape(unit)}</tspan></text>'
    ]
    x = WIDTH - RIGHT
    for line in reversed(lines):
        x -= 7 * len(line.label) + 34
        parts.append(
            f'<path class="line {line.style}" d="M{x} 12h18"/>'
            f'<text class="key" x="{x + 22}" y="16">{html.escape(line.label)}</text>'
        )
    for value in _ticks(low, high):
        y = _y(value, low, high)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>'
        )
    parts.append(_time_axis(end_s, HEIGHT))
    return "".join(parts)


def _time_axis(end_s: float, height: int) -> str:
    minutes = end_s / 60
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 360, 1440) if minutes / s <= 12), 1440.0)
    parts = []
    for i in range(int(minutes / step) + 1):
        x = _x(i * step * 60, end_s)
        parts.append(f'<text class="time" x="{x:.1f}" y="{height - 5}">{i * step:g} min</text>')
    return "".join(parts)


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    pad = 0.06 * (high - low) or max(1e-6, abs(high) * 0.05)
    return (max(0.0, low - pad) if low >= 0 else low - pad), high + pad


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next((m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= rough), 10 * unit)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, int(high / step) + 1)]


def _thin(
    times_s: Sequence[float], values: Sequence[float | None]
) -> list[tuple[float, float | None]]:
    """At most ``MAX_POINTS`` pairs; each bucket keeps its smallest and its largest value."""
    size = max(1, math.ceil(2 * len(times_s) / MAX_POINTS))
    if size <= 2:
        return list(zip(times_s, values, strict=True))
    kept: list[tuple[float, float | None]] = []
    for start in range(0, len(times_s), size):
        bucket = list(zip(times_s[start : start + size], values[start : start + size], strict=True))
        known = [p for p in bucket if p[1] is not None]
        if len(known) < len(bucket):
            kept.append((bucket[0][0], None))
        if known:
            kept.extend(sorted({min(known, key=_value), max(known, key=_value)}))
    return kept


def _value(point: tuple[float, float | None]) -> float:
    return point[1] if point[1] is not None else 0.0


def _path(
    points: Sequence[tuple[float, float | None]], low: float, high: float, end_s: float
) -> str:
    parts, pen = [], "M"
    for t_s, value in points:
        if value is None or not math.isfinite(value):
            pen = "M"
            continue
        parts.append(f"{pen}{_x(t_s, end_s):.1f} {_y(value, low, high):.1f}")
        pen = "L"
    return "".join(parts)


def _x(t_s: float, end_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * t_s / end_s


def _y(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)
