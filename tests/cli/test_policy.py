from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgerund.cli import main
from tests.learned.networks import likes

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


LEARNS = "policy: learns\nlearned:\n  file: net.onnx\n"


@pytest.fixture
def learns(tmp_path: Path) -> Path:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "learns.yaml"
    path.write_text(LEARNS, encoding="utf-8")
    likes(tmp_path / "net.onnx", 6, 7)
    return path


def test_check_holds_a_network_against_the_ladders_that_it_is_to_serve(
    learns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", str(learns), "--ladder", "camera"]) == 0
    likes(tmp_path / "net.onnx", 0, 3)
    assert main(["policy", "check", str(learns)]) == 0
    capsys.readouterr()
    assert main(["policy", "check", str(learns), "--ladder", "camera"]) == 10
    told = capsys.readouterr().err
    assert f"{learns}:3: learned.file: cannot use " in told
    assert "it takes 20 numbers and scores 3; 7 variants need 40 and 7" in told
    learns.write_text(LEARNS + "  ladders: [other]\n", encoding="utf-8")
    assert main(["policy", "check", str(learns), "--ladder", "camera"]) == 0


def test_check_names_a_network_that_is_not_there_or_broken(
    learns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.onnx").write_bytes(b"nonsense")
    assert main(["policy", "check", str(learns)]) == 10
    assert f"{learns}:3: learned.file: cannot load net.onnx" in capsys.readouterr().err
    with (tmp_path / "net.onnx").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert main(["policy", "check", str(learns)]) == 10
    assert "larger than 64 MiB" in capsys.readouterr().err
    (tmp_path / "net.onnx").unlink()
    for verb in ("check", "test", "explain"):
        assert main(["policy", verb, str(learns)]) == 10
        assert f"{learns}:3: learned.file: cannot find the network" in capsys.readouterr().err


def test_a_network_is_told_in_words_and_makes_a_difference(
    learns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "explain", str(learns)]) == 0
    assert f"the network {tmp_path / 'net.onnx'} (" in capsys.readouterr().out
    other = tmp_path / "other.yaml"
    other.write_text("policy: learns\n", encoding="utf-8")
    assert main(["policy", "diff", str(other), str(learns)]) == 1


def test_test_and_simulate_run_the_network_that_the_policy_names(
    learns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = "{about: a minute in a cool room, ambient_c: 20, duration_s: 120}"
    expect = f"expect:\n- {{scenario: {scenario}, accuracy: 0.6}}\n"
    learns.write_text(LEARNS + expect, encoding="utf-8")
    assert main(["policy", "test", str(learns)]) == 1, "the cheapest variant, all the time"
    learns.write_text("policy: plain\n" + expect, encoding="utf-8")
    assert main(["policy", "test", str(learns)]) == 0
    (tmp_path / "s.yaml").write_text("about: cool\nambient_c: 20\nduration_s: 120\n")
    command = ["simulate", str(learns), "--scenario", str(tmp_path / "s.yaml"), "--json"]
    capsys.readouterr()
    assert main(command) == 0
    assert main([*command, "--learned", str(tmp_path / "net.onnx")]) == 0
    plain, learned = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert learned["accuracy"] < 0.6 < plain["accuracy"]
    assert main([*command, "--learned", "nowhere.onnx"]) == 2
