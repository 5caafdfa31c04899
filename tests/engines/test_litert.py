"""LiteRT: what only this backend has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgerund.engines.litert import LiteRtBackend
from edgerund.errors import EngineError
from edgerund.ports import Engine, LoadOptions
from tests.engines import tflite_bytes
from tests.engines.cases import BIAS, WEIGHT
from tests.shared_data import shared

pytest.importorskip("ai_edge_litert")


def load(path: Path, **extra: object) -> Engine:
    return LiteRtBackend().load(path, LoadOptions(extra=extra), lambda _share, _text: None)


def test_the_scale_and_zero_point_of_a_quantised_file_are_in_the_signature(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_bytes.linear(WEIGHT, BIAS, quantised=True))
    spec = load(path).spec
    assert spec.inputs[0].scale == pytest.approx(tflite_bytes.INPUT_SCALE)
    assert spec.inputs[0].zero_point == -128
    assert spec.outputs[0].scale == pytest.approx(tflite_bytes.OUTPUT_SCALE)
    assert spec.outputs[0].zero_point == tflite_bytes.OUTPUT_ZERO


def test_a_batch_after_a_single_frame_and_back(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_bytes.linear(WEIGHT, BIAS))
    engine = load(path)
    given = np.random.default_rng(0).random((5, 4, 4, 3), dtype=np.float32)
    shapes = [engine.infer([given[:n]])[0].shape for n in (1, 5, 2, 1)]
    assert shapes == [(1, 10), (5, 10), (2, 10), (1, 10)]


def test_an_option_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_bytes.linear(WEIGHT, BIAS))
    with pytest.raises(EngineError, match="'xnnpack' must be a bool"):
        load(path, xnnpack="no")


def test_a_file_that_the_interpreter_refuses_is_one_clear_error() -> None:
    with pytest.raises(EngineError, match=r"^cannot load tflm_person_detect.tflite: ") as caught:
        load(shared("models/tflm_person_detect.tflite"))
    assert "quantized_dimension" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "scaled"),
    [
        ("mobilenet_v1_0.25_224_1_default_1.tflite", True),
        ("mobilenet_v1_0.25_224_quant.tflite", False),
    ],
)
def test_a_real_network_knows_a_macaw(name: str, scaled: bool) -> None:
    engine = load(shared(f"models/{name}"))
    labels = shared("models/imagenet_labels.txt").read_text().splitlines()
    image = Image.open(shared("images/parrot.jpg")).convert("RGB").resize((224, 224))
    pixels = np.asarray(image)[None]
    given = pixels.astype(np.float32) / 127.5 - 1 if scaled else pixels
    assert "macaw" in labels[int(engine.infer([given])[0].argmax())]
