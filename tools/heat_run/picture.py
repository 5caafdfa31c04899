"""The picture of a run: both boards' temperature (or charge) and the limit over time, and which variant answered."""

from __future__ import annotations

from html import escape
from typing import Any

LEFT, TOP, WIDTH, HEIGHT = 64, 62, 750, 230
STRIP, GAP = 22, 8
INK, GREY, LIMIT = "#24292f", "#57606a", "#c0392b"
LINES = ("#1f6f54", "#c0392b")
VARIANTS = (
    "#9a6fb0",
    "#6f9bd1",
    "#8fbf9b",
    "#e0c46c",
    "#c9c9c9",
    "#d98c7a",
    "#7a8b99",
    "#f2b5d4",
    "#b7d968",
    "#a67c52",
)
MARGIN = 150
SUN, LOST = "#fff3d1", "#eceff2"


class Picture:
    """Collects SVG elements. Time runs over the width, values over the height."""

    def __init__(self, end_s: float, low: float, high: float) -> None:
        self.parts: list[str] = []
        self._end_s, self._low, self._high = end_s, low, high

    def x(self, at_s: float) -> float:
        return LEFT + WIDTH * min(1.0, max(0.0, at_s / self._end_s))

    def y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return TOP + HEIGHT * (1.0 - min(1.0, max(0.0, share)))

    def text(self, x: float, y: float, words: str, style: str = "") -> None:
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(words)}</text>')

    def rect(self, from_s: float, to_s: float, y: float, height: float, colour: str) -> None:
        x, width = self.x(from_s), max(0.0, self.x(to_s) - self.x(from_s))
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'
        )

    def line(self, points: list[tuple[float, float]], colour: str, style: str = "") -> None:
        path = " ".join(f"{self.x(at_s):.1f},{self.y(value):.1f}" for at_s, value in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" {style}/>'
        )


def draw(run: dict[str, Any]) -> str:
    """SVG of what ``--json`` keeps."""
    traces: dict[str, Any] = run["traces"]
    key, unit, limit, name = "temp_c", "°C", run["story"]["limit_c"], "limit"
    if run["reserve_percent"] is not None:
        key, unit, limit, name = "percent", "%", run["reserve_percent"], "reserve"
    series = [[(r["at_s"], r[key]) for r in t["board"]["rows"]] for t in traces.values()]
    values = [v for s in series for _, v in s] + [limit]
    low, high = 10 * (min(values) // 10), 10 * (max(values) // 10 + 1)
    end_s = max(at_s for s in series for at_s, _ in s)
    picture = Picture(end_s, low, high)
    _spans(picture, run["story"])
    _axes(picture, int(low), int(high), unit, end_s)
    picture.line([(0.0, limit), (end_s, limit)], LIMIT, 'stroke-dasharray="6 4"')
    picture.text(LEFT + 6, picture.y(limit) - 6, f"{name} {limit:g} {unit}", f'fill="{LIMIT}"')
    for points, colour, arm in zip(series, LINES, traces, strict=True):
        picture.line(points, colour)
        at = f'fill="{colour}" font-weight="600"'
        picture.text(LEFT + WIDTH + 8, picture.y(points[-1][1]) + 4, arm, at)
    height = _strips(picture, run, end_s)
    return _page(picture, run, key, height)


def _axes(picture: Picture, low: int, high: int, unit: str, end_s: float) -> None:
    for value in range(low, high + 1, 10):
        y = picture.y(value)
        picture.parts.append(
            f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>'
        )
        picture.text(LEFT - 8, y + 4, f"{value} {unit}", f'text-anchor="end" fill="{GREY}"')
    step_s = next(s for s in (5, 10, 20, 60, 120, 300, 600, 1800, 7200) if end_s / s <= 12)
    for n in range(int(end_s / step_s) + 1):
        words = f"{n * step_s} s" if step_s < 60 else f"{n * step_s // 60} min"
        at = f'text-anchor="middle" fill="{GREY}"'
        picture.text(picture.x(n * step_s), TOP + HEIGHT + 18, words, at)


def _spans(picture: Picture, story: dict[str, Any]) -> None:
    spans = [
        (f["at_s"], f["at_s"] + f["for_s"], LOST, f"zone {f['kind']}") for f in story["faults"]
    ]
    if story["sun"] is not None:
        spans.append((story["sun"][0], story["sun"][1], SUN, "sun on the case"))
    for from_s, to_s, colour, words in spans:
        picture.rect(from_s, to_s, TOP, HEIGHT, colour)
        middle = (picture.x(from_s) + picture.x(to_s)) / 2
        style = f'text-anchor="middle" font-style="italic" fill="{GREY}"'
        picture.text(middle, TOP + HEIGHT - 8, words, style)


def _strips(picture: Picture, run: dict[str, Any], end_s: float) -> float:
    """Which variant answered, one strip per arm, and the legend; returns the height of it all."""
    colours = dict(zip(run["variants"], VARIANTS * len(run["variants"]), strict=False))
    y = TOP + HEIGHT + 34.0
    for (arm, trace), colour in zip(run["traces"].items(), LINES, strict=True):
        turns = [(0.0, trace["first"]), *((s["at_s"], s["to"]) for s in trace["swaps"])]
        ends = [at_s for at_s, _ in turns[1:]] + [run["figures"][arm]["empty_s"] or end_s]
        for (from_s, variant), to_s in zip(turns, ends, strict=True):
            picture.rect(from_s, to_s, y, STRIP, colours.get(variant, "#ffffff"))
        at = f'fill="{colour}" font-weight="600"'
        picture.text(LEFT + WIDTH + 8, y + STRIP / 2 + 5, arm, at)
        y += STRIP + GAP
    x = float(LEFT)
    for variant, colour in colours.items():
        wide = 42.0 + 8 * len(variant)
        if x + wide > LEFT + WIDTH + MARGIN:
            x, y = float(LEFT), y + 24
        picture.parts.append(
            f'<rect x="{x:.0f}" y="{y + 4:.0f}" width="14" height="14" fill="{colour}"/>'
        )
        picture.text(x + 20, y + 16, variant)
        x += wide
    return y + 34


def _page(picture: Picture, run: dict[str, Any], key: str, height: float) -> str:
    first, second = run["figures"].values()
    what = "temperature" if key == "temp_c" else "battery"
    title = f"A real run under real load: {what}, and which variant answered"
    kept = (
        f"{run['fps']:.0f} frames a second to each of two daemons; "
        f"lost {first['lost']} of {first['sent']} and {second['lost']} of {second['sent']}; "
        f"accuracy {100 * first['accuracy']:.2f} % and {100 * second['accuracy']:.2f} %"
    )
    width = LEFT + WIDTH + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">',
            f'<rect width="{width}" height="{height:.0f}" rx="8" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
            f'<text x="{LEFT}" y="46" fill="{GREY}">{escape(kept)}</text>',
            *picture.parts,
            "</svg>",
            "",
        ]
    )
