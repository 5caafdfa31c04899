"""What accuracy is counted on: pictures or network inputs, and what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgerund.ports import Array
from edgerund.types import InputPlan

Frame: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.int64]
_CHUNK_BYTES = 8 << 20
_CHUNK_SAMPLES = 256


@dataclass(frozen=True)
class Samples:
    """Pictures (``frames``: uint8 ``[h, w, 3]`` RGB or ``[h, w]``, each of its own size) or network inputs.

    Exactly one of ``frames`` and ``inputs`` holds something; ``inputs[i]`` are the arrays of sample i, one per input
    of the network, each with a leading side of 1. ``labels`` are numbers of the ladder's labels, or None. ``source``
    says for people what they are.
    """

    frames: Sequence[Frame] | Frame = ()
    inputs: Sequence[tuple[Array, ...]] = ()
    labels: Labels | None = None
    source: str = ""

    def __len__(self) -> int:
        return len(self.inputs) or len(self.frames)

    def take(self, most: int | None) -> Samples:
        """At most so many of them, evenly spread, in their order."""
        if most is None or len(self) <= most:
            return self
        at = np.unique(np.linspace(0, len(self) - 1, most).astype(np.int64))
        return Samples(
            _Picked(self.frames, at) if len(self.frames) else (),
            _Picked(self.inputs, at) if len(self.inputs) else (),
            None if self.labels is None else self.labels[at],
            self.source,
        )

    def chunks(self) -> Iterator[tuple[int, list[Any]]]:
        """Where each chunk begins, and its frames (or inputs): few enough to travel to another process."""
        every: Any = self.inputs if len(self.inputs) else self.frames
        chunk: list[Any] = []
        begin, held = 0, 0
        for i in range(len(every)):
            chunk.append(every[i])
            held += bytes_of(chunk[-1])
            if held >= _CHUNK_BYTES or len(chunk) == _CHUNK_SAMPLES:
                yield begin, chunk
                begin, chunk, held = i + 1, [], 0
        if chunk:
            yield begin, chunk


def samples_of_inputs(
    inputs: Sequence[Array], labels: Labels | None, plan: InputPlan | None, source: str = ""
) -> Samples:
    """Samples from arrays ``[N, ...]`` that are network inputs already, one array per input.

    Where ``plan`` says how pictures become such inputs and that can be undone without loss, the samples are the
    pictures: so that robustness can be measured, and each variant's own preprocessing takes part.
    """
    if plan is not None and len(inputs) == 1:
        frames = frames_of_inputs(inputs[0], plan)
        if frames is not None:
            return Samples(frames=frames, labels=labels, source=source)
    rows = [tuple(a[i : i + 1] for a in inputs) for i in range(len(inputs[0]))]
    return Samples(inputs=rows, labels=labels, source=source)


def frames_of_inputs(array: Array, plan: InputPlan) -> Frame | None:
    """The pictures ``uint8 [N, h, w, 3]`` (or ``[N, h, w]``) behind network inputs; None where they are not those.

    Undoes stored = ((pixel / scale) - mean) / std; quantised inputs are not undone.
    """
    if array.ndim != 4 or array.dtype.kind != "f":
        return None
    stored = array.transpose(0, 2, 3, 1) if plan.layout == "NCHW" else array
    real = stored.astype(np.float64) * np.array(plan.std) + np.array(plan.mean)
    pixels = real * plan.scale
    whole = np.rint(pixels)
    tolerance = 0.26 if array.dtype == np.float16 else 0.02
    if whole.min() < 0 or whole.max() > 255 or np.abs(pixels - whole).max() > tolerance:
        return None
    frames: Frame = whole.astype(np.uint8)
    if plan.colour == "BGR":
        frames = frames[..., ::-1]
    return np.ascontiguousarray(frames[..., 0] if plan.colour == "GRAY" else frames)


class _Picked(Sequence[Any]):
    """Some of a sequence, without copying it."""

    def __init__(self, every: Any, at: NDArray[np.int64]) -> None:
        self._every, self._at = every, at

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._every[int(i)] for i in self._at[index]]
        return self._every[int(self._at[index])]


def bytes_of(sample: Any) -> int:
    """How much one sample takes."""
    return sum(a.nbytes for a in sample) if isinstance(sample, tuple) else int(sample.nbytes)
