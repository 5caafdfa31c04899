"""A report as one HTML file: nothing is fetched, light and dark, readable on a telephone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from edgerund.build.report.content import Details, Part, Picture, Section, Table, Tile
from edgerund.build.report.style import STYLE

_CODE = re.compile(r"`([^`]+)`")


def page(title: str, about: str, tiles: Sequence[Tile], sections: Sequence[Section]) -> str:
    """The whole page."""
    boxes = "".join(
        f'<div class="tile"><b>{html.escape(t.value)}</b><span>{html.escape(t.text)}</span></div>'
        for t in tiles
    )
    links = "".join(f'<a href="#s{i}">{html.escape(s.title)}</a>' for i, s in enumerate(sections))
    body = "\n".join(_section(i, s) for i, s in enumerate(sections))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f"<title>{html.escape(title)}</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1"/>'
        f"<style>{STYLE}</style></head>\n<body><main>"
        f"<header><h1>{html.escape(title)}</h1><p>{html.escape(about)}</p></header>"
        f'<div class="tiles">{boxes}</div><nav>{links}</nav>\n{body}\n'
        "</main></body></html>\n"
    )


def _section(number: int, section: Section) -> str:
    lines = "".join(f"<{_tag(section)}>{words(line)}</{_tag(section)}>" for line in section.lines)
    if section.listed and lines:
        lines = f"<ul>{lines}</ul>"
    pictures = [p for p in section.parts if isinstance(p, Picture)]
    others = [p for p in section.parts if not isinstance(p, Picture)]
    drawn = "".join(_picture(p) for p in pictures)
    if len(pictures) > 1:
        drawn = f'<div class="pictures">{drawn}</div>'
    rest = "".join(_part(p) for p in others)
    return f'<section id="s{number}"><h2>{html.escape(section.title)}</h2>{lines}{drawn}{rest}</section>'


def _tag(section: Section) -> str:
    return "li" if section.listed else "p"


def words(line: str) -> str:
    """Escaped, with `names` as code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(line))


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Details):
        lines = "".join(f"<li>{words(line)}</li>" for line in part.lines)
        listed = f"<ul>{lines}</ul>" if lines else ""
        table = _table(part.table) if part.table else ""
        return f"<details><summary>{html.escape(part.title)}</summary>{listed}{table}</details>"
    return _picture(part)


def _picture(picture: Picture) -> str:
    caption = picture.text[:1].upper() + picture.text[1:]
    return f"<figure>{picture.svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _table(table: Table) -> str:
    kinds = ["w" if i in table.text_columns else "n" for i in range(len(table.head))]
    head = "".join(
        f'<th class="{kind}" scope="col">{html.escape(cell)}</th>'
        for kind, cell in zip(kinds, table.head, strict=True)
    )
    rows = []
    for i, row in enumerate(table.rows):
        mark = table.marks[i] if i < len(table.marks) else ""
        cells = "".join(
            f'<td class="{kind}">{words(cell)}</td>' for kind, cell in zip(kinds, row, strict=True)
        )
        rows.append(f'<tr class="{mark}">{cells}</tr>' if mark else f"<tr>{cells}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )
