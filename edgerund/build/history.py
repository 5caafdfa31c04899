"""How long stages took before, for estimates: one line per stage made, beside the store."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any


class History:
    """A file of lines that only grows; a line that cannot be read is passed over."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._took: dict[tuple[str, str], list[float]] = {}
        for told in _lines(file):
            for about in ((told["recipe"], told["stage"]), ("", told["use"])):
                self._took.setdefault(about, []).append(float(told["took_s"]))

    def estimate_s(self, recipe: str, stage: str, use: str) -> float | None:
        """What this stage took last time, else the median of its technique; None where nobody knows."""
        own = self._took.get((recipe, stage))
        if own:
            return own[-1]
        others = self._took.get(("", use))
        return statistics.median(others) if others else None

    def add(self, recipe: str, stage: str, use: str, took_s: float) -> None:
        """Remember one stage that was made."""
        told = {"recipe": recipe, "stage": stage, "use": use, "took_s": round(took_s, 2)}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")


def _lines(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and {"recipe", "stage", "use", "took_s"} <= set(told):
            found.append(told)
    return found
