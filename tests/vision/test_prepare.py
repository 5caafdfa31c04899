from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.errors import BadRequest, EngineError, RequestError, TooLarge
from edgerund.ports import Incoming
from edgerund.types import InputPlan, TensorSpec
from edgerund.types.plan import Colour, Layout
from edgerund.vision.prepare import ImageInput
from tests.vision.plans import Array, image_spec

H, W = 6, 10
FRAME = np.random.default_rng(7).integers(0, 256, (H, W, 3), dtype=np.uint8)
GRAY = np.random.default_rng(8).integers(0, 256, (H, W), dtype=np.uint8)


def straightforward(frame: Array, plan: InputPlan, spec: TensorSpec) -> Array:
    """What the documentation of InputPlan says, in float64 and in its own words."""
    pixels = frame.astype(np.float64)
    if plan.colour == "GRAY":
        pixels = pixels[:, :, None]
    elif frame.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=2)
    if plan.colour == "BGR":
        pixels = pixels[:, :, [2, 1, 0]]
    values = (pixels / plan.scale - np.array(plan.mean)) / np.array(plan.std)
    if plan.layout == "NCHW":
        values = np.moveaxis(values, 2, 0)
    if np.dtype(spec.dtype).kind in "iu":
        info = np.iinfo(spec.dtype)
        values = np.rint(values / (spec.scale or 1.0)) + (spec.zero_point or 0)
        values = values.clip(info.min, info.max)
    batch: Array = values[None]
    return batch


def feed(frame: Array, plan: InputPlan, spec: TensorSpec, colour: str | None = None) -> Array:
    made = ImageInput(
        "v", plan, image_spec(spec.shape, spec.dtype, spec.scale, spec.zero_point), 10**6
    )
    tensors, _ = made.prepare(Incoming((frame,), colour=colour))
    return tensors[0]


def shape(layout: str, channels: int) -> tuple[int, ...]:
    return (1, channels, H, W) if layout == "NCHW" else (1, H, W, channels)


