"""The battery as policies see it: charge, energy, its own judgement, and whether it is in use."""

from __future__ import annotations

from collections.abc import Mapping

from edgerund.types import NoData, Reading, Sense


def battery_senses(raw: Mapping[str, Sense]) -> list[Sense]:
    """``battery_percent``, ``battery_energy_mwh``, ``battery_charge_state``, ``on_mains``."""
    packs = packs_of(raw)
    return [
        percent_of(raw, packs),
        energy_of(raw, packs),
        _charge_state(raw, packs),
        mains_of(raw, packs),
    ]


def packs_of(raw: Mapping[str, Sense]) -> list[str]:
    """The batteries that feed this machine: the vehicle's over MAVLink if there is one, else the kernel's."""
    found = dict.fromkeys(n.split(".")[1] for n in raw if n.startswith("battery."))
    return ["mavlink"] if "mavlink" in found else list(found)


def each(raw: Mapping[str, Sense], packs: list[str], quantity: str) -> list[Sense]:
    """What those packs say of one quantity, as far as they say anything."""
    names = [f"battery.{p}.{quantity}" for p in packs]
    return [raw[n] for n in names if n in raw]


def lost(name: str, parts: list[Sense], packs: list[str]) -> NoData:
    """The absence of a derived sense, by the first part that is absent."""
    cause = next((p for p in parts if isinstance(p, NoData)), None)
    if cause is not None:
        return NoData(name, cause.reason, f"{cause.name}: {cause.detail}", cause.source)
    return NoData(name, "absent", "the battery does not tell" if packs else "no battery")


def valid_parts(parts: list[Sense], packs: list[str]) -> list[Reading] | None:
    """All parts as Readings, or None where one pack is missing: part of a sum would be a lie."""
    readings = [p for p in parts if isinstance(p, Reading)]
    return readings if readings and len(readings) == len(packs) else None


def percent_of(raw: Mapping[str, Sense], packs: list[str]) -> Sense:
    """``battery_percent``: charge of all packs, weighted by their sizes where these are known."""
    parts = each(raw, packs, "percent")
    values = valid_parts(parts, packs)
    if values is None:
        return lost("battery_percent", parts, packs)
    full = valid_parts(each(raw, packs, "energy_full_mwh"), packs)
    weights = [f.value for f in full] if full else [1.0] * len(values)
    mean = sum(v.value * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    return _derived("battery_percent", mean, "%", values)


def energy_of(raw: Mapping[str, Sense], packs: list[str]) -> Sense:
    """``battery_energy_mwh``: energy left in all packs."""
    parts = each(raw, packs, "energy_mwh")
    values = valid_parts(parts, packs)
    if values is None:
        return lost("battery_energy_mwh", parts, packs)
    return _derived("battery_energy_mwh", sum(v.value for v in values), "mWh", values)


def _charge_state(raw: Mapping[str, Sense], packs: list[str]) -> Sense:
    """The worst of the packs' own judgements; charging (7) only if nothing worse is said."""
    parts = each(raw, packs, "charge_state")
    values = [p for p in parts if isinstance(p, Reading)]
    if not values:
        return lost("battery_charge_state", parts, packs)
    worst = max(values, key=lambda v: 0.5 if v.value == 7 else v.value)
    return _derived("battery_charge_state", worst.value, "code", [worst])


def mains_of(raw: Mapping[str, Sense], packs: list[str]) -> Sense:
    """``on_mains``: 1 while external power is present."""
    mains = [s for n, s in raw.items() if n.startswith("mains.")]
    signs = each(raw, packs, "charging")
    valid = [s for s in mains if isinstance(s, Reading)]
    fed = [s for s in valid if s.value > 0]
    if fed:
        return _derived("on_mains", 1.0, "bool", fed)
    # an input without power means a battery only where there is one: a Pi has a PoE input and runs from USB
    if valid and packs and len(valid) == len(mains):
        return _derived("on_mains", 0.0, "bool", valid)
    told = [s for s in signs if isinstance(s, Reading)]
    if told:
        return _derived("on_mains", float(all(s.value >= 0 for s in told)), "bool", told)
    return lost("on_mains", [*mains, *signs], packs)


def _derived(name: str, value: float, unit: str, inputs: list[Reading]) -> Reading:
    quality = inputs[0].quality if len(inputs) == 1 else "derived"
    source = inputs[0].source if len(inputs) == 1 else "+".join(s.name for s in inputs)
    return Reading(name, value, unit, max(s.age_s for s in inputs), source, quality)
