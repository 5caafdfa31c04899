"""The files that a variant stands for: its own, and those of the members that a cascade names."""

from __future__ import annotations

import json
from pathlib import Path

CASCADE = "cascade"
"""The backend whose variants have members, and whose time depends on the frame."""
_SUFFIX = ".cascade"
_MAX_BYTES = 1024 * 1024


def files_of(path: Path) -> tuple[Path, ...]:
    """The variant's file first, then each member's that is there, once.

    What is wrong in a ``.cascade`` is told by who loads it: here it has no members.
    """
    if path.suffix != _SUFFIX:
        return (path,)
    try:
        if path.stat().st_size > _MAX_BYTES:
            return (path,)
        told = json.loads(path.read_bytes())
        members = [path.parent / member["file"] for member in told["members"]]
        return (path, *dict.fromkeys(member for member in members if member.is_file()))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return (path,)


def size_of(path: Path) -> int:
    """Bytes of all of them: what a variant takes on the disk. Raises OSError."""
    return sum(file.stat().st_size for file in files_of(path))
