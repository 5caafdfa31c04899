"""A report as Markdown: the same sections and tables, with the drawings as files beside it."""

from __future__ import annotations

from collections.abc import Sequence

from edgerund.build.report.content import Details, Part, Picture, Section, Table, Tile


def text(
    title: str,
    about: str,
    tiles: Sequence[Tile],
    sections: Sequence[Section],
    pictures: str | None,
) -> str:
    """The whole text. ``pictures`` is the folder with the drawings, relative to it; None leaves them out."""
    parts = [f"# {title}", about]
    parts.append(" · ".join(f"**{_cell(t.value)}** {_cell(t.text)}" for t in tiles))
    for section in sections:
        parts.append(f"## {section.title}")
        if section.listed:
            parts.append("\n".join(f"- {line}" for line in section.lines))
        else:
            parts += section.lines
        parts += [shown for p in section.parts if (shown := _part(p, pictures))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(part: Part, pictures: str | None) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Picture):
        return f"![{part.text}]({pictures}/{part.name}.svg)" if pictures else ""
    return _details(part)


def _details(part: Details) -> str:
    lines = [f"### {part.title}", "\n".join(f"- {line}" for line in part.lines)]
    if part.table is not None:
        lines.append(_table(part.table))
    return "\n\n".join(line for line in lines if line)


def _table(table: Table) -> str:
    rules = ["---" if i in table.text_columns else "---:" for i in range(len(table.head))]
    rows = [table.head, rules, *table.rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
