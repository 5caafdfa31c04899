"""Wait for a condition with a deadline; tests never sleep to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], within_s: float = 30.0, what: str = "condition") -> T:
    """The first true value of ``condition()``; AssertionError after ``within_s``."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{what} did not come true within {within_s} s; last value {value!r}"
            )
        time.sleep(0.005)
