"""An ONNX file that scores the variants of a ladder, and a policy's network asked in this very process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.checksum import file_sha256
from edgerund.errors import EdgerundError, EngineError
from edgerund.policy.learned import Question, proposed, width
from edgerund.ports import LoadOptions
from edgerund.registry import resolve
from edgerund.types import Proposal
from edgerund.types.policy import LearnedTerms


class Network:
    """float32 [1, n] in (``policy.learned.observation``), float32 [1, variants] out.

    ``variants`` is how many it scores; None where the file leaves that open.

    Raises:
        EngineError: the file is not there, is another one than ``sha256`` says, cannot be loaded, or has
            another form.
        PluginError: ONNX Runtime is not installed.
    """

    def __init__(self, path: Path, sha256: str = "") -> None:
        try:
            found = file_sha256(path)
        except OSError as e:
            raise EngineError(f"cannot read the policy network {path}: {e.strerror}") from e
        if sha256 and found != sha256:
            raise EngineError(
                f"cannot use the policy network {path}: it is another file than the policy was read with; reload"
            )
        backend = resolve("engines", "onnxruntime")()
        self._engine: Any = backend.load(path, LoadOptions(threads=1), lambda _share, _text: None)
        self._path = path
        spec = self._engine.spec
        if not _is_row(spec.inputs) or not _is_row(spec.outputs):
            raise EngineError(
                f"cannot use {path} as a policy: it must take one float32 input of shape [1, observation] and give "
                "one float32 output of shape [1, variants]"
            )
        self._width, self.variants = spec.inputs[0].shape[1], spec.outputs[0].shape[1]
        if self._width is not None:
            fits = _variants_of(self._width)
            self.fit(self.variants or fits)
            self.variants = fits

    def fit(self, variants: int) -> None:
        """Check that it speaks of a ladder with so many variants. Raises EngineError."""
        if self._width not in (None, width(variants)) or self.variants not in (None, variants):
            raise EngineError(
                f"cannot use {self._path} as a policy for {variants} variants: it takes {self._width or 'any'} "
                f"numbers and scores {self.variants or 'any'}; {variants} variants need {width(variants)} and "
                f"{variants}"
            )

    def scores(self, seen: Sequence[float]) -> Sequence[float]:
        """One score per variant. Raises EngineError."""
        (scores,) = self._engine.infer([np.asarray([seen], dtype=np.float32)])
        row: list[float] = scores.reshape(-1).tolist()
        return row


def _is_row(specs: Sequence[Any]) -> bool:
    if len(specs) != 1 or len(specs[0].shape) != 2 or specs[0].dtype != "float32":
        return False
    return specs[0].shape[0] in (None, 1)


def _variants_of(numbers: int) -> int:
    """The ladder that such an observation is of; the smallest where there is none."""
    return next((n for n in range(1, numbers) if width(n) == numbers), 1)


class Adviser:
    """A policy's network in this process: for the simulator, which has nobody to keep waiting.

    Raises:
        EngineError, PluginError: the network cannot be used.
    """

    def __init__(self, terms: LearnedTerms) -> None:
        self._network = Network(Path(terms.file), terms.sha256)

    def __call__(self, asked: Mapping[str, Question]) -> dict[str, Proposal]:
        """Raises EngineError where the network does not fit a ladder: the simulator has no use for going on."""
        found = {}
        for name, question in asked.items():
            self._network.fit(len(question.variants))
            found[name] = proposal(self._network, question)
        return found


def proposal(network: Network, question: Question) -> Proposal:
    """What the network proposes; what goes wrong in it is its trouble, in a sentence."""
    try:
        network.fit(len(question.variants))
        scores = network.scores(question.seen)
    except EdgerundError as e:
        return Proposal(None, str(e))
    return proposed(question.variants, scores)
