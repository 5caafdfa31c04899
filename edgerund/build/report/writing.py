"""Writes a report into a folder: the page, its Markdown twin, and the drawings as files where they are wanted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerund.build.report import html_page, markdown
from edgerund.build.report.content import Picture, Section
from edgerund.build.report.model import Build
from edgerund.build.report.sections import sections, tiles
from edgerund.build.report.style import DRAWING
from edgerund.build.report.words import when

PICTURES = "report"


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written. ``pictures`` is empty where none were wanted."""

    html: Path
    markdown: Path
    pictures: tuple[Path, ...] = ()


def write_report(build: Build, folder: Path, *, pictures: bool = False) -> ReportFiles:
    """Write ``report.html`` (complete in itself) and ``report.md`` into ``folder``.

    Args:
        build: everything there is to say.
        folder: made if it is missing.
        pictures: also ``report/*.svg``, which the Markdown then shows.

    Raises:
        OSError: a file cannot be written.
    """
    found, heads = sections(build), tiles(build)
    title, about = f"Ladder {build.name}", _about(build)
    folder.mkdir(parents=True, exist_ok=True)
    page, text = folder / "report.html", folder / "report.md"
    drawn = _write_pictures(found, folder / PICTURES) if pictures else ()
    shown = PICTURES if pictures else None
    _write(page, html_page.page(title, about, heads, found))
    _write(text, markdown.text(title, about, heads, found, shown))
    return ReportFiles(page, text, drawn)


def _about(build: Build) -> str:
    parts = [
        f"Task {build.task}",
        f"measured on {build.device}" if build.device else "",
        when(build.made_at),
    ]
    return ", ".join(part for part in parts if part)


def _write_pictures(found: Sequence[Section], folder: Path) -> tuple[Path, ...]:
    folder.mkdir(exist_ok=True)
    files = []
    for picture in (p for s in found for p in s.parts if isinstance(p, Picture)):
        file = folder / f"{picture.name}.svg"
        # on its own a drawing has no page behind it
        start = picture.svg.index(">") + 1
        alone = f"<style>{DRAWING}svg{{background:#fff}}</style>"
        _write(file, picture.svg[:start] + alone + picture.svg[start:])
        files.append(file)
    return tuple(files)


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, file)  # noqa: PTH105 - a reader sees the old page or the new one
