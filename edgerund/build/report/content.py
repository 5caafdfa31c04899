"""What a report consists of, whatever it is written as: sections with sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Mark: TypeAlias = Literal["", "chosen", "baseline", "left", "failed"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells as text; ``marks`` has one entry per row. The first column names the row.

    ``text_columns`` are those that hold words rather than figures.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: Sequence[Mark] = ()
    text_columns: frozenset[int] = frozenset((0,))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: ``svg`` without style of its own, ``name`` for a file, ``text`` for whoever cannot see it."""

    name: str
    text: str
    svg: str


@dataclass(frozen=True, slots=True)
class Details:
    """A part that is folded until somebody wants it."""

    title: str
    lines: Sequence[str]
    table: Table | None = None


Part: TypeAlias = Table | Picture | Details


@dataclass(frozen=True, slots=True)
class Section:
    """One heading with what stands below it: ``lines`` (a list if ``listed``), then ``parts``."""

    title: str
    lines: Sequence[str] = ()
    parts: Sequence[Part] = field(default_factory=tuple)
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that everybody should see, and what it is."""

    value: str
    text: str
