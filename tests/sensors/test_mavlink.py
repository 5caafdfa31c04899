"""A real pymavlink sender over UDP: the right battery, the right charge state, whatever else is on the line."""

from __future__ import annotations

import os
import pty
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgerund.clock import SystemClock
from edgerund.errors import PluginError
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.mavlink import onboard_status
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, Sense
from tests.sensors.mavlink_sender import Autopilot, free_port
from tests.waiting import wait_for

WITHIN_S = 2.0
START_S = 10.0
Start = Callable[..., "Line"]
Fly = Callable[..., Autopilot]


class Line:
    """A hub with the MAVLink reader alone, and the port it listens on."""

    def __init__(self, root: Path, port: int, **options: Any) -> None:
        self.port = port
        settings = {"url": f"udpin:127.0.0.1:{port}", "period_s": 0.2, **options}
        self.hub = SensorHub(FileRoot(root), SystemClock(), ["mavlink"], {"mavlink": settings})
        self.hub.start()

    def sense(self, name: str) -> Sense | None:
        return self.hub.senses().get(name)

    def value(self, name: str) -> float | None:
        s = self.sense(name)
        return s.value if isinstance(s, Reading) else None


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Start]:
    pytest.importorskip("pymavlink")
    made: list[Line] = []

    def start(port: int | None = None, **options: Any) -> Line:
        made.append(Line(tmp_path, port or free_port(), **options))
        return made[-1]

    yield start
    for one in made:
        one.hub.stop()


