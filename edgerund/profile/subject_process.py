"""The process of one variant: answers one request at a time, whatever becomes of it, until nobody asks any more."""

from __future__ import annotations

import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from edgerund.errors import EdgerundError
from edgerund.profile.subject_work import Work
from edgerund.types import LadderPlan, VariantPlan


def serve(
    answers: Connection, ladder: LadderPlan, variant: VariantPlan, threads: int, cpus: Sequence[int]
) -> None:
    """The process: answer ``(name of a request, its arguments)`` until the other end is closed."""
    # libraries print what they like; what matters goes over the pipe
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if cpus:
        os.sched_setaffinity(0, cpus)
    work = Work(ladder, variant, threads)
    while True:
        try:
            name, arguments = answers.recv()
        except (EOFError, KeyboardInterrupt):
            return
        told: tuple[bool, Any]
        try:
            told = True, getattr(work, name)(*arguments)
        except EdgerundError as e:
            told = False, str(e)
        except MemoryError:
            told = False, "cannot use it: out of memory"
        except Exception as e:  # noqa: BLE001 - outermost of this process: a plug-in's own mistake is a finding
            told = False, f"cannot use it: {type(e).__name__}: {e}"
        try:
            answers.send(told)
        except (BrokenPipeError, ConnectionResetError):
            return