stats = st.sampled_from(
    [
        (255.0, (0.0,), (1.0,)),
        (1.0, (0.0,), (1.0,)),
        (127.5, (1.0,), (1.0,)),
        (1.0, (103.5, 116.3, 123.7), (57.4, 57.1, 58.4)),
        (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["NCHW", "NHWC"]),
    st.sampled_from(["RGB", "BGR", "GRAY"]),
    stats,
    st.sampled_from(
        [
            ("float32", None, None),
            ("float16", None, None),
            ("uint8", None, None),
            ("uint8", 0.0078125, 128),
            ("int8", 1 / 255, -128),
            ("int8", 0.02, 3),
            ("int16", 1 / 32768, 0),
        ]
    ),
    st.booleans(),
)
def test_every_layout_and_dtype_is_what_the_plan_says(
    layout: Layout,
    colour: Colour,
    stat: tuple[float, tuple[float, ...], tuple[float, ...]],
    kind: tuple[str, float | None, int | None],
    gray_frame: bool,
) -> None:
    scale, mean, std = stat
    if colour == "GRAY":
        mean, std = mean[:1], std[:1]
    dtype, q_scale, q_zero = kind
    channels = 1 if colour == "GRAY" else 3
    plan = InputPlan(
        layout=layout, colour=colour, dtype=dtype, scale=scale, mean=mean, std=std, fit="stretch"
    )
    spec = TensorSpec("x", dtype, shape(layout, channels), q_scale, q_zero)
    frame = GRAY if gray_frame or colour == "GRAY" else FRAME
    got = feed(frame, plan, spec)
    wanted = straightforward(frame, plan, spec)
    assert got.shape == wanted.shape
    assert got.dtype == np.dtype(dtype)
    assert got.flags.c_contiguous
    if dtype == "float32":
        # two roundings of float32, of terms no larger than the offset
        assert np.allclose(got, wanted, rtol=3e-7, atol=3e-7 * max(1, np.abs(wanted).max()))
    else:
        assert np.array_equal(got, wanted.astype(dtype))


@pytest.mark.parametrize("colour", ["RGB", "BGR"])
@pytest.mark.parametrize("sent", ["RGB", "BGR"])
def test_the_colour_order_of_the_sender_does_not_matter(colour: Colour, sent: Colour) -> None:
    plan = InputPlan(colour=colour, layout="NHWC", dtype="uint8", scale=1.0)
    spec = TensorSpec("x", "uint8", (1, H, W, 3))
    frame = FRAME if sent == "RGB" else np.ascontiguousarray(FRAME[:, :, ::-1])
    got = feed(frame, plan, spec, sent)[0]
    assert np.array_equal(got, FRAME if colour == "RGB" else FRAME[:, :, ::-1])


def test_a_uint8_frame_of_the_right_size_is_not_copied() -> None:
    plan = InputPlan(layout="NHWC", dtype="uint8", scale=1.0)
    got = feed(FRAME, plan, TensorSpec("x", "uint8", (1, H, W, 3)))
    assert np.shares_memory(got, FRAME)


def test_int8_minus_128_comes_from_the_engines_own_scale() -> None:
    plan = InputPlan(layout="NHWC", dtype="int8")
    got = feed(FRAME, plan, TensorSpec("x", "int8", (1, H, W, 3), 1 / 255, -128))
    assert np.array_equal(got[0], FRAME.astype(int) - 128)


def test_a_colour_frame_becomes_gray_for_a_gray_plan() -> None:
    plan = InputPlan(colour="GRAY", dtype="uint8", scale=1.0)
    red = np.zeros((H, W, 3), np.uint8)
    red[:, :, 0] = 255
    got = feed(red, plan, TensorSpec("x", "uint8", (1, 1, H, W)))
    assert (got == 76).all()


def test_an_input_without_a_batch_dimension_gets_none() -> None:
    assert feed(FRAME, InputPlan(), TensorSpec("x", "float32", (3, H, W))).shape == (3, H, W)


def test_free_dimensions_take_their_size_from_the_plan() -> None:
    plan = InputPlan(size=(32, 48))
    spec = TensorSpec("x", "float32", (None, 3, None, None))
    assert feed(FRAME, plan, spec).shape == (1, 3, 32, 48)


@pytest.mark.parametrize(
    ("plan", "spec", "says"),
    [
        (InputPlan(), TensorSpec("x", "uint8", (1, 3, 8, 8)), "write dtype: uint8"),
        (InputPlan(), TensorSpec("x", "float32", (1, 8, 8, 3)), "correct layout or colour"),
        (InputPlan(colour="GRAY"), TensorSpec("x", "float32", (1, 3, 8, 8)), "colour"),
        (InputPlan(size=(9, 8)), TensorSpec("x", "float32", (1, 3, 8, 8)), "[9, 8]"),
        (InputPlan(), TensorSpec("x", "float32", (1, 3, None, None)), "size: [height, width]"),
        (InputPlan(), TensorSpec("x", "float32", (4, 3, 8, 8)), "batches of 4"),
        (InputPlan(), TensorSpec("x", "float32", (1, 10)), "no image"),
        (InputPlan(mean=(0.1, 0.2)), TensorSpec("x", "float32", (1, 3, 8, 8)), "mean has 2"),
        (InputPlan(std=(0.0,)), TensorSpec("x", "float32", (1, 3, 8, 8)), "must not be 0"),
        (InputPlan(scale=0.0), TensorSpec("x", "float32", (1, 3, 8, 8)), "must not be 0"),
        (InputPlan(), TensorSpec("x", "string", (1, 3, 8, 8)), "string"),
    ],
)
def test_a_plan_that_the_engine_cannot_meet_is_one_sentence(
    plan: InputPlan, spec: TensorSpec, says: str
) -> None:
    with pytest.raises(EngineError) as e:
        ImageInput("v", plan, image_spec(spec.shape, spec.dtype), 10**6)
    assert says in str(e.value)
    assert str(e.value).startswith("cannot ")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("frame", "colour", "error"),
    [
        (np.zeros((4, 4, 3), np.float32), None, BadRequest),
        (np.zeros((4, 4, 4), np.uint8), None, BadRequest),
        (np.zeros((4,), np.uint8), None, BadRequest),
        (np.zeros((0, 4, 3), np.uint8), None, BadRequest),
        (np.zeros((1, 4, 4, 3), np.uint8), None, BadRequest),
        (np.zeros((4, 4), np.uint8), "RGB", BadRequest),
        (np.zeros((4, 4, 3), np.uint8), "GRAY", BadRequest),
        (np.zeros((1001, 1000, 3), np.uint8), None, TooLarge),
    ],
)
def test_a_frame_that_is_none_is_refused(
    frame: Array, colour: str | None, error: type[RequestError]
) -> None:
    made = ImageInput("v", InputPlan(), image_spec((1, 3, 8, 8)), 10**6)
    with pytest.raises(error, match=r"^cannot take"):
        made.prepare(Incoming((frame,), colour=colour))


@pytest.mark.parametrize("count", [0, 2])
def test_one_frame_means_one(count: int) -> None:
    made = ImageInput("v", InputPlan(), image_spec((1, 3, 8, 8)), 10**6)
    with pytest.raises(BadRequest, match="send one frame"):
        made.prepare(Incoming((FRAME,) * count))
