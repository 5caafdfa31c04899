from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgerund.clock import ManualClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import Sense
from tests.boards import BoardFixture, names
from tools.capture_board import capture, main, pack, parse, unpack


def senses_of(root: Path) -> dict[str, Sense]:
    hub = SensorHub(FileRoot(root), ManualClock())
    hub.poll_due()
    return hub.senses()


@pytest.mark.parametrize("name", names())
def test_a_captured_board_is_read_like_the_board(name: str, tmp_path: Path) -> None:
    fixture = BoardFixture(name, tmp_path / "board")
    found = capture(fixture.root)
    assert parse(pack(found)) == found
    held = unpack(parse(pack(found)), tmp_path / "again")
    assert senses_of(tmp_path / "again") == senses_of(fixture.root)
    assert senses_of(fixture.root)
    fixture.close()
    for fd in held:
        os.close(fd)


def test_what_a_board_would_rather_keep_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/power_supply/BAT0"
    folder.mkdir(parents=True)
    for name in ("type", "serial_number", "capacity", "uevent"):
        (folder / name).write_text("Battery\n")
    phone = tmp_path / "sys/class/power_supply/hid-aa:bb:cc:dd:ee:ff-battery"
    phone.mkdir()
    (phone / "type").write_text("Battery\n")
    assert set(capture(tmp_path)) == {
        "/sys/class/power_supply/BAT0/type",
        "/sys/class/power_supply/BAT0/capacity",
    }


def test_errors_and_interrupts_are_captured_as_such(tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "type").write_text("cv0-thermal\n")
    os.mkfifo(zone / "temp")
    held = os.open(zone / "temp", os.O_RDWR | os.O_NONBLOCK)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  1 2 3 4\nintr 5 6 7\nctxt 8\n")
    found = capture(tmp_path)
    os.close(held)
    assert found["/sys/class/thermal/thermal_zone0/temp"] == "! EAGAIN"
    assert found["/proc/stat"] == "= cpu  1 2 3 4\nintr 0\nctxt 8"


def test_the_tool_writes_a_folder_that_is_a_fixture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture = BoardFixture("laptop_x86", tmp_path / "board")
    assert main([str(tmp_path / "mine"), "--sysroot", str(fixture.root), "--pause", "0"]) == 0
    fixture.close()
    assert {p.name for p in (tmp_path / "mine").iterdir()} == {"tree.txt", "next.txt"}
    assert "files" in capsys.readouterr().out
    assert main([str(tmp_path / "none"), "--sysroot", str(tmp_path / "empty"), "--pause", "0"]) == 1


def test_a_line_that_is_no_entry_is_told_by_its_number() -> None:
    with pytest.raises(ValueError, match="cannot read line 3"):
        parse("# a comment\n/a = 1\nnonsense\n")
