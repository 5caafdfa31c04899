"""The names of the sockets in the runtime folder: what the daemon makes, and where everybody looks."""

from __future__ import annotations

from pathlib import Path

SYSTEM_DIR = Path("/run/edgerund")
SUFFIX = ".sock"
CONTROL_SOCKET = "control" + SUFFIX
WATCH_SOCKET = "watch" + SUFFIX
RESERVED = (CONTROL_SOCKET, WATCH_SOCKET)
"""Sockets that are no ladder's."""


def ladder_socket(folder: Path, ladder: str) -> Path:
    """Where one ladder listens."""
    return folder / (ladder + SUFFIX)
