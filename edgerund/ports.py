"""The protocols that a plug-in implements. One file per plug-in, one table line in its room's ``__init__``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from edgerund.types import IOSpec, LadderPlan, Sense, VariantPlan

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


# ------------------------------------------------------------------ sensors
class SysRoot(Protocol):
    """The one root of everything that is read from the machine."""

    def path(self, name: str) -> Path:
        """``/sys/...`` or ``/proc/...`` below the root."""
        ...

    def read(self, name: str, limit: int = 4096) -> str:
        """The stripped text of one small file. Raises OSError."""
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Absolute names (as the machine knows them) that match, sorted naturally."""
        ...


class Sensor(Protocol):
    """One reader. ``probe`` finds the hardware (again, after it vanished), ``read`` takes one round of values.

    Made as ``cls(root: SysRoot, clock: Clock, **options)``, where ``options`` (all optional, ``period_s`` among
    them) come from the settings; ValueError for one that makes no sense. Called from one thread at a time.

    Two members are optional: ``max_age_s``, after which a value is stale (otherwise two and a half periods),
    and ``report(senses)``, called with everything about once a second, for a reader that passes it on.
    """

    period_s: float
    """How often it wants to be read."""

    def probe(self) -> str | None:
        """None if the hardware is there, else why not (one sentence)."""
        ...

    def read(self) -> Iterable[Sense]:
        """Values (``age_s`` is 0 when just measured), or NoData with its reason.

        What it raises (OSError above all) the caller turns into NoData for every value it knew.
        """
        ...

    def close(self) -> None:
        """Give everything back. Closing twice is allowed."""
        ...


# ------------------------------------------------------------------ actuators
class Actuator(Protocol):
    """Something of the machine that can be slowed down: one or more knobs, each with a value as text.

    Made as ``cls(root: SysRoot, **options)``, where ``options`` come from the settings; ValueError for ones that
    make no sense. Called from one thread at a time. Who calls it saves the values before the first write, puts them
    back, and reads each back after writing it.
    """

    def probe(self) -> str | None:
        """None if the hardware is there, else why not (one sentence)."""
        ...

    def read(self) -> Mapping[str, str]:
        """The present value of every knob. Raises OSError."""
        ...

    def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
        """The values for ``share`` (0..1) of full speed; nothing is written.

        Within what the hardware states, never faster than ``was`` (the values before the first write), and
        never faster for a smaller share. Raises OSError.
        """
        ...

    def write(self, knob: str, value: str) -> None:
        """Set one knob. Raises OSError."""
        ...
