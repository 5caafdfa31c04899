"""Log lines on stderr: with syslog priorities under systemd, with a time elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TextIO

PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class JournalFormatter(logging.Formatter):
    """``<6>text``: journald takes the priority off (sd-daemon(3)). Each further line gets its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        prefix = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).split("\n"))


def set_up_logging(stream: TextIO, environ: Mapping[str, str], level: int = logging.INFO) -> None:
    """Send the project's log to ``stream``."""
    handler = logging.StreamHandler(stream)
    if environ.get("JOURNAL_STREAM"):
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    root = logging.getLogger("edgerund")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
