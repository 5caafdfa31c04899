"""Reads flight recordings back, skipping what a power cut or a bad sector left unreadable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgerund.observe.codec import SCHEMA, Decoder
from edgerund.observe.recorder import FORMAT
from edgerund.types import Decision, Snapshot

LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One tick."""

    snapshot: Snapshot
    decisions: Mapping[str, Decision]


class RecordReader:
    """Iterates over the ticks of one file. ``skipped`` counts lines that could not be read; ``heads`` are the heads.

    Raises:
        OSError: as it opens.
        ValueError: the file is no recording, or one of a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.skipped = 0
        self.heads: list[dict[str, Any]] = []
        self._path = path
        with path.open("rb") as f:
            first = f.readline(LONGEST_LINE)
        self._head(_parsed(first))
        self.heads.clear()

    def __iter__(self) -> Iterator[Record]:
        decoder = Decoder(SCHEMA)
        table: list[Any] = []
        with self._path.open("rb") as f:
            while line := f.readline(LONGEST_LINE):
                data = _parsed(line)
                if "edgerund_record" in data:
                    table = []
                    decoder = Decoder(self._head(data), table)
                    continue
                try:
                    table += data.get("new", [])
                    snapshot = decoder.decode(Snapshot, data["s"])
                    decisions = decoder.decode(Mapping[str, Decision], data["d"])
                except (ValueError, KeyError, TypeError):
                    self.skipped += bool(line.strip())
                    continue
                yield Record(snapshot, decisions)

    def _head(self, data: dict[str, Any]) -> dict[str, list[str]]:
        version, names = data.get("edgerund_record"), data.get("fields")
        if not isinstance(version, int) or not isinstance(names, dict):
            raise ValueError(f"cannot replay {self._path}: it is no recording of edgerund")
        if version > FORMAT:
            raise ValueError(f"cannot replay {self._path}: format {version} is newer than {FORMAT}")
        self.heads.append(data)
        return names


def _parsed(line: bytes) -> dict[str, Any]:
    """One line as an object; empty for what is none."""
    try:
        data = json.loads(line)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
