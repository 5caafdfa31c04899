"""A recipe with a cascade from end to end: built, checked, its members shared, and served like any variant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from edgerund.build.factory import Job, open_factory
from edgerund.cli import main
from edgerund.config.card import read_card
from edgerund.config.ladder import load_ladder
from edgerund.errors import ConfigError, UsageError
from tests.build import nets
from tests.build.beds import frames_of
from tests.build.cascade.bed import STAGES, bed, build


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bed"))


def members(folder: Path, file: str) -> list[str]:
    told = json.loads((folder / file).read_text())
    return [member["file"] for member in told["members"]]


def test_members_that_are_variants_are_shared_and_others_lie_beside(built: Path) -> None:
    assert members(built, "both.cascade") == ["quick.onnx", "slow.onnx"]
    assert members(built, "aside.cascade") == ["unused.onnx", "slow.onnx"]
    names = {v.name for v in load_ladder(built).variants}
    assert names == {"slow", "quick", "both", "aside"}
    assert (built / "unused.onnx").is_file()
    assert sorted(p.name for p in built.glob("*.onnx")) == [
        "quick.onnx",
        "slow.onnx",
        "unused.onnx",
    ]


def test_its_card_has_the_mean_the_slow_frames_and_the_share(built: Path) -> None:
    card = read_card(built / "cards" / "both.yaml")
    slow = read_card(built / "cards" / "slow.yaml")
    assert card.backend == "cascade"
    assert 0 < card.extra["escalated_1"] < 1
    assert card.latency_ms is not None
    assert card.latency_p99_ms is not None
    assert slow.latency_ms is not None
    assert card.latency_ms < slow.latency_ms < card.latency_p99_ms
    files = ("both.cascade", "quick.onnx", "slow.onnx")
    assert card.file_bytes == sum((built / f).stat().st_size for f in files)
    assert card.how is not None
    assert card.how[-1].startswith("Cascade: an answer stays at a softmax of")


def test_the_ladder_is_checked_and_shown(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ladder", "check", str(built)]) == 0
    assert "both: ok (cascade 1" in capfd.readouterr().out
    assert main(["ladder", "show", str(built)]) == 0
    assert "both" in capfd.readouterr().out


def test_profile_measures_it_again_and_writes_its_card(
    built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ladder = shutil.copytree(built, tmp_path / "ladder")
    images = nets.pictures(60, seed=5)
    assert images.labels is not None
    np.savez(tmp_path / "set.npz", images=frames_of(images), labels=images.labels)
    command = ["profile", str(ladder), "--data", str(tmp_path / "set.npz"), "--only", "slow,both"]
    fast = ["--rounds", "6", "--energy-seconds", "0", "--no-robust", "--device", "a bench"]
    assert main([*command, *fast, "--write"]) == 0
    card = read_card(ladder / "cards" / "both.yaml")
    share = card.extra["escalated_1"]
    said = f"both: p50 is the mean over frames, {share:.1%} of them went on to the next member"
    assert said in capfd.readouterr().out
    assert (card.device, card.images) == ("a bench", 60)
    assert share * 60 == pytest.approx(round(share * 60), abs=0.01)
    assert main(["ladder", "check", str(ladder)]) == 0


def test_the_report_holds_it_against_the_member_it_falls_back_on(built: Path) -> None:
    report = (built / "report.md").read_text()
    row = next(line for line in report.splitlines() if line.startswith("| both | cascade |"))
    assert row.split(" | ")[2] == "slow"
    assert "pays" in row


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ("  both: {use: cascade, from: [quick]}\n", "cascade joins at least 2 stages"),
        ("  both: {use: cascade, from: quick}\n", "cascade joins at least 2 stages"),
        ("  both: {use: cascade}\n", "say from which stage it comes"),
        (
            "  both: {use: cascade, from: [quick, slow]}\n"
            "  more: {use: cascade, from: [quick, both]}\n",
            "cascade works on onnx, 'both' gives cascade: a cascade ends a chain",
        ),
        (
            "  both: {use: cascade, from: [quick, slow]}\n  int8: {use: int8, from: both}\n",
            "int8 works on onnx, 'both' gives cascade",
        ),
        (
            "  both: {use: cascade, from: [quick, slow]}\nbaseline: both\n",
            "cannot use 'both' here: it gives a cascade",
        ),
    ],
)
def test_what_a_recipe_cannot_mean_is_said_with_its_line(
    tmp_path: Path, stages: str, said: str
) -> None:
    two = "".join(STAGES.splitlines(keepends=True)[:2])
    with pytest.raises(ConfigError) as e:
        open_factory(Job(bed(tmp_path, two + stages, "")))
    assert said in str(e.value)


def test_a_cascade_is_not_adopted(tmp_path: Path) -> None:
    recipe = bed(tmp_path)
    with pytest.raises(UsageError, match="cannot adopt a cascade: adopt the members of 'both'"):
        open_factory(Job(recipe, adopt={"both": recipe}))


def test_options_of_the_ladder_go_to_the_members(tmp_path: Path) -> None:
    recipe = bed(tmp_path, more="variants: [slow, both]\n")
    text = recipe.read_text()
    recipe.write_text(
        text.replace("{input: {size: 12}}", "{input: {size: 12}, options: {max_batch: 4}}")
    )
    job = Job(recipe, tmp_path / "out", tmp_path / "store", keep_dominated=True, threads=1)
    folder = open_factory(job).build().folder
    told = json.loads((folder / "both.cascade").read_text())
    assert [m["options"] for m in told["members"]] == [{"max_batch": 4}] * 2
    assert members(folder, "both.cascade") == ["quick.onnx", "slow.onnx"]
