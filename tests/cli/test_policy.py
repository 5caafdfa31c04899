from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgerund.cli import main

POLICIES = Path(__file__).resolve().parents[2] / "policies"
DEFAULT, DRONE = str(POLICIES / "default.yaml"), str(POLICIES / "drone.yaml")


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text("policy: p\nconstrains: {}\nlost: {temp_c: panic}\n", encoding="utf-8")
    return str(path)


def test_check_says_that_good_files_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", DEFAULT, DRONE]) == 0
    out = capsys.readouterr().out
    assert "policy 'default' is valid" in out
    assert "policy 'drone' is valid" in out


def test_check_names_every_mistake_with_its_line(
    capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    assert main(["policy", "check", DEFAULT, wrong]) == 10
    told = capsys.readouterr()
    assert f"{wrong}:2: constrains: unknown key" in told.err
    assert f"{wrong}:3: lost.temp_c" in told.err
    assert "'default' is valid" in told.out


def test_check_tells_mistakes_as_data(capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    assert main(["policy", "check", "--json", wrong]) == 10
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["line"], line["where"]) for line in lines] == [
        (2, "constrains"),
        (3, "lost.temp_c"),
    ]


def test_a_missing_file_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "nowhere.yaml"]) == 10
    assert "nowhere.yaml: cannot read it" in capsys.readouterr().err
    assert main(["policy", "explain", "nowhere.yaml"]) == 10


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "schema"]) == 0
    assert "objective" in json.loads(capsys.readouterr().out)["properties"]


def test_explain_is_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", DRONE]) == 0
    out = capsys.readouterr().out
    assert "20 % of the battery stay in reserve until 1200 s after it became the source" in out
    assert "battery_percent lost: only the cheapest variant" in out


def test_diff_tells_what_changed_and_answers_like_diff(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "diff", DEFAULT, DEFAULT]) == 0
    assert main(["policy", "diff", DEFAULT, DRONE]) == 1
    out = capsys.readouterr().out
    assert "- replies come within 250 ms in 99 % of cases" in out
    assert "+ replies come within 80 ms in 99 % of cases" in out


SHORT = """
policy: short
constraints: {temp_c: {max: 80}}
expect:
- scenario: {about: a minute in a cool room, ambient_c: 20, duration_s: 300}
  temp_over_limit_s: 0
  accuracy: %s
"""


@pytest.mark.parametrize(("accuracy", "code", "word"), [(0.5, 0, "ok"), (0.99, 1, "FAIL")])
def test_test_runs_what_the_policy_expects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], accuracy: float, code: int, word: str
) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(SHORT % accuracy, encoding="utf-8")
    assert main(["policy", "test", str(path)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(word)


def test_test_tells_figures_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "short.yaml"
    path.write_text(SHORT % 0.5, encoding="utf-8")
    assert main(["policy", "test", "--json", str(path)]) == 0
    checks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [c["what"] for c in checks] == ["temp_over_limit_s", "accuracy"]
    assert all(c["met"] for c in checks)
