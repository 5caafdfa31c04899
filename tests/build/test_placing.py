from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.build.placing import MARK, beside, check_target, put, seal
from edgerund.errors import BuildError


def make(target: Path, text: str, *more: str) -> None:
    with beside(target) as folder:
        (folder / "ladder.yaml").write_text(text)
        for name in more:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        seal(folder, {"seed": 1})
        put(folder, target)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_what_the_factory_made_is_exchanged_and_what_else_lies_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "ladder"
    check_target(target, replace=False)
    make(target, "one", "old.onnx", "cards/old.yaml")
    (target / "README.md").write_text("mine")
    (target / "frames").mkdir()
    (target / "frames" / "a.png").write_text("mine")
    check_target(target, replace=False)
    make(target, "two", "new.onnx")
    assert names(target) == {"ladder.yaml", "new.onnx", MARK, "README.md", "frames/a.png"}
    assert (target / "ladder.yaml").read_text() == "two"
    assert [p.name for p in target.parent.iterdir()] == ["ladder"]


def test_foreign_folders_and_edited_ladders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BuildError, match="it is no folder"):
        check_target(tmp_path / "file", replace=False)
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty", replace=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(BuildError, match="did not make what is in there"):
        check_target(tmp_path / "mine", replace=False)
    check_target(tmp_path / "mine", replace=True)
    make(tmp_path / "made", "one")
    (tmp_path / "made" / "ladder.yaml").write_text("one, and more")
    with pytest.raises(BuildError, match="was edited since"):
        check_target(tmp_path / "made", replace=False)


def test_replacing_a_ladder_that_people_made_takes_its_files_alone(tmp_path: Path) -> None:
    target = tmp_path / "ladder"
    (target / "cards").mkdir(parents=True)
    (target / "ladder.yaml").write_text(
        "golden: {file: golden.npz}\nlabels_file: labels.txt\n"
        "variants: [{name: a, file: a.onnx, card: cards/a.yaml}]\n"
    )
    for name in ("golden.npz", "labels.txt", "a.onnx", "cards/a.yaml", "README.md", "b.onnx"):
        (target / name).write_text("old")
    make(target, "new", "c.onnx")
    assert names(target) == {"ladder.yaml", "c.onnx", MARK, "README.md", "b.onnx"}


def test_a_build_that_ends_early_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "ladder"

    def stumble() -> None:
        with beside(target) as folder:
            (folder / "half").write_text("half")
            raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        stumble()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_swept_away_and_what_a_living_one_needs_is_not(
    tmp_path: Path,
) -> None:
    target = tmp_path / "ladder"
    left = tmp_path / ".ladder.building-dead"
    left.mkdir()
    (left / "half").write_text("half")
    with beside(target) as living:
        assert not left.exists()
        with beside(target) as other:
            assert living.exists()
            assert other != living
