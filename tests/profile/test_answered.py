"""A measurement that was ended goes on where it was; several variants that answer at a time answer the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund.errors import UsageError
from edgerund.profile.answered import Answered, Answers, digest
from edgerund.profile.measure import measure
from edgerund.profile.samples import Samples
from edgerund.profile.settings import Settings
from edgerund.types import VariantPlan
from tests.profile.ladders import QUICK, colours, real_ladder

pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")

SETTINGS = replace(QUICK, rounds=1, corruptions=("noise", "jpeg"))


def steps(folder: Path) -> dict[str, Any]:
    """Lines of each kept file, by its folder's name."""
    return {
        f.parent.name: [json.loads(line) for line in f.read_text().splitlines()]
        for f in folder.glob("*/answers.jsonl")
    }


def test_what_was_answered_is_not_asked_again_and_what_was_not_is(tmp_path: Path) -> None:
    (tmp_path / "ladder").mkdir()
    ladder = real_ladder(tmp_path / "ladder")
    answers = tmp_path / "answers"
    first = measure(ladder, SETTINGS, samples=colours(), answers=answers)
    kept = steps(answers)
    assert len(kept) == 3  # the cascade is asked each time: its escalations are counted
    assert all(len(lines) == 3 for lines in kept.values())

    wrong = next(key for key, lines in kept.items() if not any(lines[0][1]))
    file = answers / wrong / "answers.jsonl"
    plain, noise, jpeg = file.read_text().splitlines()
    told = json.loads(plain)
    told[1] = [int(label) for label in np.asarray(colours().labels)]
    file.write_text(json.dumps(told) + "\n" + noise[: len(noise) // 2])

    second = measure(ladder, SETTINGS, samples=colours(), answers=answers)
    assert second.of("bad").accuracy == 1.0  # as the file says now
    assert second.of("bad").robust == first.of("bad").robust  # asked again
    assert second.of("onnx").accuracy == first.of("onnx").accuracy
    again = file.read_text().splitlines()
    assert noise in again
    assert jpeg in again


def test_answers_of_another_file_or_other_pictures_are_others(tmp_path: Path) -> None:
    ladder = real_ladder(tmp_path)
    some = Answers(tmp_path / "answers", ladder, 1, digest(colours()))
    one, bad = (ladder.variant(name) for name in ("onnx", "bad"))
    some.of(one, "runtime 1").keep("plain 0", [1, 2, 3])
    assert some.of(one, "runtime 1").find("plain 0", 3) == [1, 2, 3]
    assert some.of(replace(one, name="renamed"), "runtime 1").find("plain 0", 3) == [1, 2, 3]

    def known(answers: Answers, variant: VariantPlan, runtime: str = "runtime 1") -> object:
        return answers.of(variant, runtime).find("plain 0", 3)

    assert known(some, one, "runtime 2") is None
    assert known(some, bad) is None
    assert known(some, replace(one, options={"optimisation": "none"})) is None
    assert known(replace(some, threads=2), one) is None
    assert known(replace(some, digest=digest(colours(20))), one) is None
    assert some.of(one, "runtime 1").find("plain 0", 4) is None
    assert some.of(one, "runtime 1").find("plain 256", 3) is None


def test_nothing_is_kept_where_nobody_said_where() -> None:
    answered = Answered()
    answered.keep("plain 0", [1])
    assert answered.find("plain 0", 1) is None


def test_the_fingerprint_is_of_pixels_and_their_order() -> None:
    samples = colours(8)
    frames = np.asarray(samples.frames)
    assert digest(samples) == digest(Samples(frames=list(frames)))
    assert digest(samples) != digest(Samples(frames=frames[::-1]))
    assert digest(samples) != digest(Samples(frames=frames.reshape(8, 2, 8, 3)))


def test_several_at_a_time_say_the_same(tmp_path: Path) -> None:
    ladder = real_ladder(tmp_path, never={"fail_load": "it is broken"}, dies={"crash_after": 9})
    one, many = (
        measure(ladder, replace(SETTINGS, jobs=jobs), samples=colours()) for jobs in (1, 3)
    )
    for name in ("onnx", "lite", "cascade", "bad"):
        assert one.of(name).accuracy == many.of(name).accuracy
        assert one.of(name).robust == many.of(name).robust
        assert one.of(name).agreement == many.of(name).agreement
    assert "broken" in (many.of("never").failed or "")
    assert many.of("dies").failed


def test_no_jobs_make_no_sense() -> None:
    with pytest.raises(UsageError, match="jobs"):
        Settings(jobs=0).check()
