"""What a board lacks for full function, each with the command that mends it. Pure over files and facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from edgerund.ports import SysRoot
from edgerund.sensors.fields import text_or
from edgerund.sensors.nvpmodel_files import CATALOGUE, modes
from edgerund.sensors.slot import ReaderStatus
from edgerund.types import NoData, Reading, Sense

Level: TypeAlias = Literal["mend", "note", "ok"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about this board. ``mend`` is a command (or an edit), empty where nothing is to be done."""

    level: Level
    subject: str
    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the machine and about who asks.

    ``modules`` are the optional Python modules that can be imported; ``denied`` are devices that exist and may not be
    opened by ``user``.
    """

    root: SysRoot
    senses: Mapping[str, Sense]
    readers: Iterable[ReaderStatus] = ()
    user: str = "edgerund"
    groups: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    denied: Mapping[str, str] = field(default_factory=dict)

    @property
    def compatible(self) -> str:
        """The device tree's name of the board; empty on x86."""
        return text_or(self.root, "/proc/device-tree/compatible")

    @property
    def jetson(self) -> bool:
        """Whether this is one of NVIDIA's modules."""
        old = self.root.path("/etc/nv_tegra_release").exists()
        return old or "nvidia,tegra" in self.compatible

    def lost(self, prefix: str) -> NoData | None:
        """The first absent sense of that prefix that is denied or broken."""
        for name, sense in self.senses.items():
            if name.startswith(prefix) and isinstance(sense, NoData):
                return sense
        return None


def examine(facts: Facts) -> list[Finding]:
    """Every finding, those to mend first."""
    found = [f for check in _CHECKS for f in check(facts)]
    order = {"mend": 0, "note": 1, "ok": 2}
    return sorted(found, key=lambda f: order[f.level])


def _temperature(facts: Facts) -> Iterator[Finding]:
    sense = facts.senses.get("temp_c")
    if isinstance(sense, Reading):
        yield Finding("ok", "temperature", f"{sense.value:.1f} C from {sense.source}")
        return
    detail = sense.detail if sense else "not read"
    text = f"no temperature ({detail}): a temperature limit then works from the model alone"
    mend = "ls /sys/class/thermal; on x86: sudo modprobe coretemp || sudo modprobe k10temp"
    yield Finding("note", "temperature", text, mend)


def _power(facts: Facts) -> Iterator[Finding]:
    sense = facts.senses.get("power_mw")
    rapl = facts.lost("rapl.")
    if isinstance(sense, Reading):
        text = f"{sense.value / 1000:.2f} W from {sense.source} ({sense.quality})"
        yield Finding("ok", "power", text)
    elif facts.jetson:
        text = "no power rail: this Jetson's INA3221 was not found"
        yield Finding("mend", "power", text, "sudo modprobe ina3221; cat /sys/class/hwmon/*/name")
    elif rapl is None:
        text = (
            "nothing on this machine measures power: power limits and energy goals have no effect"
        )
        mend = "sudo modprobe intel_rapl_msr" if not facts.compatible else ""
        yield Finding("note", "power", text, mend)
    if rapl is not None and rapl.reason == "denied":
        yield Finding("mend", "power", "RAPL's energy_uj may be read by root only", _RAPL_MEND)


_RAPL_MEND = (
    "echo 'z /sys/devices/virtual/powercap/intel-rapl/*/energy_uj 0440 root edgerund -' "
    "| sudo tee /etc/tmpfiles.d/edgerund.conf && sudo systemd-tmpfiles --create edgerund.conf"
)


def _battery(facts: Facts) -> Iterator[Finding]:
    sense = facts.senses.get("battery_percent")
    if isinstance(sense, Reading):
        yield Finding("ok", "battery", f"{sense.value:.0f} % from {sense.source}")
    elif any(n.startswith("battery.") for n in facts.senses):
        detail = sense.detail if isinstance(sense, NoData) else ""
        yield Finding("mend", "battery", f"the battery does not tell its charge: {detail}")
    else:
        text = "no battery is known to the kernel: battery rules have no effect"
        mend = "on a drone, name the autopilot: sensors: {options: {mavlink: {url: /dev/ttyTHS1}}}"
        yield Finding("note", "battery", text, mend)


def _pressure(facts: Facts) -> Iterator[Finding]:
    if not facts.root.path("/proc/pressure/memory").exists():
        text = "this kernel does not tell memory pressure (PSI)"
        mend = "add psi=1 to the kernel's command line (Jetson: APPEND in /boot/extlinux/extlinux.conf)"
        yield Finding("note", "memory", text, mend)


