"""Bars and heat maps as SVG: what each layer bears, and what each corruption leaves."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

_ROW_PX, _CELL_PX, _CHAR_PX = 22, 58, 6.7
WIDTH = 760


def bars(title: str, rows: Sequence[tuple[str, float, str, bool]]) -> str:
    """Horizontal bars: (name, length 0 or more, figure as text, whether it stands out)."""
    left = min(300.0, 14 + _CHAR_PX * max(len(name) for name, _, _, _ in rows))
    most = max(length for _, length, _, _ in rows) or 1.0
    room = WIDTH - left - 90
    parts = []
    for i, (name, length, text, marked) in enumerate(rows):
        y = 6 + _ROW_PX * i
        wide = max(1.5, room * length / most)
        parts.append(
            f'<text class="tick end" x="{left - 8:.1f}" y="{y + 14}">{html.escape(_short(name, left))}</text>'
            f'<rect class="bar{" marked" if marked else ""}" x="{left:.1f}" y="{y + 3}" width="{wide:.1f}" '
            f'height="{_ROW_PX - 7}" rx="2"><title>{html.escape(name)}</title></rect>'
            f'<text class="tick" x="{left + wide + 6:.1f}" y="{y + 14}">{html.escape(text)}</text>'
        )
    return _svg(parts, WIDTH, 12 + _ROW_PX * len(rows), title)


def heat_map(
    title: str,
    rows: Sequence[tuple[str, float | None, Mapping[str, float]]],
    columns: Sequence[str],
) -> str:
    """Accuracy of each variant (name, clean, by column) under each corruption: the darker, the more is left."""
    left = 14 + _CHAR_PX * max(len(name) for name, _, _ in rows)
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(column.rpartition(" ")[0], []).append(column)
    parts = [f'<text class="tick mid" x="{left + _CELL_PX / 2:.1f}" y="34">clean</text>']
    x = left + _CELL_PX + 10
    places: dict[str, float] = {}
    for kind, members in groups.items():
        centre = x + _CELL_PX * len(members) / 2
        parts.append(f'<text class="axis mid" x="{centre:.1f}" y="15">{html.escape(kind)}</text>')
        for member in members:
            places[member] = x
            severity = html.escape(member.rpartition(" ")[2])
            parts.append(
                f'<text class="tick mid" x="{x + _CELL_PX / 2:.1f}" y="34">{severity}</text>'
            )
            x += _CELL_PX
        x += 10
    for i, (name, clean, values) in enumerate(rows):
        y = 42 + 30 * i
        parts.append(
            f'<text class="name end" x="{left - 8:.1f}" y="{y + 19}">{html.escape(name)}</text>'
        )
        if clean is not None:
            parts.append(_cell(left, y, clean, name, "clean"))
        parts += [_cell(places[c], y, values[c], name, c) for c in columns if c in values]
    return _svg(parts, max(x, 320), 50 + 30 * len(rows), title)


def _cell(x: float, y: float, value: float, name: str, column: str) -> str:
    strength = 0.06 + 0.86 * value**2
    tip = html.escape(f"{name}, {column}: {100 * value:.2f} %")
    light = " strong" if strength > 0.5 else ""
    return (
        f'<rect class="cell-fill" x="{x + 1:.1f}" y="{y}" width="{_CELL_PX - 2}" height="28" rx="3" '
        f'fill-opacity="{strength:.2f}"><title>{tip}</title></rect>'
        f'<text class="cell-text mid{light}" x="{x + _CELL_PX / 2:.1f}" y="{y + 18}">{100 * value:.1f}</text>'
    )


def _short(name: str, left: float) -> str:
    most = int((left - 14) / _CHAR_PX)
    return name if len(name) <= most else "…" + name[-(most - 1) :]


def _svg(parts: Sequence[str], width: float, height: float, text: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{html.escape(text)}">{"".join(parts)}</svg>'
    )
