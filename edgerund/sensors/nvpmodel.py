"""The power mode of a Jetson, from the files that ``nvpmodel`` itself keeps: no root, no process started."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgerund.sensors.base import FileSensor
from edgerund.sensors.fields import failed, shown, text_or
from edgerund.sensors.nvpmodel_files import CATALOGUE, STATUS, modes
from edgerund.types import NoData, Reading, Sense

_MODE = re.compile(r"pmode:(\d{1,4})")
_DEFAULT = re.compile(r"PM_CONFIG\s+DEFAULT=(\d{1,4})")
_LIMIT = 262_144


class PowerMode(FileSensor):
    """``nvpmodel.mode``: the mode's id; its source carries the name. The default before anybody set one."""

    period_s = 10.0

    def probe(self) -> str | None:
        if self._root.path(STATUS).exists() or self._root.path(CATALOGUE).exists():
            return None
        return f"neither {STATUS} nor {CATALOGUE}: not a Jetson"

    def read(self) -> Iterable[Sense]:
        file, pattern = STATUS, _MODE
        try:
            try:
                text = self._root.read(STATUS)
            except FileNotFoundError:  # nobody has chosen a mode on this board yet
                file, pattern = CATALOGUE, _DEFAULT
                text = self._root.read(CATALOGUE, limit=_LIMIT)
        except OSError as e:
            return [failed("nvpmodel.mode", e, file)]
        found = pattern.search(text)
        if found is None:
            return [NoData("nvpmodel.mode", "garbage", f"no mode in {shown(text)}", file)]
        mode = int(found[1])
        name = modes(text_or(self._root, CATALOGUE, limit=_LIMIT)).get(mode, "")
        source = f"{file} ({name})" if name else file
        return [Reading("nvpmodel.mode", float(mode), "id", 0.0, source)]
