"""What the settings say of one worker. Light: the supervisor imports it without the rest of the room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """``threads`` per inference; ``bound`` False: take connections only after ``Open``."""

    threads: int = 1
    max_queue: int = 64
    cache_dir: Path | None = None
    bound: bool = True
