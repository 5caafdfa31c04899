"""Pure decisions: which variant of each ladder serves now, and why. No clock, no files, no randomness."""

from __future__ import annotations

from edgerund.policy.decide import decide, initial
from edgerund.policy.state import State, dump_state, load_state

__all__ = ["State", "decide", "dump_state", "initial", "load_state"]
