"""What answers a request: engines and their backends, pipelines, decoders, and what they hand each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from edgerund.types import IOSpec, LadderPlan, VariantPlan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Frame = NDArray[np.uint8]
else:
    Array = Frame = Any  # the supervisor imports this file, and must not import numpy

Progress = Callable[[float, str], None]
"""Called with (share done 0..1, one sentence) while something slow goes on."""


# ------------------------------------------------------------------ engines
@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the daemon decides about a load; ``extra`` is the variant's own ``options`` mapping.

    ``threads`` is the number of threads that one inference may use. ``cache_dir`` may hold what a backend
    builds (a TensorRT plan); None forbids building.
    """

    threads: int = 1
    cache_dir: Path | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


class Engine(Protocol):
    """A variant loaded by a backend. Every method is called from one thread at a time."""

    @property
    def spec(self) -> IOSpec:
        """The signature; does not change while the engine lives."""
        ...

    def infer(self, inputs: Sequence[Array]) -> list[Array]:
        """Run once.

        Args:
            inputs: one array per ``spec.inputs``, C-contiguous, of exactly that dtype, and of a shape that
                agrees wherever the spec is not None.

        Returns:
            One array per ``spec.outputs``, owned by the caller (a later ``infer`` leaves it alone).

        Raises:
            EngineError: wrong inputs, a failure inside the backend, or an engine already closed.
        """
        ...

    def close(self) -> None:
        """Give everything back. Closing twice is allowed."""
        ...


@runtime_checkable
class Counting(Protocol):
    """What an engine may offer beside ``Engine``: whoever wants it asks ``isinstance(engine, Counting)``."""

    def counters(self) -> Mapping[str, int]:
        """What happened since the engine was loaded, by name; the names stay, the counts only grow."""
        ...


class Backend(Protocol):
    """The plug-in: knows how to load one kind of file. Made without arguments; imports its library lazily."""

    suffixes: tuple[str, ...]
    """File name endings that ``ladder init`` takes for this backend's, such as ('.onnx',)."""

    def version(self) -> str:
        """Name and version of the library behind it. Raises PluginError where it is not installed."""
        ...

    def load(self, path: Path, options: LoadOptions, progress: Progress) -> Engine:
        """Load ``path``. Raises EngineError (one sentence) for a file that cannot be loaded."""
        ...


# ------------------------------------------------------------------ frames in, answers out
@dataclass(frozen=True, slots=True)
class Geometry:
    """How a frame was fitted into the input: input = frame * (scale_x, scale_y) + (pad_x, pad_y), in pixels."""

    frame_width: int
    frame_height: int
    input_width: int
    input_height: int
    scale_x: float = 1.0
    scale_y: float = 1.0
    pad_x: float = 0.0
    pad_y: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """The task's result: ``result`` is JSON-ready, ``arrays`` travel as raw payload frames (task ``tensor``)."""

    result: Mapping[str, Any]
    arrays: Sequence[Array] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """What one request carries, not yet looked at: raw ``arrays`` (read-only), or one ``jpeg``.

    ``colour`` is what the client says of a raw frame ("RGB", "BGR", "GRAY"); None: GRAY for frames without three
    channels, else RGB.
    """

    arrays: Sequence[Array] = ()
    jpeg: bytes | memoryview | None = None
    colour: str | None = None


class Pipeline(Protocol):
    """Frames in, answers out for one loaded variant. Made by the task, used by the serving thread alone."""

    def prepare(self, incoming: Incoming) -> tuple[list[Array], Geometry | None]:
        """Turn what the client sent into engine inputs: decode, convert colours, fit, scale.

        Raises:
            BadRequest: a frame that cannot be decoded or cannot fit. TooLarge: more than ``max_pixels``.
        """
        ...

    def finish(self, outputs: Sequence[Array], geometry: Geometry | None) -> TaskAnswer:
        """Turn raw outputs into the task's answer. Raises InferenceFailed for non-finite outputs."""
        ...


class PipelineFactory(Protocol):
    """What a task is: builds the pipeline of one variant. Raises EngineError if plan and engine disagree."""

    def __call__(self, ladder: LadderPlan, variant: VariantPlan, spec: IOSpec) -> Pipeline: ...


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes in the pixels of the network's input.

    ``boxes`` float32 [N,4] as x1 y1 x2 y2, ``scores`` float32 [N] in 0..1, ``classes`` int [N].
    """

    boxes: Array
    scores: Array
    classes: Array


class ScoreDecoder(Protocol):
    """Decoder of a classifier's outputs (quantised ones arrive as real values) into float scores [classes]."""

    def __call__(self, outputs: Sequence[Array]) -> Array: ...


class BoxDecoder(Protocol):
    """Decoder of a detector's outputs, before NMS.

    Quantised outputs arrive as real values; ``width`` and ``height`` are those of the network's input.
    """

    def __call__(self, outputs: Sequence[Array], width: int, height: int) -> Detections: ...


class DecoderFactory(Protocol):
    """What a name of the decoder table stands for: called once per variant, when it is loaded.

    ``options`` are the variant's output options (with ``classes``, the number of labels, where the ladder has
    labels). Raises EngineError where they and the engine's outputs disagree.
    """

    def __call__(self, options: Mapping[str, Any], spec: IOSpec) -> ScoreDecoder | BoxDecoder: ...
