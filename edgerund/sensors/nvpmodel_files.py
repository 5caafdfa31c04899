"""The two files in which ``nvpmodel`` keeps the power mode, and how to read them."""

from __future__ import annotations

import re

STATUS = "/var/lib/nvpmodel/status"
CATALOGUE = "/etc/nvpmodel.conf"
_MODEL = re.compile(r"^\s*<\s*POWER_MODEL\s+ID=(\d{1,4})\s+NAME=([^\s>]+)", re.MULTILINE)


def modes(catalogue: str) -> dict[int, str]:
    """Names of the power modes by their ids, in the order of the file."""
    return {int(n): name for n, name in _MODEL.findall(catalogue)}
