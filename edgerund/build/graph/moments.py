"""What goes into each layer and what comes out: mean and second moments over channels, and the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgerund.build.graph.model import Model
from edgerund.build.graph.sessions import check_images, feeds, open_session
from edgerund.build.technique import Array, Images, Progress

Floats = NDArray[np.float64]
ROWS = 4096
"""At most so many positions of one run are looked at, evenly spread."""


@dataclass
class Moments:
    """Sums over positions of one value; channels are the second axis of a Conv's and the last of a MatMul's."""

    shape: tuple[int, ...]
    count: int
    total: Floats
    square: Floats

    @property
    def mean(self) -> Floats:
        """``[C]``."""
        return self.total / max(1, self.count)

    @property
    def second(self) -> Floats:
        """``[C, C]``, about zero."""
        return self.square / max(1, self.count)

    @property
    def covariance(self) -> Floats:
        """``[C, C]``, about the mean."""
        return self.second - np.outer(self.mean, self.mean)


def moments(
    model: Model, nodes: Sequence[Any], images: Images, threads: int, progress: Progress
) -> dict[str, Moments]:
    """The moments of the first input and the output of each of ``nodes``, by value name.

    Raises:
        BuildError: the model does not run on the images.
    """
    channel: dict[str, int] = {}
    for node in nodes:
        for name in (node.input[0], node.output[0]):
            channel[name] = -1 if node.op_type in ("Gemm", "MatMul") else 1
    watched = type(model)()
    watched.CopyFrom(model)
    shown = {v.name for v in [*watched.graph.output, *watched.graph.input]}
    for name in channel:
        if name not in shown:
            watched.graph.output.add().name = name
    session = open_session(watched.SerializeToString(), "the network with values shown", threads)
    check_images(session, images, "the network")
    outputs = [v.name for v in session.get_outputs() if v.name in channel]
    found: dict[str, Moments] = {}
    free = not any(v.shape and isinstance(v.shape[0], int) for v in session.get_inputs())
    batch = 8 if free else _fixed(session)
    for number, (_, part) in enumerate(feeds(session, images, batch)):
        values = dict(zip(outputs, session.run(outputs, part), strict=True))
        values |= {name: part[name] for name in channel if name in part}
        for name, value in values.items():
            _add(found, name, np.asarray(value), channel[name])
        progress(
            min(1.0, (number + 1) * batch / len(images)), "watches what goes through the layers"
        )
    return found


def _fixed(session: Any) -> int:
    sides = [v.shape[0] for v in session.get_inputs() if v.shape and isinstance(v.shape[0], int)]
    return int(min(sides))


def _add(found: dict[str, Moments], name: str, array: Array, axis: int) -> None:
    rows = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).astype(np.float64)
    rows = rows[:: max(1, len(rows) // ROWS)]
    rows = rows[np.isfinite(rows).all(axis=1)]
    if name not in found:
        size = rows.shape[1]
        found[name] = Moments(array.shape, 0, np.zeros(size), np.zeros((size, size)))
    each = found[name]
    each.count += len(rows)
    each.total += rows.sum(axis=0)
    each.square += rows.T @ rows
