"""From names to plug-ins: nothing is imported early, and every failure says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgerund import registry
from edgerund.errors import PluginError


def test_built_in_names_are_found() -> None:
    assert {"onnxruntime", "litert", "fake"} <= set(registry.names("engines"))
    assert set(registry.names_built_in("tasks")) == {"classify", "detect", "tensor"}
    assert registry.resolve("engines", "fake").__name__ == "FakeBackend"


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(PluginError, match=r"^cannot find engine 'onnx': known are .*fake.*litert"):
        registry.resolve("engines", "onnx")


def test_a_plug_in_of_ones_own_is_named_by_module_and_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_engine_for_test.py").write_text("class Mine: ...\n")
    (tmp_path / "broken_engine_for_test.py").write_text("import no_such_library_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.resolve("engines", "own_engine_for_test:Mine").__name__ == "Mine"
    with pytest.raises(PluginError, match="has no 'Yours'"):
        registry.resolve("engines", "own_engine_for_test:Yours")
    with pytest.raises(PluginError, match="no module named 'nowhere_to_be_found'"):
        registry.resolve("engines", "nowhere_to_be_found:Mine")
    with pytest.raises(PluginError, match="needs the module 'no_such_library_at_all'"):
        registry.resolve("engines", "broken_engine_for_test:Mine")


def test_suffixes_and_decoders_are_known_without_importing_anything() -> None:
    code = (
        "import sys; from edgerund import registry as r\n"
        "assert r.suffixes('onnxruntime') == ('.onnx', '.ort')\n"
        "assert r.suffixes('somebodys') is None\n"
        "assert 'logits' in r.decoders('classify') and 'yolov8' in r.decoders('detect')\n"
        "assert r.decoders('tensor') == ()\n"
        "print([m for m in ('numpy', 'onnxruntime', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
