"""The whole factory on a tiny network: train, prune, distil, quantize, and a ladder that can be served."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edgerund.cli import main

RECIPE = Path(__file__).with_name("recipe.yaml")


def build(folder: Path, *more: str) -> int:
    command = ["build", str(RECIPE), "--out", str(folder / "ladder"), "--threads", "1"]
    return main([*command, "--store", str(folder / "store"), "--quick", "--seconds", "1", *more])


@pytest.mark.timeout(600)
def test_one_command_trains_compresses_and_measures_a_ladder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = build(tmp_path, "--keep-dominated")
    told = capfd.readouterr()
    assert code == 0, told.err
    ladder = tmp_path / "ladder"
    assert main(["ladder", "check", str(ladder)]) == 0
    names = {v["name"] for v in yaml.safe_load((ladder / "ladder.yaml").read_text())["variants"]}
    assert names == {
        "top-fp32",
        "int8",
        "qat",
        "half-fp32",
        "half-int8",
        "student-fp32",
        "lottery-fp32",
        "lowrank",
        "lowrank-tuned",
    }
    report = (ladder / "report.md").read_text()
    assert all(word in report for word in ("channels cut", "distilled", "QAT", "set to zero"))

    before = (ladder / "ladder.yaml").stat().st_mtime_ns
    capfd.readouterr()
    assert build(tmp_path, "--dry-run") == 0
    assert "0 to do" in capfd.readouterr().out
    assert (ladder / "ladder.yaml").stat().st_mtime_ns == before
