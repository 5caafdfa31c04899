"""The power mode of a Jetson, by NVIDIA's own ``nvpmodel``: it needs root, and keeps the mode over a reboot."""

from __future__ import annotations

import errno
import re
import subprocess
from collections.abc import Mapping, Sequence

from edgerund.ports import SysRoot

KNOB = "mode"
PATIENCE_S = 20.0
_ID = re.compile(r"^\s*(\d{1,4})\s*$", re.MULTILINE)


class NvpModel:
    """One knob, the number of the mode.

    Args:
        root: unused; the program looks at the machine it runs on.
        modes: numbers of power modes, the strongest first; which draws less, only NVIDIA's tables tell.
        command: the program.

    Raises:
        ValueError: fewer than two modes.
    """

    def __init__(
        self,
        root: SysRoot,  # noqa: ARG002  what every actuator is given
        modes: Sequence[int] = (),
        command: str = "/usr/sbin/nvpmodel",
    ) -> None:
        if len(set(modes)) < 2 or any(type(m) is not int or m < 0 for m in modes):
            raise ValueError("give at least two modes, the strongest first, such as modes: [0, 2]")
        self._modes, self._command = list(modes), command

    def probe(self) -> str | None:
        try:
            self.read()
        except OSError as e:
            return f"{self._command} does not tell the power mode: {e.strerror or e}"
        return None

    def read(self) -> Mapping[str, str]:
        found = _ID.findall(self._call("-q"))
        if not found:
            raise OSError(errno.EINVAL, "no mode in what nvpmodel -q says")
        return {KNOB: found[-1]}

    def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
        now = int(was[KNOB])
        if now not in self._modes or share >= 1.0:
            return dict(was)  # a mode that the settings do not name is none of ours
        below = self._modes[self._modes.index(now) :]
        return {KNOB: str(below[min(len(below) - 1, int((1.0 - share) * len(below) + 0.5))])}

    def write(self, knob: str, value: str) -> None:  # noqa: ARG002  there is only one
        said = self._call("-m", value)
        if self.read()[KNOB] == value:
            return
        if "reboot" in said.lower():
            raise OSError(errno.EPERM, f"power mode {value} needs a reboot; name other modes")
        raise OSError(errno.EIO, f"nvpmodel did not change to mode {value}: {said.strip()[:200]}")

    def _call(self, *args: str) -> str:
        try:
            # without an input nobody says yes to a reboot
            done = subprocess.run(
                [self._command, *args],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OSError(errno.ETIMEDOUT, f"nvpmodel hangs for {PATIENCE_S:g} s") from None
        said = done.stdout + done.stderr
        if done.returncode and "reboot" not in said.lower():
            code = errno.EPERM if "root" in said.lower() or "permi" in said.lower() else errno.EIO
            raise OSError(code, f"nvpmodel {' '.join(args)}: {said.strip()[:200]}")
        return said
