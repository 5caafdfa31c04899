"""Asks an ONNX file about many images: what a teacher says of the training set. Figures are `edgerund profile`'s."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Floats = npt.NDArray[np.float32]


def session(path: Path, threads: int = 1) -> Any:
    """A plain CPU session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def logits(sess: Any, images: npt.NDArray[np.uint8], batch: int = 100) -> Floats:
    """Raw outputs for ``uint8 [N, 3, 32, 32]`` images."""
    parts = [
        sess.run(None, {"image": images[i : i + batch].astype(np.float32) / np.float32(255)})[0]
        for i in range(0, len(images), batch)
    ]
    return np.concatenate(parts)
