"""Writing into a ladder's folder: its cards, and ``ladder.yaml`` without the variants that nobody needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgerund.config.ladder import LadderReading, read_ladder
from edgerund.config.source import Document, parse_yaml, read_yaml
from edgerund.errors import UsageError
from edgerund.profile.cards import card_of, replace_text, write_card
from edgerund.profile.figures import Measured


def write_cards(reading: LadderReading, measured: Measured) -> list[str]:
    """Write the card of every variant that was measured; what was not measured stays in it.

    Returns:
        One sentence per variant.

    Raises:
        OSError: a file cannot be written.
    """
    assert reading.plan is not None
    written = {v["name"]: v for v in read_yaml(reading.file).data["variants"]}
    told = []
    for plan, card in zip(reading.plan.variants, reading.cards, strict=True):
        figures = next((f for f in measured.figures if f.name == plan.name), None)
        if figures is None:
            continue
        place = written[plan.name].get("card")
        if figures.latency is None:
            told.append(f"{plan.name}: its card stays as it was: {figures.failed}")
        elif isinstance(place, str):
            write_card(reading.file.parent / place, card_of(figures, measured, card))
            told.append(f"{plan.name}: wrote {place}")
        else:
            usual = f"cards/{plan.name}.yaml"
            write_card(reading.file.parent / usual, card_of(figures, measured, card))
            told.append(
                f"{plan.name}: wrote {usual}; add to the variant in ladder.yaml:  card: {usual}"
            )
    return told


def drop_variants(file: Path, names: Sequence[str]) -> None:
    """Take variants out of a ``ladder.yaml``; everything else in it, comments too, stays as it is.

    Raises:
        UsageError: its list of variants is not written one item per line, or nothing would be left.
    """
    document = read_yaml(file)
    text = file.read_text(encoding="utf-8")
    wanted = [v for v in document.data["variants"] if v["name"] not in names]
    if not wanted:
        raise UsageError(f"cannot drop every variant of {file}")
    fresh = _without(text, document, names)
    if parse_yaml(fresh, str(file)).data != {**document.data, "variants": wanted}:
        raise UsageError(f"cannot drop {', '.join(names)} from {file}: remove them by hand")
    replace_text(file, fresh)
    left = read_ladder(file)
    if left.plan is None:
        replace_text(file, text)
        raise UsageError(f"cannot drop {', '.join(names)} from {file}: {left.problems[0]}")


def _without(text: str, document: Document, names: Sequence[str]) -> str:
    lines = text.splitlines(keepends=True)
    variants: list[Any] = document.data["variants"]
    starts = [document.lines[("variants", i)] - 1 for i in range(len(variants))]
    gone: set[int] = set()
    for i, variant in enumerate(variants):
        if variant["name"] in names:
            gone |= set(range(starts[i], _end(lines, starts[i])))
    return "".join(line for i, line in enumerate(lines) if i not in gone)


def _end(lines: Sequence[str], start: int) -> int:
    """The line after an item of a list: it goes on as long as lines are indented deeper than its dash."""
    dash = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines):
        line = lines[end]
        if line.strip() and len(line) - len(line.lstrip()) <= dash:
            break
        end += 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return end