@pytest.fixture
def fly() -> Iterator[Fly]:
    made: list[Autopilot] = []

    def start(port: int, system_id: int = 1, component_id: int = 1, **options: Any) -> Autopilot:
        made.append(Autopilot(port, system_id, component_id, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


def sends(autopilot: Autopilot, percent: int = 60, **fields: Any) -> Callable[[], None]:
    def send() -> None:
        autopilot.heartbeat()
        autopilot.battery(battery_remaining=percent, **fields)

    return send


def eventually(
    send: Callable[[], None], condition: Callable[[], bool], within_s: float, what: str
) -> None:
    def both() -> bool:
        send()
        return condition()

    wait_for(both, within_s, what)


def test_the_vehicles_battery_is_told_apart_from_all_others(line: Start, fly: Fly) -> None:
    there = line()
    own, foreign = fly(there.port, 1), fly(there.port, 7)
    gimbal = fly(there.port, 1, component_id=154)

    def everything() -> None:
        own.heartbeat()
        own.battery(id=1, battery_function=4, battery_remaining=11, charge_state=3)  # payload
        own.battery(
            id=0,
            battery_function=1,
            battery_remaining=64,
            charge_state=2,
            current_battery=1250,
            cells=[3900, 3950, 3920],
            time_remaining=300,
        )
        own.system(24_000, 100, 99)  # must not win over BATTERY_STATUS
        foreign.heartbeat()
        foreign.battery(id=0, battery_function=1, battery_remaining=3, charge_state=4)
        gimbal.heartbeat(autopilot=8)

    # the first heartbeat that is heard decides: let it be our own
    eventually(sends(own, 64), lambda: there.value("battery_percent") == 64, START_S, "a start")
    eventually(
        everything, lambda: there.value("battery_charge_state") == 2, WITHIN_S, "charge state"
    )
    for _ in range(20):
        everything()
        assert there.value("battery_percent") == 64
    assert there.value("battery.mavlink.voltage_mv") == 3900 + 3950 + 3920
    assert there.value("battery.mavlink.current_ma") == -12_500
    assert there.value("battery.mavlink.power_mw") == pytest.approx(-11.77 * 12_500)
    assert there.value("battery_left.gauge_s") == 300
    assert there.value("mavlink.battery1.percent") == 11
    assert there.value("on_mains") == 0
    assert not any(n.startswith("mavlink.battery7") for n in there.hub.senses())
    assert isinstance(there.sense("power_mw"), NoData), "a vehicle's battery feeds its motors too"


def test_a_configured_vehicle_and_battery_are_the_only_ones_heard(line: Start, fly: Fly) -> None:
    there = line(system_id=7, battery_id=2, full_mwh=50_000)
    first, ours = fly(there.port, 1), fly(there.port, 7)

    def both() -> None:
        sends(first, 99)()
        sends(ours, 20, id=0)()
        sends(ours, 55, id=2)()

    def heard() -> bool:  # the reader may begin to listen between the two batteries
        return there.value("battery_percent") == 55 and bool(
            there.value("mavlink.battery0.percent")
        )

    eventually(both, heard, START_S, "battery 2 of system 7")
    assert there.value("battery_energy_mwh") == pytest.approx(27_500)
    assert there.value("mavlink.battery0.percent") == 20


def test_a_change_of_charge_state_is_seen_within_two_seconds(line: Start, fly: Fly) -> None:
    there = line()
    own = fly(there.port)
    eventually(
        sends(own, 40, charge_state=1),
        lambda: there.value("battery_charge_state") == 1,
        START_S,
        "start",
    )
    eventually(
        sends(own, 35, charge_state=3),
        lambda: there.value("battery_charge_state") == 3,
        WITHIN_S,
        "critical",
    )
    assert there.value("battery_percent") == 35


def test_half_of_the_messages_lost_and_bytes_flipped_change_nothing(line: Start, fly: Fly) -> None:
    there = line()
    own = fly(there.port)
    rng = random.Random(1)

    def noisy() -> None:
        own.send_bytes(rng.randbytes(rng.randint(1, 300)))
        own.heartbeat()
        good = own.battery(battery_remaining=33, charge_state=1)
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        own.send_bytes(bytes(bad))
        own.send_bytes(good[: rng.randrange(1, len(good))])
        if rng.random() < 0.5:
            own.battery(battery_remaining=33, charge_state=1)

    eventually(noisy, lambda: there.value("battery_percent") == 33, START_S, "a start in the noise")
    end_s = time.monotonic() + 1.5
    while time.monotonic() < end_s:
        noisy()
        assert there.value("battery_percent") in (33, None)
        assert there.value("battery_charge_state") in (1, None)
    eventually(noisy, lambda: there.value("battery_percent") == 33, WITHIN_S, "the end")


def test_a_silent_autopilot_is_stale_and_a_restarted_one_is_heard_again(
    line: Start, fly: Fly
) -> None:
    there = line(max_age_s=0.6)
    own = fly(there.port)
    eventually(sends(own, 80), lambda: there.value("battery_percent") == 80, START_S, "a start")
    wait_for(lambda: isinstance(there.sense("battery_percent"), NoData), 3.0, "staleness")
    gone = there.sense("battery_percent")
    assert isinstance(gone, NoData)
    assert gone.reason == "stale"
    own.close()
    again = fly(there.port)  # another port, its sequence numbers from 0
    eventually(
        sends(again, 79), lambda: there.value("battery_percent") == 79, WITHIN_S, "the restart"
    )


def test_without_an_autopilot_the_battery_is_absent_and_says_why(line: Start, fly: Fly) -> None:
    there = line()

    def told() -> bool:
        s = there.sense("battery_percent")
        return isinstance(s, NoData) and "no autopilot" in s.detail

    wait_for(told, START_S, "the reason")


def test_system_status_counts_only_where_there_is_nothing_better(line: Start, fly: Fly) -> None:
    there = line()
    own = fly(there.port)

    def plain() -> None:
        own.heartbeat()
        own.system(11_100, 500, 47)

    eventually(plain, lambda: there.value("battery_percent") == 47, START_S, "SYS_STATUS")
    assert there.value("battery.mavlink.power_mw") == pytest.approx(-11.1 * 5000)


def test_the_helper_is_started_again_after_it_was_killed(line: Start, fly: Fly) -> None:
    there = line(max_age_s=1.0)
    own = fly(there.port)
    eventually(sends(own, 50), lambda: there.value("battery_percent") == 50, START_S, "a start")
    (slot,) = there.hub._slots
    child = slot._sensor._child  # type: ignore[attr-defined]
    assert child is not None
    child.kill()
    eventually(lambda: None, lambda: there.value("battery_percent") is None, 5.0, "its end")
    eventually(sends(own, 49), lambda: there.value("battery_percent") == 49, START_S, "its return")


def test_a_port_that_is_taken_is_told_and_tried_again(
    line: Start, fly: Fly, tmp_path: Path
) -> None:
    there = line(url="udpin:192.0.2.1:14550")

    def told() -> bool:
        s = there.sense("battery_percent")
        return isinstance(s, NoData) and "192.0.2.1" in s.detail

    wait_for(told, START_S, "the reason")


def test_it_works_over_a_serial_line_that_is_unplugged_and_back(
    line: Start, fly: Fly, tmp_path: Path
) -> None:
    def plug() -> int:
        master, slave = pty.openpty()
        device = tmp_path / "ttyTHS1"
        device.unlink(missing_ok=True)
        device.symlink_to(os.ttyname(slave))
        held.append(slave)
        return master

    held: list[int] = []
    wire = plug()
    there = line(url=str(tmp_path / "ttyTHS1"), baud=921600, max_age_s=1.0)
    own = fly(there.port, send=lambda data: os.write(wire, data))
    eventually(sends(own, 70), lambda: there.value("battery_percent") == 70, START_S, "a start")
    os.close(held.pop())
    os.close(wire)
    wait_for(lambda: there.value("battery_percent") is None, 5.0, "the loss")
    wire = plug()
    eventually(sends(own, 69), lambda: there.value("battery_percent") == 69, START_S, "the return")
    os.close(wire)


def test_the_ground_station_is_shown_this_computer(line: Start, fly: Fly) -> None:
    there = line()
    own = fly(there.port, 3)
    seen: list[Any] = []

    def shown() -> bool:
        seen.extend(own.received())
        return any(m.get_type() == "ONBOARD_COMPUTER_STATUS" for m in seen)

    eventually(sends(own, 70), shown, START_S, "ONBOARD_COMPUTER_STATUS")
    status = next(m for m in seen if m.get_type() == "ONBOARD_COMPUTER_STATUS")
    assert (status.get_srcSystem(), status.get_srcComponent()) == (3, 191)
    assert status.cpu_cores[0] == 255, "unknown, since no other reader runs here"
    heartbeat = next(m for m in seen if m.get_type() == "HEARTBEAT")
    assert (heartbeat.type, heartbeat.autopilot) == (18, 8)


def test_an_autopilot_that_keeps_its_battery_to_itself_is_asked(line: Start, fly: Fly) -> None:
    there = line()
    own = fly(there.port, 3)
    seen: list[Any] = []

    def asked() -> bool:
        seen.extend(m for m in own.received() if m.get_type() == "COMMAND_LONG")
        return bool(seen)

    eventually(own.heartbeat, asked, START_S, "the question")
    assert (seen[0].command, seen[0].param1, seen[0].target_system) == (511, 147.0, 3)


def test_onboard_status_carries_what_is_known() -> None:
    pytest.importorskip("pymavlink")
    from pymavlink.dialects.v20 import common

    def r(name: str, value: float) -> Reading:
        return Reading(name, value, "", 0.0, "")

    senses = [
        r("cpu_load", 0.5),
        r("cpu.core0.load", 0.25),
        r("gpu_load", 1.0),
        r("temp_c", 61.6),
        r("memory.total_bytes", 8192 * 2**20),
        r("memory.available_bytes", 2048 * 2**20),
    ]
    fields = onboard_status({s.name: s for s in senses}, 12.5, 1_700_000_000.0)
    packer = common.MAVLink(None, 1, 191)
    message = common.MAVLink_onboard_computer_status_message(**fields)
    (back,) = common.MAVLink(None).parse_buffer(message.pack(packer))
    assert back.uptime == 12_500
    assert back.cpu_cores == [25, *[255] * 7]
    assert set(back.cpu_combined) == {50}
    assert back.gpu_cores[0] == 100
    assert back.temperature_core[0] == 62
    assert (back.ram_usage, back.ram_total) == (6144, 8192)


@pytest.mark.parametrize(
    "options", [{"url": "tcp:1.2.3.4:5"}, {"url": "udpin:x"}, {"system_id": 0}, {"colour": "red"}]
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(PluginError, match="cannot set up the sensor 'mavlink'"):
        SensorHub(FileRoot(tmp_path), SystemClock(), ["mavlink"], {"mavlink": options})
