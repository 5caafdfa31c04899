"""What an operator types at a running daemon: status, why, pin, unpin, reload; for people and for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgerund.cli import pin, status, why
from edgerund.errors import UsageError
from tests.daemon.conftest import Running, Start
from tests.daemon.conftest import start as start  # noqa: PLC0414 - a fixture of another room
from tests.daemon.ladders import write_ladder
from tests.waiting import wait_for


@pytest.fixture
def daemon(start: Start, tmp_path: Path) -> Running:
    variants: dict[str, Any] = {"top": {}, "mid": {"fail_load": "on purpose"}, "low": {}}
    running = start(
        {"ladders": [{"path": str(write_ladder(tmp_path / "demo", variants=variants))}]}
    )
    wait_for(lambda: running.status()["variants"][1]["quarantined"] or True, what="a look")
    return running


def edgerund(daemon: Running, *argv: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "edgerund", *argv, "--runtime-dir", str(daemon.runtime_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_an_operators_session(daemon: Running) -> None:
    code, out, _ = edgerund(daemon, "status")
    assert code == 0
    assert "demo (classify): top answers" in out
    assert json.loads(edgerund(daemon, "status", "--json")[1])["ladders"][0]["name"] == "demo"

    code, out, _ = edgerund(daemon, "pin", "demo", "low", "--for", "10m", "--reason", "night")
    assert (code, out) == (0, "demo: held on low for 10m\n")
    wait_for(lambda: daemon.status()["live"] == "low", what="the hold")
    out = edgerund(daemon, "status")[1]
    assert "held on low for 9 min 5" in out
    assert "night" in out
    out = edgerund(daemon, "why", "demo")[1]
    assert "demo: low serves" in out
    assert "night" in out
    assert "top" in out
    told = json.loads(edgerund(daemon, "why", "--json")[1])
    assert told["decisions"][0]["reason"]["code"] == "hold"

    assert edgerund(daemon, "unpin", "demo")[1] == "demo: no longer held on low\n"
    assert edgerund(daemon, "unpin", "demo")[1] == "demo: was not held\n"
    assert edgerund(daemon, "reload")[1] == "reloaded; ladders: demo; replaced: none\n"
    assert json.loads(edgerund(daemon, "reload", "--json")[1]) == {
        "ladders": ["demo"],
        "replaced": [],
    }


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["pin", "nosuch", "top"], "running are demo"),
        (["pin", "demo", "nosuch"], "'demo' has top, mid, low"),
        (["pin", "demo", "top", "--for", "999d"], "up to a year"),
        (["unpin", "nosuch"], "running are demo"),
        (["why", "nosuch"], "running are demo"),
    ],
)
def test_what_the_daemon_refuses_is_one_sentence(
    daemon: Running, argv: list[str], words: str
) -> None:
    code, out, err = edgerund(daemon, *argv)
    assert (code, out) == (14, "")
    assert err.startswith("edgerund: cannot ")
    assert words in err


def test_a_typo_in_the_settings_is_told_with_its_line_and_changes_nothing(daemon: Running) -> None:
    file = daemon.runtime_dir / "edgerund.yaml"
    file.write_text(file.read_text() + "tick: 3\n")
    code, _, err = edgerund(daemon, "reload")
    assert code == 10
    assert f"{file}:" in err
    assert "unknown key" in err
    assert daemon.status()["live"] == "top"


def test_a_reader_that_goes_away_is_no_error(daemon: Running) -> None:
    done = subprocess.run(
        f"{sys.executable} -m edgerund status --runtime-dir {daemon.runtime_dir} | head -c 1; "
        f"{sys.executable} -m edgerund status --runtime-dir {daemon.runtime_dir} >/dev/full; echo $?",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.count("\n") <= 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stdout.splitlines()[-1] == "e1" or done.stdout.splitlines()[-1].endswith("1")


STATUS: dict[str, Any] = {
    "version": "1",
    "ready": False,
    "up_s": 3700.0,
    "policy": "default",
    "pid": 7,
    "waits_for": ["demo: top loads"],
    "ladders": [
        {
            "name": "demo",
            "task": "classify",
            "live": None,
            "live_for_s": 0.0,
            "hold": None,
            "reason": None,
            "restarts": 2,
            "serving": {},
            "variants": [
                {
                    "name": "top",
                    "resident": False,
                    "quarantined": "wrong checksum",
                    "accuracy": 0.925,
                    "latency_ms": None,
                    "answered": 0,
                }
            ],
        }
    ],
    "senses": [
        {"name": "temp_c", "value": 55.5, "unit": "C"},
        {"name": "power_mw", "absent": "absent", "detail": "no rail"},
        {"name": "zone.a.temp_c", "value": 55.5, "unit": "C"},
    ],
}


def test_status_tells_what_is_wrong_before_anything_answers() -> None:
    told = status.render(STATUS)
    assert "starting, up 1 h 01 min" in told
    assert "waits for demo: top loads" in told
    assert "demo (classify): nothing answers" in told
    assert "worker restarted 2 times" in told
    assert "QUARANTINED: wrong checksum" in told
    assert "92.50 %" in told
    assert "absent: no rail" in told
    assert "zone.a" not in told


def test_why_tells_that_nothing_is_decided_and_that_a_swap_is_under_way() -> None:
    reason = {
        "code": "best",
        "text": "all is well",
        "constraint": "",
        "observed": None,
        "limit": None,
    }
    decision = {
        "ladder": "a",
        "variant": "top",
        "reason": reason,
        "at_s": 5.0,
        "changed": True,
        "voluntary": True,
        "rejected": [{"variant": "low", "reason": {**reason, "text": "less accurate"}}],
        "headroom": {"temperature": 0.5},
        "warm": ["low"],
        "notes": ["no battery"],
        "since_s": 1.0,
    }
    told = why.render({"decisions": [decision], "live": {"a": "low", "b": ""}, "now_s": 5.0})
    assert "a: top serves, for 4 s" in told
    assert "low still answers" in told
    assert "less accurate" in told
    assert "note: no battery" in told
    assert "b: nothing is decided" in told


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400), ("5min", 300)]
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert pin.parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1s", "1e3s", "inf", "nan s", "10 m m"])
def test_other_times_are_not(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the time"):
        pin.parse_duration_s(text)
