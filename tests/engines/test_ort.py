"""ONNX Runtime: what only this backend has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgerund.engines.ort import OrtBackend
from edgerund.errors import EngineError
from edgerund.ports import Engine, LoadOptions
from tests.engines import onnx_bytes
from tests.engines.cases import BIAS, WEIGHT
from tests.shared_data import shared

ort = pytest.importorskip("onnxruntime")


def load(path: Path, **extra: object) -> Engine:
    return OrtBackend().load(path, LoadOptions(extra=extra), lambda _share, _text: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes.linear(WEIGHT, BIAS))
    return path


def test_an_absent_provider_is_an_error_and_no_fall_back(path: Path) -> None:
    with pytest.raises(EngineError, match="NoSuchExecutionProvider is not in this onnxruntime"):
        load(path, providers=["NoSuchExecutionProvider", "CPUExecutionProvider"])
    with pytest.raises(EngineError, match="provider"):
        load(path, providers=[])


def test_named_providers_and_their_options_are_used(path: Path) -> None:
    engine = load(
        path, providers=["CPUExecutionProvider"], provider_options=[{}], optimisation="basic"
    )
    assert engine.infer([np.zeros((1, 3, 4, 4), np.float32)])[0].shape == (1, 10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"providers": "CPUExecutionProvider"}, "must be a list"),
        ({"optimisation": "most"}, "knows all, extended, basic, none"),
        ({"session": {"session.no_such.entry" * 200: 1}}, "cannot load"),
        ({"max_batch": True}, "must be a int"),
        ({"provider_options": [{}, {}]}, "cannot load"),
    ],
)
def test_a_wrong_option_is_one_clear_error(
    path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(EngineError, match=words):
        load(path, **options)


@pytest.mark.parametrize(
    "data",
    [
        onnx_bytes.huge_claim(),
        onnx_bytes.text_input(),
        onnx_bytes.model([onnx_bytes.node("NoSuchOp", ["image"], ["scores"])], [], []),
    ],
    ids=["a weight larger than the file", "text", "an unknown operator"],
)
def test_a_hostile_or_foreign_file_is_one_clear_error(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(EngineError, match=r"^cannot (load|serve) model.onnx: ") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_small_file_that_asks_for_64_tb_is_one_clear_error(path: Path) -> None:
    path.write_bytes(onnx_bytes.fill_on_run(1 << 44))
    with pytest.raises(EngineError, match=r"^cannot (load|infer with) model.onnx: ") as caught:
        load(path).infer([np.zeros(1, np.float32)])
    assert "\n" not in str(caught.value)


def test_a_name_that_is_no_utf8_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"image", b"im\xf3ge"))
    with pytest.raises(EngineError, match=r"^cannot load model.onnx: "):
        load(path)


def test_the_ort_format_answers_like_the_onnx_file(path: Path, tmp_path: Path) -> None:
    small = tmp_path / "model.ort"
    settings = ort.SessionOptions()
    settings.optimized_model_filepath = str(small)
    settings.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    given = np.random.default_rng(0).random((1, 3, 4, 4), dtype=np.float32)
    expected = load(path).infer([given])[0]
    np.testing.assert_allclose(load(small).infer([given])[0], expected, rtol=1e-5)
    for keep in (10, 200, len(small.read_bytes()) // 2):
        small.write_bytes(small.read_bytes()[:keep])
        with pytest.raises(EngineError, match=r"^cannot load model.ort: "):
            load(small)


def test_nothing_is_printed_and_nothing_is_phoned_home(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(path.read_bytes()[:100])
    script = (
        "import sys; from pathlib import Path\n"
        "from edgerund.engines.ort import OrtBackend; from edgerund.ports import LoadOptions\n"
        "from edgerund.errors import EngineError; import numpy as np, os\n"
        "load = lambda p: OrtBackend().load(Path(p), LoadOptions(), lambda s, t: None)\n"
        "load(sys.argv[1]).infer([np.zeros((1, 3, 4, 4), np.float32)])\n"
        "try: load(sys.argv[2])\n"
        "except EngineError: sys.exit(0 if os.environ['ORT_DISABLE_TELEMETRY'] == '1' else 3)\n"
        "sys.exit(4)\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    bare = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(broken)],
        capture_output=True,
        env={**bare, "HOME": str(home)},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert list(home.rglob("*")) == []


def test_importing_the_backend_does_not_import_the_library() -> None:
    code = "import sys, edgerund.engines.ort; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_opset_8_network_reads_a_nine() -> None:
    engine = load(shared("models/ort_mnist.onnx"))
    assert [spec.name for spec in engine.spec.inputs] == ["Input3"]
    image = Image.open(shared("images/mnist_nine.bmp")).convert("L").resize((28, 28))
    scores = engine.infer([np.asarray(image, np.float32)[None, None]])[0]
    assert scores.shape == (1, 10)
    assert scores.argmax() == 9
