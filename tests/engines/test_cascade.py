"""The cascade's own promises: which member answers, what is counted, and what is refused before it serves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgerund import engines, registry
from edgerund.checksum import file_sha256
from edgerund.engines.cascade import CascadeBackend
from edgerund.engines.cascade_file import KINDS, MEMBER_KEYS, RULE_KEYS, Rule
from edgerund.engines.cascade_rule import CONFIDENCE, Doubt, agree
from edgerund.engines.fake import FakeBackend
from edgerund.errors import EngineError, PluginError
from edgerund.ports import Array, Counting, Engine, LoadOptions, Progress
from edgerund.types import IOSpec, TensorSpec
from tests.engines import tflite_bytes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cascade.md").read_text()
ONE_FRAME = {
    "inputs": [{"name": "image", "shape": [1, 2, 2]}],
    "outputs": [{"name": "scores", "shape": [1, 4]}],
}
FRAMES = {
    "inputs": [{"name": "image", "shape": [-1, 4]}],
    "outputs": [{"name": "scores", "shape": [-1, 4]}],
}
ZERO = np.zeros((1, 2, 2), np.float32)


def fake(folder: Path, name: str, base: dict[str, Any] = ONE_FRAME, **told: Any) -> Path:
    path = folder / f"{name}.fake"
    path.write_text(json.dumps({**base, **told}))
    return path


def member(file: str, at_least: float | None = None, **more: Any) -> dict[str, Any]:
    rule = {} if at_least is None else {"accept": {"kind": "probability", "at_least": at_least}}
    return {"file": file, **rule, **more}


def cascade(folder: Path, *members: dict[str, Any]) -> Path:
    path = folder / "both.cascade"
    path.write_text(json.dumps({"members": members}))
    return path


def load(path: Path, **options: Any) -> Engine:
    return CascadeBackend().load(path, LoadOptions(extra=options), lambda _s, _t: None)


def always(folder: Path, name: str, scores: Sequence[float], **told: Any) -> Path:
    return fake(folder, name, answer="values", values=[list(scores)], **told)


def pair(folder: Path, cheap: Sequence[float], at_least: float, kind: str = "probability") -> Path:
    always(folder, "cheap", cheap)
    always(folder, "best", [9, 8, 7, 6])
    accept = {"kind": kind, "at_least": at_least}
    return cascade(folder, {"file": "cheap.fake", "accept": accept}, {"file": "best.fake"})


def counted(engine: Engine) -> dict[str, int]:
    assert isinstance(engine, Counting)
    return dict(engine.counters())


# ------------------------------------------------------------------ who answers
@pytest.mark.parametrize(
    ("kind", "cheap", "at_least", "stays"),
    [
        ("softmax", [0, 0, 0, 0], 0.25, True),
        ("softmax", [0, 0, 0, 0], 0.26, False),
        ("softmax", [np.log(3), 0, 0, 0], 0.49, True),
        ("softmax", [1000, 0, -1000, 0], 1, True),
        ("probability", [0.1, 0.7, 0.1, 0.1], 0.69, True),
        ("probability", [0.1, 0.7, 0.1, 0.1], 0.71, False),
        ("margin", [4, 1, 2, 0], 2, True),
        ("margin", [4, 1, 2, 0], 2.01, False),
        ("margin", [3, 3, 0, 0], 0, True),
    ],
)
def test_the_cheap_answer_stays_exactly_where_its_confidence_reaches_the_threshold(
    tmp_path: Path, kind: str, cheap: list[float], at_least: float, stays: bool
) -> None:
    engine = load(pair(tmp_path, cheap, at_least, kind))
    (answer,) = engine.infer([ZERO])
    expected = np.array([cheap if stays else [9, 8, 7, 6]], np.float32)
    assert np.array_equal(answer, expected)
    assert counted(engine) == {"frames": 1, "escalated_1": 0 if stays else 1}


finite = st.floats(-50, 50, width=32)
tables = st.lists(st.lists(finite, min_size=4, max_size=4), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three members that answer with the input, its double and its triple, negated: nobody can mix them up."""
    folder = tmp_path_factory.mktemp("members")
    for name, factor in (("cheap", 1), ("middle", 2), ("best", -3)):
        fake(folder, name, FRAMES, answer="scale", factor=factor)
    return folder


