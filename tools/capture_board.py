"""Turn this board into a fixture folder for a bug report: ``python3 capture_board.py FOLDER``.

Reads only the files that edgerund's sensors read, leaves out serial numbers, and needs nothing but Python 3.10. The
folder holds ``tree.txt`` (every file once) and ``next.txt`` (those that had changed two seconds later). Put it under
``tests/boards`` and it is a test. The format, one entry a line::

    # comment
    /sys/class/thermal/thermal_zone0/type = tj-thermal
    /sys/class/hwmon/hwmon0 -> ../../devices/platform/example/hwmon/hwmon0
    /sys/class/thermal/thermal_zone4/temp ! EAGAIN
    /proc/pressure/memory <<
    some avg10=0.00 avg60=0.00 avg300=0.00 total=0
    <<
"""

from __future__ import annotations

import argparse
import errno
import glob
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

LIMIT = 65536
PATTERNS = (
    "/sys/class/thermal/thermal_zone*/type",
    "/sys/class/thermal/thermal_zone*/temp",
    "/sys/class/thermal/cooling_device*/type",
    "/sys/class/thermal/cooling_device*/*_state",
    "/sys/class/hwmon/hwmon*/name",
    "/sys/class/hwmon/hwmon*/label",
    "/sys/class/hwmon/hwmon*/*_label",
    "/sys/class/hwmon/hwmon*/*_input",
    "/sys/class/hwmon/hwmon*/*_average",
    "/sys/class/hwmon/hwmon*/*_enable",
    "/sys/class/hwmon/hwmon*/*_alarm",
    "/sys/class/hwmon/hwmon*/oc*_event_cnt",
    "/sys/class/hwmon/hwmon*/update_interval",
    "/sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_[012]",
    "/sys/bus/i2c/drivers/ina3221x/*/iio:device*/in_*_input",
    "/sys/class/power_supply/*/*",
    "/sys/class/powercap/intel-rapl:*/name",
    "/sys/class/powercap/intel-rapl:*/*energy*",
    "/sys/class/devfreq/*/*_freq",
    "/sys/class/devfreq/*/device/load",
    "/sys/class/devfreq/*/device/of_node/name",
    "/sys/devices/system/cpu/cpufreq/policy*/*_freq",
    "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
    "/sys/devices/platform/soc*/soc*:firmware/get_throttled",
    "/proc/device-tree/compatible",
    "/proc/device-tree/model",
    "/proc/driver/nvidia/version",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/pressure/*",
    "/proc/stat",
    "/var/lib/nvpmodel/status",
    "/etc/nvpmodel.conf",
    "/etc/nv_tegra_release",
)
PRIVATE = re.compile(r"serial|uuid|uevent|wakeup|/mac|([0-9a-f]{2}[:_-]){5}", re.IGNORECASE)
Entry = str
"""``= text``, ``-> target``, or ``! ERRNO``: what a line of the archive says after the name."""


def capture(root: Path) -> dict[str, Entry]:
    """Every file that matters below ``root``, and the links of ``/sys/class`` that lead to them."""
    found: dict[str, Entry] = {}
    for pattern in PATTERNS:
        for path in sorted(glob.glob(glob.escape(str(root).rstrip("/")) + pattern)):  # noqa: PTH207
            name = path[len(str(root).rstrip("/")) :]
            if not PRIVATE.search(name) and not Path(path).is_dir():
                _add(found, root, name)
    return found


def _add(found: dict[str, Entry], root: Path, name: str) -> None:
    """Record one file at its real place, after the link that its class entry is."""
    parts = name.split("/")
    entry = "/".join(parts[:5])
    link = Path(str(root).rstrip("/") + entry)
    if name.startswith("/sys/class/") and link.is_symlink():
        target = os.readlink(link)  # noqa: PTH115  the text of the link, not a Path of it
        found[entry] = f"-> {target}"
        real = os.path.normpath(f"{os.path.dirname(entry)}/{target}")  # noqa: PTH120
        name = real + name[len(entry) :]
    found[name] = _content(Path(str(root).rstrip("/") + name))


def _content(path: Path) -> Entry:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = b""
            while len(data) < LIMIT and (more := os.read(fd, LIMIT - len(data))):
                data += more
        finally:
            os.close(fd)
    except OSError as e:
        return f"! {errno.errorcode.get(e.errno or 0, 'EIO')}"
    text = data.decode("utf-8", "replace").replace("\0", "").rstrip("\n")
    return f"= {_without_interrupts(text)}"


def _without_interrupts(text: str) -> str:
    """The long line of interrupt counters says what is plugged in, and nothing that a sensor needs."""
    return "\n".join("intr 0" if line.startswith("intr ") else line for line in text.split("\n"))


def pack(entries: Mapping[str, Entry]) -> str:
    """The archive as text."""
    lines: list[str] = []
    for name, entry in entries.items():
        if entry.startswith("= ") and "\n" in entry:
            lines += [f"{name} <<", *entry[2:].split("\n"), "<<"]
        else:
            lines.append(f"{name} {entry}".rstrip())
    return "\n".join(lines) + "\n"


def parse(text: str) -> dict[str, Entry]:
    """The entries of an archive. Raises ValueError with the line number of what is none."""
    entries: dict[str, Entry] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = re.match(r"(/\S.*?) (<<|=|->|!)(?: (.*))?\Z", line)
        if found is None:
            raise ValueError(f"cannot read line {number}: {line!r} is no entry")
        name, mark, rest = found[1], found[2], found[3] or ""
        if mark == "<<":
            body: list[str] = []
            for _, inner in lines:
                if inner == "<<":
                    break
                body.append(inner)
            mark, rest = "=", "\n".join(body)
        entries[name] = f"{mark} {rest}"
    return entries


def unpack(entries: Mapping[str, Entry], folder: Path) -> list[int]:
    """Write the tree. Returns descriptors that keep ``! EAGAIN`` files answering so; close them at the end.

    A pipe that somebody holds open and nobody writes to is a file that answers EAGAIN. Of the other errors, a
    file cannot be made: those entries are left out.
    """
    held: list[int] = []
    # links first: a file may be named through one
    for name, entry in sorted(entries.items(), key=lambda item: not item[1].startswith("->")):
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        kind, _, rest = entry.partition(" ")
        if kind == "->":
            (path.parent / rest).resolve().mkdir(parents=True, exist_ok=True)
            path.symlink_to(rest)
        elif kind == "=":
            path.write_text(rest + "\n", encoding="utf-8")
        elif rest == "EAGAIN":
            os.mkfifo(path)
            held.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    return held


def main(argv: list[str] | None = None) -> int:
    """Capture this machine (or the tree below ``--sysroot``)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sysroot", type=Path, default=Path("/"))
    parser.add_argument("--pause", type=float, default=2.0, metavar="S")
    args = parser.parse_args(argv)
    first = capture(args.sysroot)
    if not first:
        print(f"cannot capture {args.sysroot}: no file of a sensor below it", file=sys.stderr)
        return 1
    time.sleep(args.pause)
    second = capture(args.sysroot)
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder / "tree.txt").write_text(pack(first), encoding="utf-8")
    changed = {n: e for n, e in second.items() if first.get(n) != e}
    (args.folder / "next.txt").write_text(pack(changed), encoding="utf-8")
    print(f"{len(first)} files, {len(changed)} of them changed, in {args.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
