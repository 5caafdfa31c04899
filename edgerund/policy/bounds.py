"""A number held between two others: what ``min`` and ``max`` do, at a third of their price.

Dozens are held per decision, and a tenth of its time went into those two.
"""

from __future__ import annotations


def within(low: float, value: float, high: float) -> float:
    """``value``, but not below ``low`` nor above ``high``; ``low`` for NaN."""
    if value > low:
        return value if value < high else high
    return low


def at_least(low: float, value: float) -> float:
    """``value``, but not below ``low``; ``low`` for NaN."""
    return value if value > low else low


def at_most(high: float, value: float) -> float:
    """``value``, but not above ``high``; ``high`` for NaN."""
    return value if value < high else high