@given(
    table=tables,
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    thresholds=st.tuples(*[st.sampled_from([0, 0.3, 0.9, 1, 1.5, 20, 1e9])] * 2),
)
@example(table=[[0, 0, 0, 0]], kinds=("softmax", "margin"), thresholds=(0, 0))
@example(table=[[1, 0, 0, 0]] * 3, kinds=("softmax", "margin"), thresholds=(1e9, 1e9))
def test_every_frame_has_exactly_the_answer_of_the_member_that_the_rules_name(
    folder: Path,
    table: list[list[float]],
    kinds: tuple[str, str],
    thresholds: tuple[float, float],
) -> None:
    accepts = [{"kind": k, "at_least": t} for k, t in zip(kinds, thresholds, strict=True)]
    names = ["cheap.fake", "middle.fake"]
    steps = [{"file": n, "accept": a} for n, a in zip(names, accepts, strict=True)]
    engine = load(cascade(folder, *steps, {"file": "best.fake"}))
    asked = np.array(table, np.float32)
    (answer,) = engine.infer([asked])
    reached = [0, 0]
    for frame, got in zip(asked, answer, strict=True):
        step = 0
        while step < 2 and plain_confidence(kinds[step], frame * [1, 2][step]) < thresholds[step]:
            reached[step] += 1
            step += 1
        assert np.array_equal(got, frame * np.float32([1, 2, -3][step]))
    assert counted(engine) == {
        "frames": len(table),
        "escalated_1": reached[0],
        "escalated_2": reached[1],
    }
    alone = [engine.infer([asked[i : i + 1]])[0] for i in range(len(table))]
    assert np.array_equal(answer, np.concatenate(alone))
    engine.close()


def plain_confidence(kind: str, scores: Array) -> float:
    """The rule once more, one frame at a time and in the words of its definition."""
    ordered = sorted(float(score) for score in scores)
    if kind == "softmax":
        return float(1 / np.exp(np.array([scores], np.float64) - ordered[-1]).sum())
    return ordered[-1] if kind == "probability" else ordered[-1] - ordered[-2]


@given(st.lists(finite, min_size=2, max_size=8))
def test_confidences_lie_where_they_can(scores: list[float]) -> None:
    rows = np.array([scores], np.float64)
    assert 1 / len(scores) - 1e-9 <= CONFIDENCE["softmax"](rows)[0] <= 1
    assert CONFIDENCE["probability"](rows)[0] == max(scores)
    assert CONFIDENCE["margin"](rows)[0] >= 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_never_good_enough(kind: str, bad: float) -> None:
    doubt = Doubt(Rule(kind, 0), (TensorSpec("y", "float32", (None, 3)),))
    rows = np.array([[1, 2, 3], [1, bad, 3], [3, 2, 1]], np.float32)
    assert doubt([rows], 3).tolist() == [1]


def test_the_extremes_ask_nobody_else_and_everybody(tmp_path: Path) -> None:
    never = load(pair(tmp_path, [0, 0, 0, 0], 0, "softmax"))
    assert np.array_equal(never.infer([ZERO])[0], [[0, 0, 0, 0]])
    for at_least in (1.0001, 1e300):
        everything = load(pair(tmp_path, [1e6, 0, 0, 0], at_least, "softmax"))
        assert np.array_equal(everything.infer([ZERO])[0], [[9, 8, 7, 6]])


def test_the_output_that_the_rule_names_decides(tmp_path: Path) -> None:
    outputs = [{"name": "boxes", "shape": [1, 2]}, {"name": "scores", "shape": [1, 2]}]
    base = {**ONE_FRAME, "outputs": outputs, "answer": "values"}
    fake(tmp_path, "cheap", base, values=[[9, 9], [0.2, 0.8]])
    fake(tmp_path, "best", base, values=[[1, 2], [0.5, 0.5]])
    accept = {"kind": "probability", "at_least": 0.9, "output": 1}
    file = cascade(tmp_path, {"file": "cheap.fake", "accept": accept}, member("best.fake"))
    boxes, scores = load(file).infer([ZERO])
    assert boxes.tolist() == [[1, 2]]
    assert scores.tolist() == [[0.5, 0.5]]


def test_an_option_of_the_variant_wins_over_the_thresholds_of_the_file(tmp_path: Path) -> None:
    file = pair(tmp_path, [0.5, 0, 0, 0], 0.1)
    assert load(file).infer([ZERO])[0][0, 0] == 0.5
    assert load(file, at_least=0.6).infer([ZERO])[0][0, 0] == 9
    assert load(file, at_least=[0.4]).infer([ZERO])[0][0, 0] == 0.5
    for wrong in (-1, True, "0.5", [0.1, 0.2], [], float("nan"), None, 10**400):
        with pytest.raises(EngineError, match="at_least"):
            load(file, at_least=wrong)


