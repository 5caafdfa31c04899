"""The command line: every command is a client of the daemon or of one room."""

from __future__ import annotations


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    raise NotImplementedError
