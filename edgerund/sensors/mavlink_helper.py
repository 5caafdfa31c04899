"""The process that speaks MAVLink: listens on UDP or a serial line, prints JSON lines, sends what it is told.

Run by ``mavlink.py`` as ``python -m edgerund.sensors.mavlink_helper SETTINGS``. It needs pymavlink's generated
parser, and neither pyserial nor mavutil (which brings numpy and guesses the protocol version from one byte).
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any

from edgerund.sensors.child import fail, say
from edgerund.sensors.mavlink_links import Link, UdpLink, open_link
from edgerund.sensors.mavlink_vehicle import Vehicle

SAY_EVERY_S = 0.25
BATCH_S = 0.05
"""Datagrams are taken in bunches: a telemetry stream would otherwise wake the processor for each."""
ASK_EVERY_S = 5.0
_ONBOARD_CONTROLLER, _AUTOPILOT_INVALID, _ACTIVE = 18, 8, 4
_SET_MESSAGE_INTERVAL, _BATTERY_STATUS = 511, 147
_COMPONENT_ONBOARD = 191


class Station:
    """One link, one vehicle, and the component that we are on it."""

    def __init__(
        self, link: Link, vehicle: Vehicle, settings: dict[str, Any], dialect: Any
    ) -> None:
        self._link, self._vehicle, self._settings, self._dialect = link, vehicle, settings, dialect
        self._parser = dialect.MAVLink(None, srcSystem=1, srcComponent=_COMPONENT_ONBOARD)
        self._parser.robust_parsing = True
        self._asked_s = float("-inf")

    def listen(self, now_s: float) -> None:
        """Take in everything that waits."""
        while data := self._link.receive():
            for message in self._parser.parse_buffer(data) or ():
                self._vehicle.feed(message, now_s)
                if message.get_srcSystem() == self._vehicle.system_id:
                    self._link.trust()
        self._vehicle.expire(now_s)
        self._ask_for_battery(now_s)

    def say(self) -> None:
        """Print what is known, one line."""
        rows = self._vehicle.rows(str(self._settings["url"]))
        say({"senses": rows} if rows else {"failed": self._why()})

    def send(self, line: str) -> None:
        """Show this computer to the ground station: a heartbeat and ONBOARD_COMPUTER_STATUS."""
        self._emit(
            self._dialect.MAVLink_heartbeat_message(
                _ONBOARD_CONTROLLER, _AUTOPILOT_INVALID, 0, 0, _ACTIVE, 3
            )
        )
        self._emit(self._dialect.MAVLink_onboard_computer_status_message(**json.loads(line)))

    def _why(self) -> list[str]:
        if self._vehicle.system_id is None:
            return ["offline", "no autopilot is heard"]
        return ["offline", f"system {self._vehicle.system_id} says nothing about a battery"]

    def _ask_for_battery(self, now_s: float) -> None:
        silent_s = self._vehicle.silent_s(now_s)
        if silent_s is None or silent_s < ASK_EVERY_S or now_s - self._asked_s < ASK_EVERY_S:
            return
        self._asked_s = now_s
        if self._settings["ask"]:
            self._emit(
                self._dialect.MAVLink_command_long_message(
                    self._vehicle.system_id,
                    1,
                    _SET_MESSAGE_INTERVAL,
                    0,
                    _BATTERY_STATUS,
                    1_000_000,
                    *(0.0,) * 5,
                )
            )

    def _emit(self, message: Any) -> None:
        if self._vehicle.system_id is not None:
            self._parser.srcSystem = self._vehicle.system_id
        self._link.write(message.pack(self._parser))
        self._parser.seq = (self._parser.seq + 1) % 256


def main(settings_json: str) -> int:
    """Run until standard input ends."""
    settings = json.loads(settings_json)
    try:
        from pymavlink.dialects.v20 import common
    except ImportError:
        return fail("absent", "the module pymavlink is missing: pip install 'edgerund[mavlink]'")
    try:
        link = open_link(settings["url"], settings["baud"])
        vehicle = Vehicle(settings["system_id"], settings["battery_id"], settings["full_mwh"])
        _serve(Station(link, vehicle, settings, common), link)
    except PermissionError as e:
        return fail("denied", f"cannot open {settings['url']}: {e.strerror}")
    except (OSError, ValueError) as e:
        return fail("io", f"cannot use {settings['url']}: {e}")
    return 0


def _serve(station: Station, link: Link) -> None:
    waiting = b""
    said_s = 0.0
    poller = select.poll()
    poller.register(link.fileno(), select.POLLIN)
    poller.register(0, select.POLLIN)
    while True:
        ready = dict(poller.poll(1000 * SAY_EVERY_S))
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                station.send(line.decode())
        now_s = time.monotonic()
        station.listen(now_s)
        if now_s - said_s >= SAY_EVERY_S:
            station.say()
            said_s = now_s
        if link.fileno() in ready and isinstance(link, UdpLink):
            time.sleep(BATCH_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