def test_a_closed_cascade_still_tells_what_it_counted(tmp_path: Path) -> None:
    engine = load(pair(tmp_path, [0, 0, 0, 0], 1))
    engine.infer([ZERO])
    engine.close()
    assert counted(engine) == {"frames": 1, "escalated_1": 1}


# ------------------------------------------------------------------ one signature
QUANTISED = {"dtype": "int8", "scale": 0.1, "zero_point": 3}


def test_a_quantised_answer_is_judged_and_joined_by_its_real_values(tmp_path: Path) -> None:
    scores = {"name": "scores", "shape": [1, 4]}
    quantised = {**ONE_FRAME, "outputs": [{**scores, **QUANTISED}]}
    fake(tmp_path, "cheap", quantised, answer="values", values=[[103, 3, 3, 3]])  # 10, 0, 0, 0
    always(tmp_path, "best", [9, 8, 7, 6])
    for at_least, expected in ((9.99, [10, 0, 0, 0]), (10.01, [9, 8, 7, 6])):
        engine = load(cascade(tmp_path, member("cheap.fake", at_least), member("best.fake")))
        (spec,) = engine.spec.outputs
        assert (spec.dtype, spec.scale) == ("float32", None)
        (answer,) = engine.infer([ZERO])
        assert answer.dtype == np.float32
        np.testing.assert_allclose(answer, [expected], atol=1e-5)


def test_answers_that_are_quantised_alike_stay_as_they_are(tmp_path: Path) -> None:
    base = {**ONE_FRAME, "outputs": [{"name": "scores", "shape": [1, 4], **QUANTISED}]}
    fake(tmp_path, "cheap", base, answer="values", values=[[103, 3, 3, 3]])
    fake(tmp_path, "best", base, answer="values", values=[[1, 2, 3, 4]])
    engine = load(cascade(tmp_path, member("cheap.fake", 10.01), member("best.fake")))
    (spec,) = engine.spec.outputs
    assert (spec.dtype, spec.scale, spec.zero_point) == ("int8", 0.1, 3)
    assert engine.infer([ZERO])[0].tolist() == [[1, 2, 3, 4]]


def test_backends_may_differ_between_members(tmp_path: Path) -> None:
    try:
        registry.resolve("engines", "litert")().version()
    except PluginError as e:
        pytest.skip(str(e))
    weight = np.zeros((48, 4), np.float32)
    bias = np.array([1, 0, 0, 0], np.float32)
    (tmp_path / "cheap.tflite").write_bytes(tflite_bytes.linear(weight, bias, free_batch=False))
    base = {**ONE_FRAME, "inputs": [{"name": "x", "shape": [-1, 4, 4, 3]}]}
    fake(tmp_path, "best", base, answer="values", values=[[9, 8, 7, 6]])
    for at_least, first in ((0.9, 1), (1.1, 9)):
        engine = load(cascade(tmp_path, member("cheap.tflite", at_least), member("best.fake")))
        assert engine.spec.inputs == (TensorSpec("x", "float32", (1, 4, 4, 3)),)
        assert engine.infer([np.zeros((1, 4, 4, 3), np.float32)])[0][0, 0] == first
        engine.close()


ANY = TensorSpec("x", "float32", (None, 4))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (IOSpec((ANY, ANY), (ANY,)), "inputs"),
        (IOSpec((ANY,), (ANY, ANY)), "outputs"),
        (IOSpec((TensorSpec("x", "uint8", (None, 4)),), (ANY,)), "uint8"),
        (IOSpec((TensorSpec("x", "float32", (None, 5)),), (ANY,)), "shape"),
        (IOSpec((TensorSpec("x", "float32", (None, 4, 1)),), (ANY,)), "shape"),
        (IOSpec((ANY,), (TensorSpec("x", "float32", (None, 3)),)), "shape"),
        (IOSpec((ANY,), (TensorSpec("x", "int64", (None, 4)),)), "int64"),
        (IOSpec((TensorSpec("x", "float32", (None, 4), 0.5, 0),), (ANY,)), "scale 0.5"),
    ],
)
def test_members_of_different_signatures_are_refused_in_either_order(
    other: IOSpec, reason: str
) -> None:
    plain = IOSpec((ANY,), (ANY,))
    for specs in ([plain, other], [other, plain], [plain, other, plain]):
        with pytest.raises(EngineError, match=reason) as caught:
            agree([f"m{i}" for i in range(len(specs))], specs)
        assert "m0" in str(caught.value) or "m1" in str(caught.value)


