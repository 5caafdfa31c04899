"""The accuracy that clients ask for: the highest wish of those who asked lately, and what the policy grants of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgerund.types import Floor
from edgerund.types.policy import PolicyPlan

MOST = 8
"""Wishes that are remembered. Where more stand, the lowest are forgotten until somebody asks for them again."""


class Wish(NamedTuple):
    """An accuracy (0..1) that a client asked for, and when it did so last."""

    at_s: float
    accuracy: float


def observe(
    wishes: Sequence[Wish], asked: float | None, now_s: float, active_s: float
) -> tuple[Wish, ...]:
    """The wishes that still stand, highest first: each is older than the next, else the next would be of no use."""
    if asked is not None and not 0.0 < asked <= 1.0:
        asked = None
    standing = [
        w
        for w in wishes
        if 0.0 <= now_s - w.at_s < active_s and (asked is None or w.accuracy > asked)
    ]
    if asked is not None:
        standing.append(Wish(now_s, asked))
    return tuple(standing[:MOST])


def granted(policy: PolicyPlan, wishes: Sequence[Wish]) -> float | None:
    """The accuracy to keep for clients; None where none asks, or the policy refuses such wishes."""
    if not wishes or policy.clients.max_accuracy <= 0.0:
        return None
    return min(wishes[0].accuracy, policy.clients.max_accuracy)


def judged(policy: PolicyPlan, wishes: Sequence[Wish], known: float | None) -> Floor | None:
    """What became of the clients' wish; ``known`` is the accuracy of the chosen variant."""
    if not wishes:
        return None
    floor = granted(policy, wishes) or 0.0
    return Floor(wishes[0].accuracy, floor, known is not None and known >= floor)


def note(floor: Floor | None) -> tuple[str, ...]:
    """What the policy took from the wish, as a sentence for people."""
    if floor is None or floor.granted >= floor.asked:
        return ()
    grants = f"grants {floor.granted:.4g}" if floor.granted else "grants none"
    return (f"clients ask for an accuracy of {floor.asked:.4g}; the policy {grants}",)
