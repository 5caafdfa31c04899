"""MAVLink: the vehicle's battery as its autopilot sees it; and this computer as the ground station sees it.

Needs pymavlink, in a helper process: the parser alone would be a quarter of the supervisor's memory, and a
telemetry stream must not compete with the control thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.child import ChildSensor
from edgerund.types import Reading, Sense

_NO_U8, _NO_I8, _NO_I16, _NO_U32 = 255, 127, 32767, 0xFFFFFFFF
_MIB = 1 << 20


class Mavlink(ChildSensor):
    """``battery.mavlink.*`` (the vehicle's battery), ``mavlink.battery<id>.*`` (others), ``mavlink.armed``.

    Args:
        root: not used.
        clock: real time.
        url: ``udpin:host:port``, ``udpout:host:port`` or a serial device.
        baud: speed of a serial device.
        system_id: the vehicle; None takes the first autopilot heard.
        battery_id: its battery; None takes the lowest id that feeds everything or the motors.
        full_mwh: energy of the full battery: makes an energy of the percentage.
        ask: ask the autopilot for BATTERY_STATUS once a second where it does not send any.
        report: send HEARTBEAT and ONBOARD_COMPUTER_STATUS.
        max_age_s: a value older than this is stale (an autopilot may speak every two seconds only).
        period_s: how often to look at what the helper process heard.
    """

    module = "edgerund.sensors.mavlink_helper"
    headline = "battery.mavlink.percent"

    def __init__(  # noqa: PLR0913  each is a setting
        self,
        root: SysRoot,
        clock: Clock,
        *,
        url: str = "udpin:127.0.0.1:14550",
        baud: int = 921600,
        system_id: int | None = None,
        battery_id: int | None = None,
        full_mwh: float | None = None,
        ask: bool = True,
        report: bool = True,
        max_age_s: float = 5.0,
        period_s: float | None = None,
    ) -> None:
        _check(url, system_id)
        settings = {
            "url": url,
            "baud": int(baud),
            "system_id": system_id,
            "battery_id": battery_id,
            "full_mwh": full_mwh,
            "ask": bool(ask),
        }
        super().__init__(root, clock, settings, period_s)
        self.max_age_s = float(max_age_s)
        self._report = report

    def report(self, senses: Mapping[str, Sense]) -> None:
        """Tell the ground station how this computer is. Called by the hub about once a second."""
        if self._report:
            self.tell(onboard_status(senses, self._clock.monotonic_s(), self._clock.wall_s()))


def _check(url: str, system_id: int | None) -> None:
    kind, _, rest = url.partition(":")
    host, _, port = rest.rpartition(":")
    udp = kind in ("udpin", "udpout") and host and port.isdecimal() and 0 < int(port) < 65536
    if not udp and not url.startswith("/"):
        raise ValueError(f"cannot use {url!r}: write udpin:host:port, udpout:host:port or /dev/...")
    if system_id is not None and not 1 <= system_id <= 255:
        raise ValueError(f"cannot listen to system {system_id}: system_id is 1 to 255")


def onboard_status(senses: Mapping[str, Sense], now_s: float, wall_s: float) -> dict[str, Any]:
    """The fields of ONBOARD_COMPUTER_STATUS (#390), every unknown one with the value that says so."""
    cores = [_scaled(senses.get(f"cpu.core{i}.load"), 100, _NO_U8) for i in range(8)]
    cpu = _scaled(senses.get("cpu_load"), 100, _NO_U8)
    gpu = _scaled(senses.get("gpu_load"), 100, _NO_U8)
    temp = min(_scaled(senses.get("temp_c"), 1, _NO_I8), _NO_I8)
    total = _scaled(senses.get("memory.total_bytes"), 1 / _MIB, _NO_U32)
    free = _scaled(senses.get("memory.available_bytes"), 1 / _MIB, _NO_U32)
    known = _NO_U32 not in (total, free)
    nothing = dict.fromkeys(("storage_usage", "storage_total"), [_NO_U32] * 4)
    links = dict.fromkeys(
        ("link_tx_rate", "link_rx_rate", "link_tx_max", "link_rx_max"), [_NO_U32] * 6
    )
    return {
        "time_usec": int(wall_s * 1e6),
        "uptime": int(now_s * 1000) & _NO_U32,
        "type": 0,
        "cpu_cores": cores,
        "cpu_combined": [cpu] * 10,
        "gpu_cores": [gpu, _NO_U8, _NO_U8, _NO_U8],
        "gpu_combined": [gpu] * 10,
        "temperature_board": _NO_I8,
        "temperature_core": [temp] + [_NO_I8] * 7,
        "fan_speed": [_NO_I16] * 4,
        "ram_usage": total - free if known else _NO_U32,
        "ram_total": total,
        "storage_type": [_NO_U32] * 4,
        **nothing,
        "link_type": [_NO_U32] * 6,
        **links,
    }


def _scaled(sense: Sense | None, factor: float, unknown: int) -> int:
    return round(sense.value * factor) if isinstance(sense, Reading) else unknown