def test_a_side_that_one_member_leaves_free_is_as_long_as_the_other_says() -> None:
    one = TensorSpec("y", "float32", (1, 4))
    specs = [IOSpec((ANY,), (ANY,), max_batch=8), IOSpec((one,), (one,), max_batch=1)]
    for order in (specs, specs[::-1]):
        spec = agree(["a", "b"], order)
        assert spec.inputs[0].shape == spec.outputs[0].shape == (1, 4)
        assert spec.max_batch == 1
    assert agree(["a", "b"], [specs[0], IOSpec((ANY,), (ANY,), max_batch=3)]).max_batch == 3


def test_a_rule_that_cannot_be_read_from_the_outputs_is_refused() -> None:
    whole = TensorSpec("y", "int64", (1, 4))
    for rule, reason in ((Rule("softmax", 1, 1), "output 1"), (Rule("softmax", 1), "int64")):
        with pytest.raises(EngineError, match=reason):
            Doubt(rule, (whole,))


# ------------------------------------------------------------------ broken members
def refused(path: Path, reason: str) -> None:
    with pytest.raises(EngineError, match=reason) as caught:
        load(path)
    assert str(caught.value).startswith("cannot load both.cascade: ")
    assert "\n" not in str(caught.value)


def test_a_member_that_does_not_load_or_does_not_answer_condemns_the_whole(tmp_path: Path) -> None:
    always(tmp_path, "cheap", [1, 0, 0, 0])
    file = cascade(tmp_path, member("cheap.fake", 0), member("best.fake"))
    always(tmp_path, "best", [1, 0, 0, 0], fail_load="no such chip")
    refused(file, "best.fake: no such chip")
    always(tmp_path, "best", [1, 0, 0, 0], fail_after=0)
    refused(file, "best.fake: call 1 was told to fail")
    (tmp_path / "best.fake").unlink()
    refused(file, "no file 'best.fake'")


def test_a_member_that_fails_while_serving_is_one_error_and_never_a_silent_fall_back(
    tmp_path: Path,
) -> None:
    always(tmp_path, "best", [9, 8, 7, 6])
    for name, told in (("cheap", {}), ("best", {"fail_after": 1})):
        always(tmp_path, name, [1, 0, 0, 0], **told)
    engine = load(cascade(tmp_path, member("cheap.fake", 2), member("best.fake")))
    with pytest.raises(EngineError, match=r"^cannot infer with both\.cascade: .*best\.fake"):
        engine.infer([ZERO])


class Watched(FakeBackend):
    """A plug-in that remembers which of its engines were closed."""

    closed: ClassVar[list[str]] = []

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        engine = super().load(path, options, progress)
        return WatchedEngine(engine, path.stem)


class WatchedEngine:
    def __init__(self, engine: Engine, name: str) -> None:
        self.spec, self.infer, self._name = engine.spec, engine.infer, name

    def close(self) -> None:
        Watched.closed.append(self._name)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(engines.TABLE, "watched", f"{__name__}:Watched")
    monkeypatch.setattr(Watched, "closed", [])
    return Watched.closed


def test_members_are_closed_together(tmp_path: Path, watched: list[str]) -> None:
    for name in ("cheap", "best"):
        always(tmp_path, name, [0, 0, 0, 0])
    members = [member("cheap.fake", 1, backend="watched"), member("best.fake", backend="watched")]
    engine = load(cascade(tmp_path, *members))
    assert watched == []
    engine.close()
    assert sorted(watched) == ["best", "cheap"]


def test_every_member_is_closed_where_a_later_one_fails(tmp_path: Path, watched: list[str]) -> None:
    for name in ("cheap", "middle"):
        always(tmp_path, name, [0, 0, 0, 0])
    members = [member(f"{name}.fake", 1, backend="watched") for name in ("cheap", "middle")]
    refused(cascade(tmp_path, *members, member("absent.fake")), "no file 'absent.fake'")
    assert sorted(watched) == ["cheap", "middle"]
    watched.clear()
    always(tmp_path, "silent", [0, 0, 0, 0], fail_after=0)
    refused(cascade(tmp_path, *members, member("silent.fake")), "told to fail")
    assert sorted(watched) == ["cheap", "middle"]


