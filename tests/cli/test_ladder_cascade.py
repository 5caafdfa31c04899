"""``edgerund ladder`` with a cascade among the variants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgerund.checksum import file_sha256
from edgerund.cli import main
from tests.ladders import FAKE_CLASSIFIER, classifier_ladder, write_fake


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    """A ladder of two fakes and their cascade; the folder."""
    file = classifier_ladder(tmp_path, top={}, small={})
    members: list[dict[str, Any]] = [
        {"file": f"{name}.fake", "sha256": file_sha256(tmp_path / f"{name}.fake")}
        for name in ("small", "top")
    ]
    members[0]["accept"] = {"kind": "softmax", "at_least": 0.6}
    both = tmp_path / "both.cascade"
    both.write_text(json.dumps({"members": members}))
    told = yaml.safe_load(file.read_text())
    told["variants"].insert(
        1, {"name": "both", "file": "both.cascade", "sha256": file_sha256(both)}
    )
    file.write_text(yaml.safe_dump(told, sort_keys=False))
    return tmp_path


def check(capfd: pytest.CaptureFixture[str], folder: Path) -> tuple[int, str]:
    code = main(["ladder", "check", str(folder)])
    return code, capfd.readouterr().out


def test_check_runs_a_cascade_and_golden_keeps_its_answer(
    ladder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out = check(capfd, ladder)
    assert code == 0
    assert "\nboth: ok (cascade 1; load " in out
    assert main(["ladder", "golden", str(ladder)]) == 0
    with (ladder / "ladder.yaml").open("a") as file:
        file.write("golden: {file: golden.npz}\n")
    code, out = check(capfd, ladder)
    assert code == 0
    assert out.count("golden answer") == 3


def test_check_refuses_a_cascade_that_was_changed(
    ladder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    both = ladder / "both.cascade"
    both.write_text(both.read_text().replace("0.6", "0.1"))
    code, out = check(capfd, ladder)
    assert code == 10
    assert "sha256" in out


def test_check_refuses_a_cascade_whose_member_was_replaced(
    ladder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = yaml.safe_load((ladder / "ladder.yaml").read_text())
    told["variants"] = [v for v in told["variants"] if v["name"] != "small"]
    (ladder / "ladder.yaml").write_text(yaml.safe_dump(told))
    write_fake(ladder, "small", {**FAKE_CLASSIFIER, "seed": 77})
    code, out = check(capfd, ladder)
    assert code == 11
    assert "both: NOT USABLE: cannot load both.cascade: the sha256 of small.fake is" in out
    assert "\ntop: ok" in "\n" + out


def test_check_refuses_a_member_outside_the_ladders_folder(
    ladder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    both = ladder / "both.cascade"
    (ladder.parent / "top.fake").write_bytes((ladder / "top.fake").read_bytes())
    old = file_sha256(both)
    both.write_text(both.read_text().replace('"top.fake"', '"../top.fake"'))
    file = ladder / "ladder.yaml"
    file.write_text(file.read_text().replace(old, file_sha256(both)))
    code, out = check(capfd, ladder)
    assert code == 11
    assert "'../top.fake' lies outside the cascade's folder" in out
