"""Every fixture board yields exactly its readings. Adding a board is adding a folder under tests/boards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgerund.clock import ManualClock, SystemClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, Sense
from tests.boards import BoardFixture, names
from tests.sensors.mavlink_sender import Autopilot, free_port
from tests.waiting import wait_for


def told(senses: Mapping[str, Sense]) -> dict[str, Any]:
    return {
        "senses": {
            n: [round(s.value, 6), s.unit, s.source]
            for n, s in senses.items()
            if isinstance(s, Reading)
        },
        "no_data": {n: s.reason for n, s in senses.items() if isinstance(s, NoData)},
    }


def two_rounds(fixture: BoardFixture) -> dict[str, Sense]:
    clock = ManualClock()
    hub = SensorHub(FileRoot(fixture.root), clock)
    hub.poll_due()
    fixture.two_seconds_later()
    clock.advance(2.0)
    hub.poll_due()
    return hub.senses()


@pytest.mark.parametrize("name", [n for n in names() if n != "companion_mavlink"])
def test_a_board_yields_exactly_its_readings(
    name: str, board: Callable[[str], BoardFixture]
) -> None:
    fixture = board(name)
    found = told(two_rounds(fixture))
    expected = fixture.expected()
    assert found["senses"] == expected["senses"]
    assert found["no_data"] == expected["no_data"]


def test_a_companion_computer_knows_its_battery_by_mavlink(
    board: Callable[[str], BoardFixture],
) -> None:
    fixture = board("companion_mavlink")
    port = free_port()
    url = f"udpin:127.0.0.1:{port}"
    options = {"mavlink": {"url": url, "full_mwh": 80000, "period_s": 0.1}}
    hub = SensorHub(FileRoot(fixture.root), SystemClock(), options=options)
    hub.start()
    autopilot = Autopilot(port)
    try:
        wait_for(hub.settled, what="a first round")
        fixture.two_seconds_later()

        def answered() -> bool:
            autopilot.heartbeat()
            for message in fixture.vehicle():
                autopilot.battery(**message)
            senses = hub.senses()
            return all(isinstance(senses.get(n), Reading) for n in fixture.expected()["senses"])

        wait_for(answered, what="every expected sense")
        found = told(hub.senses())
        for name in found["senses"]:
            found["senses"][name][2] = found["senses"][name][2].replace(str(port), "PORT")
        assert found["senses"] == fixture.expected()["senses"]
        assert found["no_data"] == fixture.expected()["no_data"]
    finally:
        hub.stop()
        autopilot.close()