def test_a_member_is_compared_with_its_fingerprint_before_it_is_loaded(tmp_path: Path) -> None:
    cheap, best = (always(tmp_path, name, [1, 0, 0, 0]) for name in ("cheap", "best"))
    right = file_sha256(best)
    file = cascade(
        tmp_path,
        member("cheap.fake", 0, sha256=file_sha256(cheap)),
        member("best.fake", sha256=right),
    )
    load(file).close()
    always(tmp_path, "best", [1, 0, 0, 0], crash_load=True)  # would end this process
    refused(file, f"sha256 of best.fake .* cascade says {right[:12]}")


@pytest.mark.parametrize("name", ["../best.fake", "sub/../../best.fake", "link.fake", "a\0b.fake"])
def test_no_member_lies_outside_the_folder(tmp_path: Path, name: str) -> None:
    best = always(tmp_path, "best", [0, 0, 0, 0])
    inner = tmp_path / "ladder"
    (inner / "sub").mkdir(parents=True)
    (inner / "link.fake").symlink_to(best)
    always(inner, "cheap", [0, 0, 0, 0])
    refused(cascade(inner, member("cheap.fake", 1), member(name)), "outside|null")
    refused(cascade(inner, member("cheap.fake", 1), member(str(best))), "outside")


def test_a_member_may_lie_in_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    always(tmp_path / "models", "best", [0, 0, 0, 0])
    load(cascade(tmp_path, member("models/best.fake", 1), member("models/best.fake"))).close()


# ------------------------------------------------------------------ the file
GOOD = {"kind": "softmax", "at_least": 0.5}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "JSON object"),
        ({}, "members"),
        ({"members": [], "x": 1}, "members"),
        ({"members": [member("best.fake")]}, "2 to 8"),
        ({"members": [member("best.fake", 1)] * 8 + [member("best.fake")]}, "2 to 8"),
        ({"members": [member("best.fake"), member("best.fake")]}, r"members\[0\]: accept"),
        ({"members": [member("best.fake", 1), member("best.fake", 1)]}, r"members\[1\].*last"),
        ({"members": [member("best.fake", 1), "best.fake"]}, r"members\[1\] must be"),
        ({"members": [member("best.fake", 1), {}]}, r"members\[1\]: file"),
        ({"members": [member("best.fake", 1), member("best.xyz")]}, "backend must be named"),
        ({"members": [member("best.fake", 1), member("b", backend="os:abort")]}, "must be a name"),
        ({"members": [member("best.fake", 1), member("both.cascade")]}, "member of a cascade"),
        ({"members": [member("best.fake", 1), member("best.fake", backend="rknn")]}, "'rknn'"),
        ({"members": [member("best.fake", 1), member("best.fake", backend=1)]}, "backend must"),
        ({"members": [member("best.fake", 1), member("best.fake", sha256="ab")]}, "64 hexa"),
        ({"members": [member("best.fake", 1), member("best.fake", threads=1)]}, "'threads'"),
        ({"members": [member("best.fake", 1), member("best.fake", options={"a": 1})]}, "'a'"),
        *(
            ({"members": [{"file": "best.fake", "accept": accept}, member("best.fake")]}, reason)
            for accept, reason in (
                ({}, "kind"),
                ({"kind": "softmax"}, "at_least must"),
                ({**GOOD, "kind": "entropy"}, "knows softmax, probability, margin"),
                ({**GOOD, "kind": []}, "kind"),
                ({**GOOD, "at_least": -0.1}, "0 or more"),
                ({**GOOD, "at_least": float("nan")}, "0 or more"),
                ({**GOOD, "at_least": float("inf")}, "finite"),
                ({**GOOD, "at_least": True}, "must be a number"),
                ({**GOOD, "at_least": "0.5"}, "must be a number"),
                ({**GOOD, "at_least": 10**400}, "finite"),
                ({**GOOD, "output": -1}, "output"),
                ({**GOOD, "output": True}, "output"),
                ({**GOOD, "output": 1}, "asks for output 1"),
                ({**GOOD, "class": 1}, "'class'"),
            )
        ),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, content: Any, reason: str) -> None:
    always(tmp_path, "best", [0, 0, 0, 0])
    file = tmp_path / "both.cascade"
    file.write_text(json.dumps(content))
    refused(file, reason)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "both.cascade"
    file.write_bytes(b" " * (1024 * 1024 + 1))
    refused(file, "larger than 1 MiB")


@pytest.mark.parametrize("key", ["members", *MEMBER_KEYS, *RULE_KEYS, *KINDS])
def test_it_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE


def test_the_kinds_of_the_file_are_those_that_can_be_computed() -> None:
    assert set(KINDS) == set(CONFIDENCE)
