"""Owns the step from one small file to one ``Sense``: strict numbers in, a value or a reasoned absence out."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable

from edgerund.ports import SysRoot
from edgerund.types import NoData, Quality, Reading, Sense

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z")
_REASONS = {
    errno.ENOENT: "absent",
    errno.ENOTDIR: "absent",
    errno.ELOOP: "absent",
    errno.EAGAIN: "offline",
    errno.ENODATA: "offline",
    errno.ENXIO: "offline",
    errno.ENODEV: "offline",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EFBIG: "garbage",
    errno.EILSEQ: "garbage",
    errno.EISDIR: "garbage",
}


def integer(root: SysRoot, file: str) -> int:
    """The decimal integer in ``file``. Raises OSError, or ValueError for anything else than a number."""
    text = root.read(file)
    if not _INTEGER.match(text):
        raise ValueError("empty file" if not text else f"not a number: {shown(text)}")
    return int(text)


def shown(text: str) -> str:
    """What a file held, short enough for one line of a log."""
    return repr(text if len(text) <= 24 else text[:21] + "...")


def sense(
    name: str,
    unit: str,
    source: str,
    get: Callable[[], float],
    quality: Quality = "measured",
) -> Sense:
    """``get()`` as a Reading; what it raises (OSError, ValueError) as NoData."""
    try:
        return Reading(name, float(get()), unit, 0.0, source, quality)
    except OSError as e:
        return failed(name, e, source)
    except ValueError as e:
        return NoData(name, "garbage", str(e), source)


def scaled(root: SysRoot, file: str, name: str, unit: str, divisor: float = 1.0) -> Sense:
    """The integer in ``file`` divided by ``divisor``."""
    return sense(name, unit, file, lambda: integer(root, file) / divisor)


def bounded(
    root: SysRoot, file: str, name: str, unit: str, low: float, high: float, divisor: float = 1.0
) -> Sense:
    """Like ``scaled``, and NoData ``range`` outside of what this kind of hardware can say."""
    found = scaled(root, file, name, unit, divisor)
    if isinstance(found, Reading) and not low <= found.value <= high:
        return NoData(name, "range", f"{found.value:g} {unit} is outside {low:g} to {high:g}", file)
    return found


def celsius(root: SysRoot, file: str, name: str, hundred_is_true: bool) -> Sense:
    """The temperature in a file of millidegrees; NoData for the numbers by which dead sensors are known.

    ``hundred_is_true``: a whole 100 degrees is a temperature here, not a zone that lost its sensor.
    """
    found = scaled(root, file, name, "C", 1000)
    if isinstance(found, Reading):
        lie = _lie(round(found.value * 1000), hundred_is_true)
        return NoData(name, lie[0], lie[1], file) if lie else found
    return found


def _lie(millidegrees: int, hundred_is_true: bool) -> tuple[str, str] | None:
    if millidegrees <= -256_000:
        return "offline", f"{millidegrees} is how a driver says that the zone is powered down"
    if not -100_000 <= millidegrees <= 200_000:
        return "range", f"{millidegrees} thousandths of a degree is no temperature of a board"
    if millidegrees == 0 or (millidegrees == 100_000 and not hundred_is_true):
        return "range", f"{millidegrees} is what a zone without a sensor reports"
    if abs(millidegrees) <= 200:
        return "range", f"{millidegrees} looks like degrees where thousandths are due"
    return None


def failed(name: str, error: OSError, source: str) -> NoData:
    """The absence that an OSError means."""
    code = error.errno or 0
    known = errno.errorcode.get(code, "error")
    text = error.strerror or str(error)
    return NoData(name, _REASONS.get(code, "io"), f"{known}: {text}", source)


def text_or(root: SysRoot, file: str, default: str = "", limit: int = 4096) -> str:
    """The text of a file that may be missing or unreadable."""
    try:
        return root.read(file, limit)
    except OSError:
        return default


def unique(label: str, taken: set[str]) -> str:
    """``label``, or ``label#2`` and so on where two devices carry the same name; adds it to ``taken``."""
    clean = re.sub(r"[^A-Za-z0-9_+#:-]+", "_", label.strip()) or "unnamed"
    name, n = clean, 1
    while name in taken:
        n += 1
        name = f"{clean}#{n}"
    taken.add(name)
    return name
