"""Teachers: the network of any stage as a function from images to logits, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgerund.build.technique import Artifact, Context
from edgerund.build.training import figures, files

Teacher = Callable[..., Tensor]


def teacher(artifact: Artifact, context: Context) -> Teacher:
    """A function that takes what the network takes (tensors) and gives its first output."""
    if artifact.kind == "onnx":
        return _OnnxTeacher(artifact.path, context.threads)
    model, _ = files.load(artifact.path, context.torch)

    def answer(*images: Tensor) -> Tensor:
        with torch.no_grad():
            return figures.first(model(*images)).detach()

    return answer


class _OnnxTeacher:
    def __init__(self, path: Path, threads: int) -> None:
        self._session = session(path, threads)
        self._inputs = [value.name for value in self._session.get_inputs()]

    def __call__(self, *images: Tensor) -> Tensor:
        feeds = {name: value.numpy() for name, value in zip(self._inputs, images, strict=True)}
        return torch.from_numpy(self._session.run(None, feeds)[0])


def session(path: Path, threads: int) -> Any:
    """A plain session on the CPU whose threads do not spin."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
