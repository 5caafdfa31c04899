from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgerund.cli import main
from edgerund.sim import bundled
from edgerund.sim.plant import Plant

STUDY = bundled.scenarios_dir() / "policies" / "study.yaml"


class CoolPlant(Plant):
    """A third party's plant, named as module:Class."""

    rail_share = 0.5


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text("about: short\nduration_s: 180\nambient_c: 44\nbattery: {capacity_wh: 9}\n")
    return path


def test_simulate_prints_the_figures(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(STUDY), "--scenario", str(short)]) == 0
    out = capsys.readouterr().out
    assert "below the bound" in out
    assert "mission" in out


def test_simulate_in_json_with_another_plant(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--scenario", str(short), "--json", "--seed", "3"]
    main(["simulate", str(STUDY), *arguments])
    usual = json.loads(capsys.readouterr().out)
    main(["simulate", str(STUDY), *arguments, "--plant", "tests.sim.test_commands:CoolPlant"])
    other = json.loads(capsys.readouterr().out)
    assert usual["seed"] == other["seed"] == 3
    assert 0 < usual["effective_accuracy"] <= usual["bound"]
    assert usual["bound"] == pytest.approx(other["bound"])


def test_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in bundled.scenario_names())


def test_report_and_recording_are_written_and_replay_agrees(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, tape = tmp_path / "out.html", tmp_path / "run.jsonl"
    arguments = ["--scenario", str(short), "--report", str(page), "--record", str(tape)]
    assert main(["simulate", str(STUDY), *arguments]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert main(["replay", str(tape)]) == 0
    assert "byte for byte" in capsys.readouterr().out
    assert main(["replay", str(tape), "--policy", str(STUDY), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["different"] == 0
    hot = tmp_path / "hot.yaml"
    hot.write_text(STUDY.read_text().replace("temp_c: {max: 80}", "temp_c: {max: 55}"))
    assert main(["replay", str(tape), "--policy", str(hot), "--exact"]) == 1
    assert "differ" in capsys.readouterr().out
    assert main(["replay", str(tape), "--policy", str(hot)]) == 0
    assert "another variant" in capsys.readouterr().out


def test_compare_prints_one_table(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--compare", "--scenario", str(short), "--seeds", "2", "--jobs", "2"]
    assert main(["simulate", str(STUDY), *arguments]) == 0
    out = capsys.readouterr().out
    for name in ("edgerund", "threshold", "step_wise", "alert-like", "fopdt-fuzzy", "static best"):
        assert name in out
    assert "2 cases with a bound" in out


def test_compare_in_json_for_one_controller(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--compare",
        "--scenario",
        str(short),
        "--seeds",
        "1",
        "--only",
        "edgerund",
        "--json",
    ]
    assert main(["simulate", str(STUDY), *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [line["controller"] for line in data["summary"]] == ["edgerund"]
    assert data["cases"][0]["scores"]["edgerund"]["over_limit_s"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate"], "cannot simulate without a policy"),
        (["simulate", str(STUDY), "--scenario", "nowhere"], "cannot find scenario 'nowhere'"),
        (["simulate", str(STUDY), "--ladder", "nothing"], "cannot find ladder 'nothing'"),
        (["simulate", str(STUDY), "--plant", "no.such:Plant"], "cannot load plant"),
        (["simulate", str(STUDY), "--compare", "--only", "pid"], "cannot compare pid"),
        (["replay", "/nonexistent"], "cannot replay /nonexistent"),
    ],
)
def test_a_wrong_command_says_what_to_do(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) != 0
    assert message in capsys.readouterr().err
