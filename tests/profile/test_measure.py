from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgerund.errors import UsageError
from edgerund.profile.figures import Measured
from edgerund.profile.measure import measure
from edgerund.profile.samples import Samples
from edgerund.profile.settings import Settings
from edgerund.profile.subject import Subject
from edgerund.profile.varying import show_in_proportion
from tests.profile.ladders import QUICK, colours, fake_ladder, real_ladder

pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """One measurement of everything: two backends, a cascade, fakes that crash, hang and fail on the way."""
    ladder = real_ladder(
        tmp_path_factory.mktemp("ladder"),
        aborts={"crash_after": 40},
        never={"fail_load": "it is broken"},
        endless={"nan_after": 0},
    )
    settings = replace(QUICK, threads=(1, 2))
    return measure(ladder, settings, samples=colours(), device="a bench")


def test_what_works_is_measured_to_the_end(measured: Measured) -> None:
    for name in ("onnx", "lite", "cascade", "bad"):
        figures = measured.of(name)
        assert figures.failed is None
        assert [(one.threads, one.backend) for one in figures.latencies] == [
            (1, figures.backend),
            (2, figures.backend),
        ]
        latency = figures.latency
        assert latency is not None
        assert 0 < latency.p10_ms <= latency.p50_ms
        assert latency.rounds == 6
        assert figures.load_ms is not None
        assert figures.warmup_ms is not None
        assert 0 < figures.warmup_ms <= figures.load_ms
        assert figures.memory_bytes is not None
        assert figures.peak_bytes is not None
        assert figures.file_bytes
        assert len(figures.sha256) == 64


def test_accuracy_and_agreement_are_counted_through_each_pipeline(measured: Measured) -> None:
    assert measured.of("onnx").accuracy == 1.0
    assert measured.of("onnx").agreement is None
    assert measured.of("lite").accuracy == 1.0
    assert measured.of("lite").agreement == 1.0
    assert measured.of("lite").agreement_with == "onnx"
    assert measured.of("bad").accuracy == 0.25
    assert measured.of("bad").agreement == 0.25
    assert measured.of("onnx").images == 24
    assert measured.of("onnx").dataset == "drawn colours"


def test_a_cascade_is_measured_over_easy_and_hard_frames(measured: Measured) -> None:
    cascade = measured.of("cascade")
    assert cascade.runtime == "cascade 1"
    assert 0 < cascade.extra["escalated_1"] <= 1
    assert cascade.accuracy is not None


def test_a_cascade_is_timed_in_the_proportion_in_which_frames_go_on(tmp_path: Path) -> None:
    ladder = real_ladder(tmp_path)
    variant = next(v for v in ladder.variants if v.name == "cascade")
    drawn = colours(400)
    hard = np.arange(400) % 5 == 0
    frames = np.asarray(drawn.frames)
    frames[hard] = 0  # nothing to be sure of
    samples = Samples(frames=frames[np.argsort(hard)], labels=drawn.labels)
    with closing(Subject(ladder, variant, 1, 60.0)) as subject:
        loaded = subject.load([])
        gone_on = sum(subject.ways(list(samples.frames))) / 400
        told = show_in_proportion(subject, loaded, samples, 40, seed=0)
        assert told.inputs == 40
        before = subject.counters()
        subject.burst(0, 40)
        after = subject.counters()
    assert 0 < gone_on < 1
    assert after["frames"] - before["frames"] == 40
    assert (after["escalated_1"] - before["escalated_1"]) / 40 == pytest.approx(gone_on, abs=0.025)


def test_robust_accuracy_has_every_corruption_that_was_asked_for(measured: Measured) -> None:
    robust = measured.of("onnx").robust
    assert set(robust) == {"noise 3", "blur 3", "jpeg 3", "brightness 3", "contrast 3"}
    assert measured.of("onnx").robust_images == 8
    assert robust["blur 3"] == 1.0
    assert robust == measured.of("lite").robust


def test_a_variant_that_crashes_or_fails_is_a_finding(measured: Measured) -> None:
    assert "SIGABRT" in (measured.of("aborts").failed or "")
    assert "it is broken" in (measured.of("never").failed or "")
    assert "NaN" in (measured.of("endless").failed or "")
    assert measured.of("never").latency is None
    assert measured.of("never").accuracy is None


def test_ratios_and_relative_times_belong_together(measured: Measured) -> None:
    assert measured.of("onnx").latency is not None
    assert measured.ratios[1, "onnx", "bad"] > 0
    assert (2, "onnx", "cascade") in measured.ratios
    assert not any("never" in key for key in measured.ratios)
    first = measured.of("onnx").latency
    assert first is not None
    assert first.relative == 1.0


def test_energy_without_a_rail_is_an_estimate_and_says_so(measured: Measured) -> None:
    energy = measured.of("onnx").energy
    latency = measured.of("onnx").latency
    assert energy.mj is None
    assert latency is not None
    assert energy.estimate_mj == latency.cpu_ms
    assert "1 W per busy core" in energy.formula
    assert "not measured" in energy.formula


def test_a_variant_that_hangs_is_given_up(tmp_path: Path) -> None:
    ladder = fake_ladder(tmp_path, fine={}, hangs={"hang_after": 30}, stuck={"hang_load": True})
    told = measure(ladder, replace(QUICK, timeout_s=3.0))
    assert told.of("fine").failed is None
    assert "no answer within" in (told.of("hangs").failed or "")
    assert "no answer within" in (told.of("stuck").failed or "")
    assert told.device  # what this machine says of itself


def test_without_samples_nothing_is_said_of_accuracy(tmp_path: Path) -> None:
    told = measure(fake_ladder(tmp_path, one={}, other={"seed": 2}), QUICK)
    assert [f.accuracy for f in told.figures] == [None, None]
    assert [f.dominated_by for f in told.figures] == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        Settings(threads=()),
        Settings(threads=(0,)),
        Settings(seconds=0),
        Settings(rounds=0),
        Settings(severities=(6,)),
        Settings(corruptions=("fog",)),
        Settings(energy_seconds=-1),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot"):
        measure(fake_ladder(tmp_path, one={}), wrong)


def test_chance_is_told_of_every_pair_that_was_judged_on_labels(measured: Measured) -> None:
    assert measured.chances["onnx", "lite"] == 1.0
    assert measured.chances["onnx", "bad"] < 0.001
    assert not any("never" in pair for pair in measured.chances)
