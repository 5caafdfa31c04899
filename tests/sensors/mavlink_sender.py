"""A vehicle that speaks real MAVLink over UDP, made of pymavlink's own encoder."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest


class Autopilot:
    """System ``system_id``, sending to one port of this machine."""

    def __init__(
        self,
        port: int,
        system_id: int = 1,
        component_id: int = 1,
        send: Callable[[bytes], object] | None = None,
    ) -> None:
        common = pytest.importorskip("pymavlink.dialects.v20.common")
        self._mav = common.MAVLink(None, srcSystem=system_id, srcComponent=component_id)
        self._mav.robust_parsing = True
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._send = send or (lambda data: self._socket.sendto(data, ("127.0.0.1", port)))

    def send_bytes(self, data: bytes) -> None:
        self._send(data)

    def packed(self, message: Any) -> bytes:
        data: bytes = message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256
        return data

    def heartbeat(self, autopilot: int = 3, base_mode: int = 81) -> None:
        self.send_bytes(self.packed(self._mav.heartbeat_encode(2, autopilot, base_mode, 0, 4)))

    def battery(self, **fields: Any) -> bytes:
        """Send BATTERY_STATUS; fields that are not given are unknown. Returns the bytes."""
        known = {
            "id": 0,
            "battery_function": 0,
            "type": 1,
            "temperature": 32767,
            "voltages": [65535] * 10,
            "current_battery": -1,
            "current_consumed": -1,
            "energy_consumed": -1,
            "battery_remaining": -1,
        }
        cells = list(fields.pop("cells", ()))
        if cells:
            known["voltages"] = cells + [65535] * (10 - len(cells))
        data = self.packed(self._mav.battery_status_encode(**{**known, **fields}))
        self.send_bytes(data)
        return data

    def system(self, voltage_mv: int, centiamps: int, percent: int) -> None:
        m = self._mav.sys_status_encode(
            0, 0, 0, 500, voltage_mv, centiamps, percent, 0, 0, 0, 0, 0, 0
        )
        self.send_bytes(self.packed(m))

    def received(self) -> list[Any]:
        """Decoded messages that came back."""
        found: list[Any] = []
        while True:
            try:
                data = self._socket.recv(65535)
            except BlockingIOError:
                return found
            found += self._mav.parse_buffer(data) or []

    def close(self) -> None:
        self._socket.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
