"""What a stage of the factory works on and what a technique is: the plug-in contract of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Array = NDArray[Any]
Kind = Literal["onnx", "torch", "cascade"]
Progress = Callable[[float, str], None]
"""Called with (share of the stage that is done, 0..1; one sentence)."""


@dataclass(frozen=True)
class Images:
    """Network inputs, ready to be fed, and what they show.

    ``inputs`` maps each input's name to an array ``[N, ...]`` in the dtype and layout of the network;
    ``labels`` is ``int [N]``, or None where nobody labelled them.
    """

    inputs: Mapping[str, Array]
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, begin: int, end: int) -> Images:
        """Images ``begin`` to ``end``, as views."""
        labels = None if self.labels is None else self.labels[begin:end]
        return Images({name: value[begin:end] for name, value in self.inputs.items()}, labels)


@dataclass(frozen=True)
class Data:
    """The images of a build. ``test`` is asked for once, for the final cards; no stage may look at it.

    ``train`` is whatever the recipe's own training functions understand.
    """

    calibration: Images
    validation: Images | None = None
    test: Callable[[], Images] | None = None
    train: Any = None


@dataclass(frozen=True)
class Artifact:
    """One model on its way to becoming a variant. The members of a cascade lie beside its file.

    ``facts`` are JSON-ready figures for the report (what was chosen, tried, left out); ``how`` are the
    sentences of the card, from the first stage to this one.
    """

    path: Path
    kind: Kind
    facts: Mapping[str, Any] = field(default_factory=dict)
    how: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a stage may use. ``folder`` is empty, is the stage's own, and is kept if the stage succeeds.

    ``scratch`` survives an interrupted stage and is removed after it succeeded: checkpoints go there.
    """

    folder: Path
    scratch: Path
    data: Data
    seed: int
    threads: int
    progress: Progress
    torch: Mapping[str, Any] = field(default_factory=dict)
    """The recipe's own functions by role (``model``, ``fit``, ``export``), resolved; empty without training."""


class Technique(Protocol):
    """The plug-in. Made without arguments; imports its libraries inside ``run``."""

    Params: ClassVar[type[BaseModel]]
    """What a recipe may set; unknown keys are refused (``extra="forbid"``)."""

    version: ClassVar[int]
    """Raised whenever the same inputs would give another file: a cached stage is then made anew."""

    takes: ClassVar[Kind | None]
    """Kind of its parents; None for one that begins a chain."""

    gives: ClassVar[Kind]

    # A technique may also say ``parts``, the names of what it looks at in ``Data`` (usually calibration and
    # validation, or train and validation), ``libraries``, the packages whose versions change its result, and
    # ``most_parents`` (usually 2, or 1 for one that begins a chain); with ``least_parents`` all of them are of the
    # kind that it takes.

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        """Make one file in ``context.folder``.

        The same parents, parameters, data and seed give the same file. The first parent is what is changed;
        a second one is a teacher.

        Raises:
            BuildError: the technique cannot be applied; the message says to what, and what to do.
        """
        ...
