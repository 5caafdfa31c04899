"""``edgerund why --at``: of a running daemon, of one that is gone, and of a recording."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgerund.cli.when import parse_when_s
from edgerund.errors import UsageError
from tests.cli.test_daemon_commands import edgerund
from tests.daemon.conftest import Start
from tests.daemon.conftest import start as start  # noqa: PLC0414 - a fixture of another room
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for

NOW = datetime(2026, 5, 4, 14, 30, 10, tzinfo=timezone(timedelta(hours=2)))


def test_the_past_of_a_daemon_is_told_also_after_its_end(start: Start, tmp_path: Path) -> None:
    flight = tmp_path / "flight.jsonl"
    daemon = start(
        {
            "ladders": [{"path": str(write_ladder(tmp_path / "demo"))}],
            "recorder": {"file": str(flight)},
        }
    )
    wait_for(lambda: daemon.control.call("why")["decisions"], what="a decision")
    before = datetime.now().astimezone()
    wait_for(lambda: datetime.now().astimezone() > before + timedelta(seconds=0.3), what="a while")
    daemon.control.call("pin", ladder="demo", variant="low", reason="night")
    wait_for(lambda: daemon.status()["live"] == "low", what="the hold")

    then = before.isoformat()
    told = edgerund(daemon, "why", "demo", "--at", then)[1]
    assert told.startswith(f"at {before:%Y-%m-%d %H:%M:%S}\n\ndemo: top serves")
    assert "  then: low from " in told
    assert "night" in told
    assert "it has stayed so" in edgerund(daemon, "why", "--at", datetime.now().isoformat())[1]
    asked = json.loads(edgerund(daemon, "why", "--at", then, "--json")[1])
    assert [d["variant"] for d in asked["decisions"]] == ["top"]
    assert "nothing was decided yet" in edgerund(daemon, "why", "--at", "-2h")[1]

    recorded = edgerund(daemon, "why", "--at", then, "--recording", str(flight))[1]
    assert "demo: top serves" in recorded
    code, _, said = edgerund(daemon, "why", "--at", "-2h", "--recording", str(flight))
    assert (code, "cannot say why at" in said) == (2, True)

    left = tmp_path / "left"  # what is there after a crash
    left.mkdir()
    shutil.copy(daemon.runtime_dir / "decisions.jsonl", left)
    daemon.runtime_dir = left
    assert "demo: top serves" in edgerund(daemon, "why", "--at", then)[1]


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("14:03", "2026-05-04T14:03:00+02:00"),
        ("14:03:22", "2026-05-04T14:03:22+02:00"),
        ("23:59", "2026-05-03T23:59:00+02:00"),
        ("-10m", "2026-05-04T14:20:10+02:00"),
        ("90s", "2026-05-04T14:28:40+02:00"),
        ("2026-05-01T08:00", "2026-05-01T08:00:00+02:00"),
        ("2026-05-01T08:00:00Z", "2026-05-01T10:00:00+02:00"),
        ("2026-05-01T08:00:00+00:00", "2026-05-01T10:00:00+02:00"),
    ],
)
def test_times_are_read(text: str, then: str) -> None:
    assert parse_when_s(text, NOW) == datetime.fromisoformat(then).timestamp()


@pytest.mark.parametrize("text", ["", "25:00", "14:60", "yesterday", "-10", "2026-13-01", "10x"])
def test_other_times_are_not(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the time"):
        parse_when_s(text, NOW)
