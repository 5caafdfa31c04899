"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Sequence

NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


def share(value: float | None, digits: int = 2) -> str:
    """0.9312 as 93.12 %."""
    return NONE if value is None else f"{100 * value:.{digits}f}{SPACE}%"


def points(value: float | None) -> str:
    """A difference of shares, in points: +0.12."""
    if value is None:
        return NONE
    return "±0.00" if abs(value) < 5e-5 else f"{100 * value:+.2f}".replace("-", MINUS)


def milliseconds(value: float | None) -> str:
    """Three figures, never an exponent."""
    if value is None:
        return NONE
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def size(count: float | None) -> str:
    """Bytes in kB or MB of a thousand."""
    if count is None:
        return NONE
    if count >= 99_950:
        return f"{count / 1e6:.2f}{SPACE}MB"
    return f"{count / 1e3:.1f}{SPACE}kB" if count >= 1000 else f"{count:.0f}{SPACE}B"


def times(value: float | None) -> str:
    """A ratio: 3.84x."""
    if value is None:
        return NONE
    return f"{value:.3g}{TIMES}" if value < 100 else f"{value:.0f}{TIMES}"


def percent_change(now: float | None, before: float | None) -> str:
    """How much more or less, in percent."""
    if now is None or not before:
        return NONE
    change = 100 * (now / before - 1)
    return "±0 %" if abs(change) < 0.5 else f"{change:+.0f} %".replace("-", MINUS)


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    names = list(names)
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, one: str, many: str = "") -> str:
    """1 variant, 2 variants."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def when(written: str) -> str:
    """2026-01-02T03:04+00:00 as 2026-01-02 03:04 UTC; anything else as it is."""
    return written.replace("T", " ", 1).replace("+00:00", " UTC") if "T" in written else written
