from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from edgerund.errors import EngineError, InferenceFailed, PluginError
from edgerund.ports import Incoming
from edgerund.types import InputPlan, IOSpec, TensorSpec
from edgerund.vision.classify import Classifier, pipeline, top
from edgerund.vision.decoders.scores import softmax
from tests.shared_data import shared
from tests.vision.models import load
from tests.vision.plans import Array, image_spec, one_variant, output

LABELS = ("cat", "dog", "owl", "fox")


def build(
    out: TensorSpec,
    decoder: str = "logits",
    labels: tuple[str, ...] = LABELS,
    top_k: int = 3,
    **options: Any,
) -> Classifier:
    ladder, variant = one_variant("classify", decoder, options, labels=labels, top_k=top_k)
    return pipeline(ladder, variant, image_spec(outputs=(out,)))


floats = st.floats(-(2.0**100), 2.0**100, width=32)


@given(hnp.arrays(np.float32, st.integers(1, 30), elements=floats))
def test_softmax_is_the_textbooks(logits: Array) -> None:
    x = logits.astype(np.longdouble)
    weights = np.exp(x - x.max())
    assert np.allclose(softmax(logits), weights / weights.sum(), atol=1e-12)


@given(
    hnp.arrays(np.float32, st.integers(1, 40), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.integers(1, 50),
)
def test_top_is_the_head_of_a_stable_sort(scores: Array, count: int) -> None:
    wanted = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:count]
    assert top(scores, count).tolist() == wanted


@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 4, 1, 1), (None, 4)])
def test_labels_scores_and_indices_come_best_first(shape: tuple[int | None, ...]) -> None:
    made = build(output(shape))
    logits = np.array([0.0, 2.0, 1.0, -5.0], np.float32).reshape([d or 1 for d in shape])
    result = made.finish([logits], None).result
    assert result["labels"] == ["dog", "owl", "cat"]
    assert result["classes"] == [1, 2, 0]
    assert result["scores"] == np.round(softmax(logits.reshape(-1))[[1, 2, 0]], 6).tolist()


@pytest.mark.parametrize("decoder", ["softmax", "probabilities"])
def test_probabilities_are_taken_as_they_are(decoder: str) -> None:
    made = build(output((1, 4)), decoder)
    result = made.finish([np.array([[0.1, 0.2, 0.6, 0.1]], np.float32)], None).result
    assert result["labels"] == ["owl", "dog", "cat"]
    assert result["scores"] == [0.6, 0.2, 0.1]


def test_quantised_outputs_are_dequantised() -> None:
    made = build(output((1, 4), "uint8", scale=1 / 256, zero_point=0), "softmax")
    result = made.finish([np.array([[0, 64, 192, 0]], np.uint8)], None).result
    assert result["scores"] == [0.75, 0.25, 0.0]
    made = build(output((1, 4), "int8", scale=0.5, zero_point=-10))
    result = made.finish([np.array([[-10, -6, -8, -20]], np.int8)], None).result
    assert result["scores"][0] == pytest.approx(softmax(np.array([0.0, 2, 1, -5]))[1], abs=1e-6)


@pytest.mark.parametrize("option", [{"background": True}, {"label_offset": 1}])
def test_a_background_class_is_left_out_and_indices_count_labels(option: dict[str, Any]) -> None:
    made = build(output((1, 5)), "probabilities", **option)
    result = made.finish([np.array([[0.9, 0.0, 0.06, 0.04, 0.0]], np.float32)], None).result
    assert result["labels"][:2] == ["dog", "owl"]
    assert result["classes"][:2] == [1, 2]
    assert result["scores"][:2] == [0.06, 0.04]


def test_without_labels_the_index_is_the_label() -> None:
    result = build(output((1, 4)), labels=()).finish([np.eye(4, dtype=np.float32)[2]], None).result
    assert result["labels"][0] == "2"


