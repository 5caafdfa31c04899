"""A fuel gauge that stands still while energy flows out of its pack: the most dangerous lie of a battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgerund.types import NoData, Reading, Sense

FROZEN_SHARE = 0.06
"""So much of a full battery may flow out without a change: gauges step by 1 %, poor ones by 5 %."""
LONGEST_GAP_S = 10.0


@dataclass(slots=True)
class _Gauge:
    percent: float
    at_s: float
    drained_mwh: float = 0.0


class FrozenGauges:
    """Watches each pack that tells percentage, power and size; the others cannot be judged."""

    def __init__(self) -> None:
        self._gauges: dict[str, _Gauge] = {}

    def check(self, raw: Mapping[str, Sense], now_s: float) -> dict[str, Sense]:
        """The gauges that stand still, as NoData ``frozen``."""
        checked: dict[str, Sense] = {}
        for name, sense in raw.items():
            if not name.startswith("battery.") or not name.endswith(".percent"):
                continue
            pack = name.removesuffix("percent")
            power, full = raw.get(pack + "power_mw"), raw.get(pack + "energy_full_mwh")
            known = isinstance(power, Reading) and isinstance(full, Reading)
            if not isinstance(sense, Reading) or not known:
                self._gauges.pop(pack, None)
                continue
            assert isinstance(power, Reading)
            assert isinstance(full, Reading)
            drained_mwh = self._drained(pack, sense, power, now_s)
            if drained_mwh > FROZEN_SHARE * full.value:
                text = (
                    f"{sense.value:g} % while {drained_mwh:.0f} of {full.value:.0f} mWh flowed out"
                )
                lie = NoData(name, "frozen", text, sense.source)
                checked[name] = lie
                if pack + "energy_mwh" in raw:  # made of the same gauge
                    checked[pack + "energy_mwh"] = NoData(
                        pack + "energy_mwh", "frozen", text, sense.source
                    )
        return checked

    def _drained(self, pack: str, percent: Reading, power: Reading, now_s: float) -> float:
        """Energy that flowed out since the percentage last changed."""
        at_s = now_s - power.age_s
        gauge = self._gauges.get(pack)
        if gauge is None or gauge.percent != percent.value:
            self._gauges[pack] = _Gauge(percent.value, at_s)
            return 0.0
        step_s = at_s - gauge.at_s
        if 0 < step_s <= LONGEST_GAP_S:
            gauge.drained_mwh += max(0.0, -power.value) * step_s / 3600
        gauge.at_s = max(gauge.at_s, at_s)
        return gauge.drained_mwh
