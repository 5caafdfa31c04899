from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["classify", "detect", "tensor"])
def test_a_task_is_imported_without_what_it_may_not_need(module: str) -> None:
    code = f"import edgerund.vision.{module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"PIL", "pydantic", "yaml", "zmq", "onnxruntime", "importlib.metadata"}


def test_the_fork_server_has_the_codecs_before_the_first_frame() -> None:
    code = "import edgerund.vision.preload, sys; print('PIL.JpegImagePlugin' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
