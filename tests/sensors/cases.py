"""One small tree per reader: which file matters, what it says tick by tick, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

THERMAL = "/sys/class/thermal/thermal_zone3"
COOLING = "/sys/class/thermal/cooling_device2"
HWMON = "/sys/class/hwmon/hwmon1"
IIO = "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
BAT = "/sys/class/power_supply/BAT0"
RAPL = "/sys/class/powercap/intel-rapl:0"
RPI = "/sys/devices/platform/soc/soc:firmware"
GPU = "/sys/class/devfreq/17000000.gpu"
CPU = "/sys/devices/system/cpu/cpufreq/policy0"


@dataclass(frozen=True)
class Case:
    """``text(n)`` is what ``file`` holds at tick n, ``value(n)`` what ``sense`` must be then.

    ``folder`` goes away and comes back as ``moved`` where hardware gets another number. ``odd`` maps what else may
    be written into the file to the reason that must come of it.
    """

    reader: str
    sense: str
    file: str
    text: Callable[[int], str]
    value: Callable[[int], float]
    static: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    moved: str = ""
    odd: Mapping[str, str] = field(default_factory=dict)
    period_s: float = 1.0

    def __str__(self) -> str:
        return self.reader


def write(root: Path, name: str, text: str) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def meminfo(n: int) -> str:
    return f"MemTotal:  8000000 kB\nMemAvailable:  {5000000 + 100 * n} kB"


CASES = (
    Case(
        "thermal",
        "zone.tj-thermal.temp_c",
        f"{THERMAL}/temp",
        lambda n: str(45_000 + 130 * (n % 7)),
        lambda n: 45.0 + 0.13 * (n % 7),
        {f"{THERMAL}/type": "tj-thermal"},
        THERMAL,
        "/sys/class/thermal/thermal_zone11",
        {
            "-256000": "offline",
            "100000": "range",
            "45": "range",
            "45000000": "range",
            "119000": "step",
        },
    ),
    Case(
        "cooling",
        "throttle.cooling_cpufreq-cpu0.active",
        f"{COOLING}/cur_state",
        lambda n: str(n % 3),
        lambda n: float(n % 3 > 0),
        {f"{COOLING}/type": "cpufreq-cpu0", f"{COOLING}/max_state": "10"},
        COOLING,
        "/sys/class/thermal/cooling_device9",
        {"-256000": "range", "100000": "range"},
    ),
    Case(
        "ina3221",
        "rail.VDD_IN.power_mw",
        f"{HWMON}/curr1_input",
        lambda n: str(1000 + 8 * n),
        lambda n: 5.0 * (1000 + 8 * n),
        {f"{HWMON}/name": "ina3221", f"{HWMON}/in1_label": "VDD_IN", f"{HWMON}/in1_input": "5000"},
        HWMON,
        "/sys/class/hwmon/hwmon7",
        {"-256000": "range", "1000000": "range"},
    ),
    Case(
        "ina3221x",
        "rail.POM_5V_IN.power_mw",
        f"{IIO}/in_power0_input",
        lambda n: str(1700 + n),
        lambda n: 1700.0 + n,
        {
            f"{IIO}/rail_name_0": "POM_5V_IN",
            f"{IIO}/in_voltage0_input": "5000",
            f"{IIO}/in_current0_input": "340",
        },
        "/sys/bus/i2c/drivers/ina3221x/6-0040",
        "/sys/bus/i2c/drivers/ina3221x/1-0041",
        {"-256000": "range", "17000000": "range"},
    ),
    Case(
        "hwmon",
        "rail.VIN.power_mw",
        f"{HWMON}/power1_input",
        lambda n: str(30_000_000 + 1000 * n),
        lambda n: 30_000.0 + n,
        {f"{HWMON}/name": "ina238", f"{HWMON}/label": "VIN"},
        HWMON,
        "/sys/class/hwmon/hwmon5",
        {"-256000": "range", "30000000000": "range"},
        2.0,
    ),
    Case(
        "soctherm",
        "soctherm.oc3.events",
        f"{HWMON}/oc3_event_cnt",
        lambda n: str(27_390 + n),
        lambda n: 27_390.0 + n,
        {f"{HWMON}/name": "soctherm_oc"},
        HWMON,
        "/sys/class/hwmon/hwmon0",
        {"-256000": "range"},
    ),
    Case(
        "power_supply",
        "battery.BAT0.percent",
        f"{BAT}/capacity",
        lambda n: str(80 - n // 4),
        lambda n: 80.0 - n // 4,
        {f"{BAT}/type": "Battery", f"{BAT}/status": "Discharging"},
        BAT,
        "",
        {"-256000": "range", "100000": "range", "800": "range", "41": "step"},
    ),
    Case(
        "memory",
        "memory.available_bytes",
        "/proc/meminfo",
        meminfo,
        lambda n: 1024.0 * (5_000_000 + 100 * n),
        odd={"-256000": "garbage", "MemTotal: 8 kB\nMemAvailable: 0 kB": "garbage"},
        period_s=2.0,
    ),
    Case(
        "load",
        "cpu.load",
        "/proc/stat",
        lambda n: f"cpu  {100 + 25 * n} 0 0 {900 + 75 * n} 0 0 0 0 0 0",
        lambda n: 0.25,
        odd={"-256000": "garbage", "cpu -5 0 0 7 0 0 0 0": "garbage", "cpu 1": "garbage"},
    ),
    Case(
        "rapl",
        "rapl.package-0.power_mw",
        f"{RAPL}/energy_uj",
        lambda n: str(262_143_000_000 + 6_000_000 * n if n == 0 else 6_000_000 * n - 328_850),
        lambda n: 6000.0,
        {f"{RAPL}/name": "package-0", f"{RAPL}/max_energy_range_uj": "262143328850"},
        RAPL,
        "/sys/class/powercap/intel-rapl:1",
        {"-256000": "range", "300000000000": "range"},
    ),
    Case(
        "rpi",
        "throttle.rpi_throttled.active",
        f"{RPI}/get_throttled",
        lambda n: "80004" if n % 2 else "0",
        lambda n: float(n % 2),
        {},
        "/sys/devices/platform/soc",
        "/sys/devices/platform/soc@107c000000",
        {"-256000": "garbage", "100000": "garbage", "0xfffff0": "garbage"},
    ),
    Case(
        "devfreq",
        "gpu.17000000_gpu.load",
        f"{GPU}/device/load",
        lambda n: str(230 + n),
        lambda n: 0.230 + n / 1000,
        {
            f"{GPU}/cur_freq": "305999832",
            f"{GPU}/max_freq": "624750000",
            f"{GPU}/device/of_node/name": "gpu",
        },
        GPU,
        "",
        {"-256000": "range", "100000": "range"},
    ),
    Case(
        "cpufreq",
        "cpu.policy0.freq_mhz",
        f"{CPU}/scaling_cur_freq",
        lambda n: str(1_113_600 + 100 * n),
        lambda n: 1113.6 + n / 10,
        {f"{CPU}/scaling_max_freq": "1510400"},
        CPU,
        "",
        {"-256000": "range", "1113600000": "range", "1": "range"},
        2.0,
    ),
    Case(
        "nvpmodel",
        "nvpmodel.mode",
        "/var/lib/nvpmodel/status",
        lambda n: f"pmode:000{n % 3}",
        lambda n: float(n % 3),
        {"/etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< PM_CONFIG DEFAULT=1 >"},
        odd={"-256000": "garbage"},
        period_s=10.0,
    ),
)
