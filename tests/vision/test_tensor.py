from __future__ import annotations

import numpy as np
import pytest

from edgerund.errors import BadRequest, EngineError, InferenceFailed
from edgerund.ports import Incoming
from edgerund.types import InputPlan, IOSpec, TensorSpec
from edgerund.vision.tensor import RawTensors, pipeline
from tests.vision.plans import Array, image_spec, one_variant, output

ONE = image_spec((None, 3, 8, 8), outputs=(output((1, 4)),))
TWO = IOSpec(
    (TensorSpec("a", "float32", (1, 4)), TensorSpec("b", "int64", (2,))),
    (output((1, 4)), output((2,), "int64")),
)


def build(spec: IOSpec, plan: InputPlan | None = None) -> RawTensors:
    return pipeline(*one_variant("tensor", plan=plan), spec)


@pytest.mark.parametrize("batch", [1, 3])
def test_an_array_that_fits_goes_in_without_a_copy(batch: int) -> None:
    array = np.ones((batch, 3, 8, 8), np.float32)
    array.flags.writeable = False
    inputs, geometry = build(ONE).prepare(Incoming((array,)))
    assert inputs[0] is array
    assert geometry is None


def test_several_inputs_and_outputs_keep_their_order() -> None:
    made = build(TWO)
    arrays = [np.ones((1, 4), np.float32), np.array([7, 8])]
    inputs, _ = made.prepare(Incoming(arrays))
    assert [a is b for a, b in zip(inputs, arrays, strict=True)] == [True, True]
    answer = made.finish(arrays, None)
    assert answer.result == {
        "outputs": [
            {"name": "out", "dtype": "float32", "shape": [1, 4]},
            {"name": "out", "dtype": "int64", "shape": [2]},
        ]
    }
    assert [a is b for a, b in zip(answer.arrays, arrays, strict=True)] == [True, True]


@pytest.mark.parametrize(
    ("array", "got"),
    [
        (np.zeros((1, 3, 8, 8), np.float64), "float64 [1, 3, 8, 8]"),
        (np.zeros((1, 3, 8, 9), np.float32), "float32 [1, 3, 8, 9]"),
        (np.zeros((3, 8, 8), np.float32), "float32 [3, 8, 8]"),
        (np.zeros((1, 3, 8, 8), ">f4"), "float32 [1, 3, 8, 8]"),
        (np.zeros((8, 8, 3), np.uint8), "uint8 [8, 8, 3]"),
    ],
)
def test_another_dtype_or_shape_is_refused_with_both_named(array: Array, got: str) -> None:
    with pytest.raises(BadRequest) as e:
        build(ONE).prepare(Incoming((array,)))
    assert got in str(e.value)
    assert "'images': it wants float32 [any, 3, 8, 8]" in str(e.value)


@pytest.mark.parametrize(
    "incoming", [Incoming(), Incoming((np.zeros(1),) * 3), Incoming(jpeg=b"x")]
)
def test_another_number_of_arrays_is_refused(incoming: Incoming) -> None:
    with pytest.raises(BadRequest, match="the ladder wants 2"):
        build(TWO).prepare(incoming)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_in_and_out(bad: float) -> None:
    array = np.zeros((1, 3, 8, 8), np.float32)
    array[0, 2, 7, 7] = bad
    made = build(ONE)
    with pytest.raises(BadRequest, match="NaN or infinity in input 'images'"):
        made.prepare(Incoming((array,)))
    with pytest.raises(InferenceFailed, match="output 'out'"):
        made.finish([array], None)


def test_with_an_input_plan_frames_are_welcome_too() -> None:
    made = build(ONE, InputPlan())
    inputs, geometry = made.prepare(Incoming((np.full((16, 16, 3), 255, np.uint8),)))
    assert inputs[0].shape == (1, 3, 8, 8)
    assert np.allclose(inputs[0], 1.0)
    assert geometry is not None
    assert geometry.frame_width == 16
    ready = np.ones((1, 3, 8, 8), np.float32)
    assert made.prepare(Incoming((ready,)))[0][0] is ready
    with pytest.raises(BadRequest, match="it wants float32"):
        made.prepare(Incoming((np.zeros((16, 16, 3)),)))
    with pytest.raises(BadRequest, match="one frame"):
        made.prepare(Incoming(()))


def test_an_array_that_is_not_contiguous_becomes_so() -> None:
    array = np.ones((8, 8, 3, 1), np.float32).transpose(3, 2, 0, 1)
    (ready,), _ = build(ONE).prepare(Incoming((array,)))
    assert ready.flags.c_contiguous
    assert np.array_equal(ready, array)


def test_an_output_plan_is_a_mistake_here() -> None:
    with pytest.raises(EngineError, match="leave output out"):
        pipeline(*one_variant("tensor", "logits"), ONE)


def test_a_dtype_that_numpy_lacks_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="no dtype 'string'"):
        build(image_spec((1, 4), "string"))
