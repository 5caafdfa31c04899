"""Fixture boards: one folder each, made by ``tools/capture_board.py`` or written after the documentation.

``tree.txt`` is the board, ``next.txt`` what has changed two seconds later, ``expected.json`` what must be found
then: ``senses`` name -> [value, unit, source], ``no_data`` name -> reason. ``vehicle.json`` lists MAVLink messages.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tools.capture_board import parse, unpack

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    return sorted(p.parent.name for p in HERE.glob("*/tree.txt"))


class BoardFixture:
    """One board, unpacked below ``root``."""

    def __init__(self, name: str, root: Path) -> None:
        self.folder, self.root = HERE / name, root
        self._held = unpack(parse((self.folder / "tree.txt").read_text("utf-8")), root)

    def two_seconds_later(self) -> None:
        for name, entry in parse((self.folder / "next.txt").read_text("utf-8")).items():
            (self.root / name.lstrip("/")).write_text(entry[2:] + "\n", "utf-8")

    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "expected.json").read_text("utf-8"))
        return found

    def vehicle(self) -> list[dict[str, Any]]:
        path = self.folder / "vehicle.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else []

    def close(self) -> None:
        for fd in self._held:
            os.close(fd)
