"""Other people's models, whose inputs and outputs nobody here has chosen."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgerund.ports import Incoming
from edgerund.types import InputPlan
from edgerund.vision.classify import pipeline
from tests.shared_data import shared
from tests.vision.models import load
from tests.vision.plans import Array, one_variant


def best(backend: str, model: str, image: str, plan: InputPlan, decoder: str, labels: str) -> str:
    engine = load(backend, f"models/{model}")
    made = pipeline(
        *one_variant("classify", decoder, plan=plan, labels=tuple(labels.split())), engine.spec
    )
    inputs, geometry = made.prepare(Incoming((pixels(image),)))
    result = made.finish(engine.infer(inputs), geometry).result
    engine.close()
    return str(result["labels"][0])


def pixels(image: str) -> Array:
    with Image.open(shared(f"images/{image}")) as opened:
        return np.asarray(opened if opened.mode == "L" else opened.convert("RGB"))


def test_a_handwritten_nine_is_a_nine() -> None:
    plan = InputPlan(colour="GRAY", scale=1.0)
    digits = "0 1 2 3 4 5 6 7 8 9"
    assert best("onnxruntime", "ort_mnist.onnx", "mnist_nine.bmp", plan, "logits", digits) == "9"


@pytest.mark.parametrize("kind", ["float", "int8"])
@pytest.mark.parametrize(
    ("image", "wanted"), [("grace_hopper.bmp", "person"), ("owl.jpg", "nobody")]
)
def test_float_and_int8_take_the_same_plan_but_for_the_dtype(
    kind: str, image: str, wanted: str
) -> None:
    plan = InputPlan(layout="NHWC", dtype="float32" if kind == "float" else "int8")
    found = best(
        "litert", f"mlperftiny_vww_96_{kind}.tflite", image, plan, "softmax", "nobody person"
    )
    assert found == wanted
