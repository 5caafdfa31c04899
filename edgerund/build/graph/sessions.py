"""Running a model on many images: one session, batches where the model takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort

from edgerund.build.graph.model import explained
from edgerund.build.technique import Array, Images
from edgerund.errors import BuildError

MOST_IMAGES = 32
MOST_INPUT_BYTES = 16 * 2**20
"""Both bound a batch: activations are many times larger than what goes in."""


def open_session(model: Path | bytes, name: str, threads: int = 1) -> Any:
    """A CPU session that leaves the cores alone between two runs.

    Raises:
        BuildError: onnxruntime does not load it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(model) if isinstance(model, Path) else model
    with explained(f"run {name}"):
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def check_images(session: Any, images: Images, name: str) -> None:
    """Raises BuildError where the images do not have the inputs that the model asks for."""
    wanted = {value.name for value in session.get_inputs()}
    given = set(images.inputs)
    if wanted - given:
        raise BuildError(
            f"cannot run {name}: it asks for {', '.join(sorted(wanted))}, the data gives "
            f"{', '.join(sorted(given)) or 'nothing'}"
        )
    if not len(images):
        raise BuildError(f"cannot run {name}: the data holds no image")


def batch_size(session: Any, images: Images) -> int:
    """How many images one run takes: what the model fixes, else as many as is sensible."""
    sizes = [
        value.shape[0]
        for value in session.get_inputs()
        if value.shape and isinstance(value.shape[0], int) and value.shape[0] > 0
    ]
    if sizes:
        return min(sizes)
    one = sum(images.inputs[value.name][:1].nbytes for value in session.get_inputs())
    return max(1, min(MOST_IMAGES, MOST_INPUT_BYTES // max(1, one)))


def feeds(session: Any, images: Images, batch: int) -> Iterator[tuple[int, Mapping[str, Array]]]:
    """(real images in it, what to feed); the last one is filled up by repeating its last image."""
    wanted = [value.name for value in session.get_inputs()]
    for begin in range(0, len(images), batch):
        part = {name: images.inputs[name][begin : begin + batch] for name in wanted}
        real = len(next(iter(part.values())))
        if real < batch:
            repeat = np.minimum(np.arange(batch), real - 1)
            part = {name: value[repeat] for name, value in part.items()}
        yield real, part


def run_all(session: Any, images: Images, name: str) -> list[list[Array]]:
    """The outputs of every run, in order; images that only filled up a batch are cut off again.

    A model that promises free batches but takes only one image is asked one by one.
    """
    check_images(session, images, name)
    batch = batch_size(session, images)
    try:
        return _run(session, images, batch, name)
    except BuildError:
        if batch == 1 or _fixed(session):
            raise
    return _run(session, images, 1, name)


def _fixed(session: Any) -> bool:
    return any(v.shape and isinstance(v.shape[0], int) for v in session.get_inputs())


def _run(session: Any, images: Images, batch: int, name: str) -> list[list[Array]]:
    runs = []
    with explained(f"run {name}"):
        for real, part in feeds(session, images, batch):
            outputs: Sequence[Array] = session.run(None, part)
            if real < batch:
                outputs = [o[:real] if o.ndim and o.shape[0] == batch else o for o in outputs]
            runs.append([np.asarray(o) for o in outputs])
    return runs
