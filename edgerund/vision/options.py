"""Reads the options of an output plan: a wrong name or value is an EngineError in one sentence, never ignored."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from edgerund.errors import EngineError


def check_names(decoder: str, options: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises EngineError for an option that nobody reads."""
    for name in options:
        if name not in known:
            raise EngineError(
                f"cannot use option {name!r} with decoder {decoder!r}: known are {', '.join(sorted(known))}"
            )


def number(options: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    """A number from ``low`` to ``high``."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        limits = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
        raise EngineError(f"cannot use {name}: {value!r}; write a number {limits}")
    return float(value)


def whole(options: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise EngineError(
            f"cannot use {name}: {value!r}; write a whole number from {low} to {high}"
        )
    return value


def flag(options: Mapping[str, Any], name: str, default: bool) -> bool:
    """True or false."""
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise EngineError(f"cannot use {name}: {value!r}; write true or false")
    return value


def word(options: Mapping[str, Any], name: str, default: str, choices: Collection[str]) -> str:
    """One of a few words."""
    value = options.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise EngineError(f"cannot use {name}: {value!r}; write one of {', '.join(choices)}")
    return value


def words(options: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """The words of ``default`` in an order of one's own."""
    value = options.get(name, default)
    if not isinstance(value, (tuple, list)) or sorted(map(str, value)) != sorted(default):
        raise EngineError(
            f"cannot use {name}: {value!r}; write {', '.join(default)} in the order of the outputs"
        )
    return tuple(str(v) for v in value)


def wholes(options: Mapping[str, Any], name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers above 0, at least one."""
    value = options.get(name, default)
    if (
        not isinstance(value, (tuple, list))
        or not value
        or not all(type(v) in (int, float) and v > 0 and v % 1 == 0 for v in value)
    ):
        raise EngineError(
            f"cannot use {name}: {value!r}; write whole numbers such as {list(default)}"
        )
    return tuple(int(v) for v in value)
