"""What the settings say of one worker. Light: the supervisor imports it without the rest of the room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """``threads`` per inference; ``bound`` False: take connections only after ``Open``.

    ``silence_s``: after so long without a word of the control loop the cheapest resident variant serves.
    """

    threads: int = 1
    max_queue: int = 64
    cache_dir: Path | None = None
    bound: bool = True
    silence_s: float = 3.0