def test_one_of_several_outputs_is_chosen_by_number() -> None:
    outs = (output((1, 7)), output((1, 4)))
    ladder, variant = one_variant("classify", "logits", {"output": 1}, labels=LABELS)
    made = pipeline(ladder, variant, image_spec(outputs=outs))
    arrays = [np.zeros((1, 7), np.float32), np.array([[0, 0, 9, 0]], np.float32)]
    assert made.finish(arrays, None).result["labels"][0] == "owl"
    ladder, variant = one_variant("classify", "logits", labels=LABELS)
    with pytest.raises(EngineError, match="write output: N"):
        pipeline(ladder, variant, image_spec(outputs=outs))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((1, 5), {}, "write background: true"),
        ((1, 1000), {}, "1000 scores, the ladder has 4 labels"),
        ((1, 4), {"background": True}, "less 1"),
        ((1, 4), {"topk": 3}, "unknown option|cannot use option 'topk'"),
        ((1, 4), {"background": "yes"}, "write true or false"),
        ((1, 4), {"label_offset": -1}, "whole number"),
        ((1, 4), {"output": 1}, "whole number from 0 to 0"),
    ],
)
def test_outputs_that_do_not_fit_the_labels_are_an_engine_error(
    shape: tuple[int, ...], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(EngineError, match=says) as e:
        build(output(shape), **options)
    assert str(e.value).startswith("cannot ")


def test_a_variant_without_output_plan_or_with_another_tasks_decoder_is_refused() -> None:
    spec = image_spec(outputs=(output((1, 4)),))
    with pytest.raises(EngineError, match="decoder: logits"):
        pipeline(*one_variant("classify", labels=LABELS), spec)
    with pytest.raises(EngineError, match="cannot use decoder 'yolov8' for task classify"):
        pipeline(*one_variant("classify", "yolov8", labels=LABELS), spec)
    with pytest.raises(PluginError, match="cannot find decoder 'logit'"):
        pipeline(*one_variant("classify", "logit", labels=LABELS), spec)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_fail_the_request(bad: float) -> None:
    with pytest.raises(InferenceFailed, match="NaN or infinity"):
        build(output((1, 4))).finish([np.array([[0, bad, 0, 0]], np.float32)], None)


def test_a_count_that_only_shows_at_run_time_fails_the_request() -> None:
    made = build(output((1, None)))
    with pytest.raises(InferenceFailed, match="cannot label 6 scores"):
        made.finish([np.zeros((1, 6), np.float32)], None)


class Inverted:
    """Somebody's own decoder: the smallest output wins."""

    def __init__(self, options: Mapping[str, Any], spec: IOSpec) -> None:
        self.gain = options["gain"]

    def __call__(self, outputs: Sequence[Array]) -> Array:
        scores: Array = -self.gain * outputs[0][0]
        return scores


def test_a_decoder_of_ones_own_is_named_by_module_and_attribute() -> None:
    made = build(output((1, 4)), "tests.vision.test_classify:Inverted", gain=0.5)
    result = made.finish([np.array([[3.0, 1.0, 2.0, 4.0]], np.float32)], None).result
    assert result["labels"] == ["dog", "owl", "cat"]
    assert result["scores"] == [-0.5, -1.0, -1.5]
    with pytest.raises(EngineError, match=r"cannot make decoder .*KeyError: 'gain'"):
        build(output((1, 4)), "tests.vision.test_classify:Inverted")
    with pytest.raises(InferenceFailed, match=r"cannot decode: .*IndexError"):
        made.finish([np.zeros((0, 4), np.float32)], None)


@pytest.mark.parametrize(
    ("model", "plan"),
    [
        (
            "mobilenet_v1_0.25_224_1_default_1.tflite",
            InputPlan(layout="NHWC", scale=127.5, mean=(1.0,)),
        ),
        (
            "mobilenet_v1_0.25_224_quant.tflite",
            InputPlan(layout="NHWC", dtype="uint8", scale=127.5, mean=(1.0,)),
        ),
    ],
)
@pytest.mark.parametrize("as_jpeg", [True, False])
def test_a_parrot_is_a_macaw(model: str, plan: InputPlan, as_jpeg: bool) -> None:
    labels = tuple(shared("models/imagenet_labels.txt").read_text().splitlines())[1:]
    engine = load("litert", f"models/{model}")
    ladder, variant = one_variant("classify", "softmax", {"background": True}, plan, labels)
    made = pipeline(ladder, variant, engine.spec)
    data = shared("images/parrot.jpg").read_bytes()
    if as_jpeg:
        incoming = Incoming(jpeg=data)
    else:
        incoming = Incoming((np.asarray(Image.open(io.BytesIO(data)).convert("RGB")),))
    inputs, geometry = made.prepare(incoming)
    result = made.finish(engine.infer(inputs), geometry).result
    engine.close()
    assert any("macaw" in label for label in result["labels"])
