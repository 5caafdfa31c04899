"""What actuators that cap a frequency have in common: one small file per knob, a range, perhaps a list of steps."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from edgerund.ports import SysRoot


@dataclass(frozen=True, slots=True)
class Range:
    """What the hardware states of one knob: the values that it takes lie within; ``steps`` where it lists them."""

    lowest: int
    highest: int
    steps: tuple[int, ...] = ()

    def at(self, share: float, was: int) -> int:
        """The value for ``share`` of the highest: a step at or below it, in range, never above what ``was`` there."""
        wanted = int(share * self.highest)
        fitting = [s for s in self.steps if s <= wanted]
        if self.steps:
            wanted = max(fitting) if fitting else min(self.steps)
        return min(was, max(self.lowest, wanted))


def number(root: SysRoot, name: str) -> int:
    """The whole number in a small file. Raises OSError."""
    return numbers(root, name)[0]


def numbers(root: SysRoot, name: str) -> tuple[int, ...]:
    """The whole numbers in a small file. Raises OSError, also where there is none."""
    try:
        found = tuple(int(word) for word in root.read(name).split())
    except ValueError:
        found = ()
    if not found:
        raise OSError(errno.EINVAL, "no whole number in it", name)
    return found


def put(root: SysRoot, name: str, value: str) -> None:
    """Write a small file that is there. Raises OSError as the kernel says."""
    fd = os.open(root.path(name), os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