def _power_mode(facts: Facts) -> Iterator[Finding]:
    sense = facts.senses.get("nvpmodel.mode")
    if not isinstance(sense, Reading):
        return
    catalogue = text_or(facts.root, CATALOGUE, limit=262_144)
    names = modes(catalogue)
    name = names.get(int(sense.value), f"mode {sense.value:.0f}")
    fastest = next((i for i, n in names.items() if n.upper().startswith("MAXN")), None)
    if fastest is None or names[fastest] == name:
        yield Finding("ok", "power mode", name)
    else:
        text = f"{name} caps the clocks; {names[fastest]} does not (and draws more)"
        yield Finding("note", "power mode", text, f"sudo nvpmodel -m {fastest}")


def _throttling(facts: Facts) -> Iterator[Finding]:
    sense = facts.senses.get("throttled")
    if isinstance(sense, Reading) and sense.value:
        text = f"the board throttles itself now ({sense.source})"
        yield Finding(
            "mend", "throttling", text, "cool it, or lower the policy's temperature limit"
        )
    volts = [facts.senses.get("throttle.rpi_under_voltage.active")]
    volts.append(facts.senses.get("rpi.under_voltage_since_boot"))
    if any(isinstance(v, Reading) and v.value for v in volts):
        text = "the supply's voltage is or was too low"
        yield Finding("mend", "supply", text, "use a supply of 5 V 5 A and a short cable")
    compatible = facts.compatible
    known = any(n.startswith("throttle.rpi") for n in facts.senses)
    if "raspberrypi" in compatible and not known:
        text = "this kernel does not tell the firmware's throttling"
        yield Finding("mend", "throttling", text, "sudo modprobe raspberrypi-hwmon")


def _devices(facts: Facts) -> Iterator[Finding]:
    for device, group in sorted(facts.denied.items()):
        text = f"{facts.user} may not open {device}"
        mend = f"sudo usermod -aG {group} {facts.user}  (and log in again)"
        yield Finding("mend", "rights", text, mend)


def _jtop(facts: Facts) -> Iterator[Finding]:
    if "jtop" not in facts.modules:
        return
    if not facts.root.path("/run/jtop.sock").exists():
        text = "jetson-stats is installed and its service does not run"
        yield Finding("note", "jtop", text, "sudo systemctl enable --now jtop.service")
    elif "jtop" not in facts.groups and facts.user != "root":
        text = f"{facts.user} is not in the group jtop"
        yield Finding("note", "jtop", text, f"sudo usermod -aG jtop {facts.user}")


def _engines(facts: Facts) -> Iterator[Finding]:
    extras = {"onnxruntime": "ort", "ai_edge_litert": "litert", "tensorrt": "tensorrt"}
    there = [m for m in extras if m in facts.modules]
    if there:
        yield Finding("ok", "engines", ", ".join(there))
    else:
        yield Finding("mend", "engines", "no backend is installed", "pip install 'edgerund[ort]'")


def _readers(facts: Facts) -> Iterator[Finding]:
    for r in facts.readers:
        if r.state in ("failing", "hung"):
            yield Finding("mend", r.name, f"{r.state}: {r.detail}", _mend_reader(r))
        elif r.wall_ms > 250:
            text = f"a round takes {r.wall_ms:.0f} ms: it is read every {r.period_s:.1f} s"
            yield Finding("note", r.name, text, _slow(r.name))


def _mend_reader(r: ReaderStatus) -> str:
    if "denied" in r.detail:
        return "run `edgerund sensors` as root to see whether rights are the cause"
    return "sudo dmesg | tail; then report it with tools/capture_board.py"


def _slow(name: str) -> str:
    return "echo 1 | sudo tee /sys/class/hwmon/hwmon*/samples" if name == "ina3221" else ""


_CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _temperature,
    _power,
    _battery,
    _pressure,
    _power_mode,
    _throttling,
    _devices,
    _jtop,
    _engines,
    _readers,
)
DEVICES = (
    (re.compile(r"/dev/tty(THS|ACM|AMA|USB)\d+"), "dialout"),
    (re.compile(r"/dev/nv(map|host-.*|gpu/.*)"), "video"),
    (re.compile(r"/dev/dri/renderD\d+"), "render"),
)
