"""Total power of the board, and its integral. Which rail is the total is board knowledge, told here once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edgerund.types import NoData, Quality, Reading, Sense

# a rail of this name is the input of the whole module: the others hang below it
INPUT_RAILS = ("VIN", "VDD_IN", "POM_5V_IN", "power_meter")
# boards without an input rail: these, summed, are the module (the carrier board is not in it)
SUMMED_RAILS = (
    frozenset({"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"}),
    frozenset({"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"}),
)
LONGEST_GAP_S = 10.0


def total_power(raw: Mapping[str, Sense], total_rails: Iterable[str] = ()) -> Sense:
    """``power_mw`` from the best that this machine has.

    In order: the rails that the settings name; an input rail; a known set of rails, summed; all rails, summed
    (``estimated``); the battery while it discharges; processor packages and GPUs (``estimated``: the rest of
    the machine is not in it). A part that is lost makes the sum NoData: a smaller number would be a lie.
    """
    rails = _family(raw, "rail.", ".power_mw") or _family(raw, "jtop.rail.", ".power_mw")
    wanted = tuple(total_rails)
    if wanted:
        return _sum(
            [rails.get(n) or NoData(n, "absent", f"no rail {n}") for n in wanted], "measured"
        )
    for name in INPUT_RAILS:
        if name in rails:
            return _sum([rails[name]], "measured")
    for known in SUMMED_RAILS:
        if known <= rails.keys():
            return _sum([rails[n] for n in sorted(known)], "derived")
    if rails:
        return _sum(list(rails.values()), "estimated")
    return _without_rails(raw)


def _without_rails(raw: Mapping[str, Sense]) -> Sense:
    flows = _family(raw, "battery.", ".power_mw")
    # the battery of a vehicle feeds its motors too
    drains = [
        s for n, s in flows.items() if isinstance(s, Reading) and s.value < 0 and n != "mavlink"
    ]
    if drains:
        total = _sum(drains, "derived")
        assert isinstance(total, Reading)
        return Reading("power_mw", -total.value, "mW", total.age_s, total.source, "derived")
    packages = _family(raw, "rapl.", ".power_mw")
    whole = [s for n, s in packages.items() if n.startswith("psys")]
    parts = whole or [s for n, s in packages.items() if _counts(n)]
    gpus = list(_family(raw, "nvml.", ".power_mw").values())
    if parts or gpus:
        return _sum([*parts, *gpus], "estimated")
    return NoData("power_mw", "absent", "no power rail, battery or RAPL on this machine")


def _counts(zone: str) -> bool:
    """A package or its memory; cores and graphics are inside the package."""
    return zone.endswith("_dram") or (zone.startswith("package") and "_" not in zone)


def _family(raw: Mapping[str, Sense], prefix: str, suffix: str) -> dict[str, Sense]:
    return {
        name[len(prefix) : -len(suffix)]: sense
        for name, sense in raw.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }


def _sum(parts: Sequence[Sense], quality: Quality) -> Sense:
    values: list[Reading] = []
    for part in parts:
        if isinstance(part, NoData):
            return NoData("power_mw", part.reason, f"{part.name}: {part.detail}", part.source)
        values.append(part)
    source = values[0].source if len(values) == 1 else "+".join(_short(v.name) for v in values)
    age_s = max(v.age_s for v in values)
    return Reading("power_mw", sum(v.value for v in values), "mW", age_s, source, quality)


def _short(name: str) -> str:
    return name.removesuffix(".power_mw").partition(".")[2]


class EnergyMeter:
    """``energy_mj``: trapezoids over ``power_mw`` since the start. Gaps are left out and make it ``estimated``."""

    def __init__(self) -> None:
        self._total_mj = 0.0
        self._last: tuple[float, float] | None = None
        self._gaps = False

    def add(self, power: Sense, now_s: float) -> Sense:
        """Take in the power as it was ``age_s`` ago; the energy so far."""
        if isinstance(power, NoData):
            self._gaps = self._gaps or self._last is not None
            self._last = None
            return NoData("energy_mj", power.reason, power.detail, power.source)
        at_s = now_s - power.age_s
        if self._last is None:
            self._last = (at_s, power.value)
        elif at_s > self._last[0] + 1e-3:
            dt_s = at_s - self._last[0]
            if dt_s <= LONGEST_GAP_S:
                self._total_mj += dt_s * (power.value + self._last[1]) / 2
            self._gaps = self._gaps or dt_s > LONGEST_GAP_S
            self._last = (at_s, power.value)
        quality: Quality = "estimated" if self._gaps or power.quality == "estimated" else "derived"
        return Reading("energy_mj", self._total_mj, "mJ", power.age_s, power.source, quality)
