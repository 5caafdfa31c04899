from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edgerund.build.choosing import ENOUGH_IMAGES, Choosing, notes_of
from edgerund.build.ladder_text import Candidate
from edgerund.build.recipe import Choice
from edgerund.build.store import Entry
from edgerund.build.technique import Artifact
from edgerund.errors import BuildError
from edgerund.profile.figures import Figures, Latency, Measured
from tests.build.test_recipe import plan_of

MB = 1 << 20


def figures(name: str, accuracy: float, ms: float, size: int = MB, memory: int = 8 * MB) -> Figures:
    latency = Latency(1, ms, ms, ms, ms, 100, 0, 10, 0.01)
    return Figures(
        name,
        accuracy=accuracy,
        metric="top1",
        images=ENOUGH_IMAGES,
        agreement=accuracy,
        latencies=(latency,),
        memory_bytes=memory,
        file_bytes=size,
    )


def choose(
    folder: Path,
    *told: Figures,
    unwanted: str = "",
    more: str = "",
    keep: bool = False,
    chances: Mapping[tuple[str, str], float] | None = None,
) -> Choosing:
    """Choosing among stages of these names; the first is the baseline, ``fp16`` comes from it."""
    lines = [
        f"  {f.name}: {{use: onnx, file: x.onnx}}\n"
        if f.name != "fp16"
        else f"  fp16: {{use: fp16, from: {told[0].name}}}\n"
        for f in told
    ]
    (folder / "x.onnx").write_text("x")
    head = "recipe: toy\nladder: {task: tensor}\ndata: somewhere\n"
    plan = plan_of(folder, f"{head}{more}stages:\n{''.join(lines)}")
    entry = Entry("k", "s", Artifact(folder / "x.onnx", "onnx"), "d", 1.0)
    candidates = [Candidate(f.name, Choice(stage=f.name), entry, f.name != unwanted) for f in told]
    measured = Measured("toy", "here", told, chances=chances or {})
    return Choosing(plan, candidates, measured, keep)


def names(choosing: Choosing) -> list[str]:
    return [c.name for c in choosing.run()]


def test_best_comes_first_and_what_is_beaten_is_left_out(tmp_path: Path) -> None:
    choosing = choose(
        tmp_path,
        figures("big", 0.94, 4.0),
        figures("slow", 0.90, 5.0),
        figures("small", 0.90, 1.0),
        figures("middle", 0.93, 2.0),
    )
    assert names(choosing) == ["big", "middle", "small"]
    assert choosing.left_out == {"slow": "big is better in everything"}
    assert choosing.beaten_by == {"slow": "big"}
    choosing.keep_dominated = True
    assert names(choosing) == ["big", "middle", "slow", "small"]


def test_what_the_recipe_does_not_choose_beats_nobody(tmp_path: Path) -> None:
    choosing = choose(
        tmp_path, figures("big", 0.94, 4.0), figures("better", 0.95, 1.0), unwanted="better"
    )
    assert names(choosing) == ["big"]
    assert choosing.left_out == {"better": "the recipe does not choose it"}


def test_of_two_that_do_the_same_the_smaller_file_stays(tmp_path: Path) -> None:
    choosing = choose(
        tmp_path,
        figures("big", 0.94, 4.0, size=8 * MB),
        figures("half", 0.94, 4.05, size=4 * MB),
        figures("arm", 0.92, 1.01, size=2 * MB),
        figures("x86", 0.92, 1.00, size=2 * MB),
    )
    assert names(choosing) == ["half", "arm"]
    assert choosing.beaten_by == {"big": "half", "x86": "arm"}


def test_a_smaller_file_wins_where_its_loss_may_be_chance(tmp_path: Path) -> None:
    big = figures("big", 0.926, 1.0, size=834_000, memory=8 * MB)
    packed = figures("packed", 0.9248, 1.01, size=435_000, memory=8 * MB + 700_000)
    pair = {("big", "packed"): 0.4}
    chosen = choose(tmp_path, big, packed, chances=pair)
    assert names(chosen) == ["packed"]
    assert chosen.beaten_by == {"big": "packed"}
    for proved in ({("big", "packed"): 0.01}, {}):
        assert "big" in names(choose(tmp_path, big, packed, chances=proved))
    few = [replace(f, images=ENOUGH_IMAGES - 1) for f in (big, packed)]
    assert "big" in names(choose(tmp_path, *few, chances=pair))
    worse = replace(packed, accuracy=0.92)  # too much to be given away, whatever the proof
    assert "big" in names(choose(tmp_path, big, worse, chances=pair))
    heavy = replace(packed, memory_bytes=12 * MB)
    assert "big" in names(choose(tmp_path, big, heavy, chances=pair))


def test_a_dearer_one_stays_for_a_gain_that_may_be_chance(tmp_path: Path) -> None:
    """Only of two at one cost the smaller file is taken: who pays for views gets them."""
    told = (
        figures("two", 0.943, 1.3, size=1_024_000),
        figures("four", 0.944, 2.6, size=1_026_000),
    )
    assert names(choose(tmp_path, *told, chances={("two", "four"): 0.5})) == ["four", "two"]


def test_on_few_images_the_reference_stays(tmp_path: Path) -> None:
    few = [
        replace(f, images=32)
        for f in (
            figures("big", 1.0, 4.0, size=8 * MB),
            figures("fp16", 1.0, 4.3, size=4 * MB),
            figures("quick", 1.0, 1.0, size=2 * MB),
        )
    ]
    assert names(choose(tmp_path, *few)) == ["fp16", "quick"]
    off = replace(few[1], agreement=0.97)
    assert names(choose(tmp_path, few[0], off, few[2])) == ["big", "quick"]
    many = [replace(f, images=ENOUGH_IMAGES) for f in few]
    assert names(choose(tmp_path, *many)) == ["quick"]


def test_what_is_of_no_use_is_left_out(tmp_path: Path) -> None:
    told = [figures("big", 0.9, 4.0), figures("wreck", 0.6, 1.0), figures("fine", 0.75, 2.0)]
    choosing = choose(tmp_path, *told)
    assert names(choosing) == ["big", "fine"]
    assert choosing.left_out["wreck"] == "60.0% is less than 0.8 of the baseline's accuracy"
    assert names(choose(tmp_path, *told, more="least_share: 0.5\n")) == ["big", "fine", "wreck"]


def test_nothing_usable_is_an_error_that_says_why(tmp_path: Path) -> None:
    broken = replace(figures("big", 0.9, 1.0), failed="cannot load it")
    with pytest.raises(BuildError, match="no candidate can be used: big: cannot load it"):
        choose(tmp_path, broken).run()


def test_readers_are_told_what_few_images_and_a_wrong_recipe_look_like() -> None:
    good = Measured("toy", "here", (figures("big", 0.9, 1.0),))
    assert notes_of(good, 10) == []
    few = Measured("toy", "here", (replace(figures("big", 0.9, 1.0), images=32),))
    assert "counted on 32 images: one of them is 3.1%" in notes_of(few, 10)[0]
    wrong = Measured("toy", "here", (figures("big", 0.12, 1.0),))
    assert "are the order of labels, scale and colour" in notes_of(wrong, 10)[0]
