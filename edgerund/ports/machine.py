"""What reads the machine and slows it down: the root of its files, sensors, actuators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edgerund.types import Sense


class SysRoot(Protocol):
    """The one root of everything that is read from the machine."""

    def path(self, name: str) -> Path:
        """``/sys/...`` or ``/proc/...`` below the root."""
        ...

    def read(self, name: str, limit: int = 4096) -> str:
        """The stripped text of one small file. Raises OSError."""
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Absolute names (as the machine knows them) that match, sorted naturally."""
        ...


class Sensor(Protocol):
    """One reader. ``probe`` finds the hardware (again, after it vanished), ``read`` takes one round of values.

    Made as ``cls(root: SysRoot, clock: Clock, **options)``, where ``options`` (all optional, ``period_s`` among
    them) come from the settings; ValueError for one that makes no sense. Called from one thread at a time.

    Two members are optional: ``max_age_s``, after which a value is stale (otherwise two and a half periods),
    and ``report(senses)``, called with everything about once a second, for a reader that passes it on.
    """

    period_s: float
    """How often it wants to be read."""

    def probe(self) -> str | None:
        """None if the hardware is there, else why not (one sentence)."""
        ...

    def read(self) -> Iterable[Sense]:
        """Values (``age_s`` is 0 when just measured), or NoData with its reason.

        What it raises (OSError above all) the caller turns into NoData for every value it knew.
        """
        ...

    def close(self) -> None:
        """Give everything back. Closing twice is allowed."""
        ...


class Actuator(Protocol):
    """Something of the machine that can be slowed down: one or more knobs, each with a value as text.

    Made as ``cls(root: SysRoot, **options)``, where ``options`` come from the settings; ValueError for ones that
    make no sense. Called from one thread at a time. Who calls it saves the values before the first write, puts them
    back, and reads each back after writing it.
    """

    def probe(self) -> str | None:
        """None if the hardware is there, else why not (one sentence)."""
        ...

    def read(self) -> Mapping[str, str]:
        """The present value of every knob. Raises OSError."""
        ...

    def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
        """The values for ``share`` (0..1) of full speed; nothing is written.

        Within what the hardware states, never faster than ``was`` (the values before the first write), and
        never faster for a smaller share. Raises OSError.
        """
        ...

    def write(self, knob: str, value: str) -> None:
        """Set one knob. Raises OSError."""
        ...
