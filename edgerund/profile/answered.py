"""What variants answered in a measurement that was ended before: the next one goes on from there.

Latency, memory and energy are measured afresh each time: only what a variant says to a picture is the same for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

import edgerund
from edgerund.checksum import file_sha256
from edgerund.profile.samples import Samples
from edgerund.types import LadderPlan, VariantPlan

_FORMAT = 1


@dataclass(slots=True)
class Answered:
    """Classes that one variant named, by the step in which it was asked. ``file`` None: nothing is kept.

    A line of the file is a step and its answers; a last line that a kill cut short counts as none.
    """

    file: Path | None = None
    _known: dict[str, list[int]] = field(default_factory=dict)

    def find(self, step: str, count: int) -> list[int] | None:
        """What was answered to the ``count`` samples of a step; None if it was not asked yet."""
        told = self._known.get(step)
        return told if told is not None and len(told) == count else None

    def keep(self, step: str, answers: Sequence[int]) -> None:
        """Raises OSError where it cannot be written."""
        if self.file is not None:
            line = json.dumps([step, [int(a) for a in answers]], separators=(",", ":"))
            with self.file.open("a", encoding="ascii") as out:
                out.write(line + "\n")


@dataclass(frozen=True)
class Answers:
    """A folder with one file for each variant and all that its answers depend on; ``digest`` is the samples'."""

    folder: Path
    ladder: LadderPlan
    threads: int
    digest: str

    def of(self, variant: VariantPlan, runtime: str) -> Answered:
        """What ``variant`` answered before with this runtime. Raises OSError."""
        place = self.folder / self._key(variant, runtime)
        place.mkdir(parents=True, exist_ok=True)
        file = place / "answers.jsonl"
        file.touch()
        place.touch()  # when it was last of use: see Store.clean
        return Answered(file, _read(file))

    def _key(self, variant: VariantPlan, runtime: str) -> str:
        told = {
            "format": _FORMAT,
            "edgerund": edgerund.__version__,
            "libraries": {name: metadata.version(name) for name in ("numpy", "pillow")},
            "runtime": runtime,
            "threads": self.threads,
            "file": file_sha256(Path(variant.file)),
            "backend": variant.backend,
            "options": variant.options,
            "input": None if variant.input is None else asdict(variant.input),
            "output": None if variant.output is None else asdict(variant.output),
            "task": self.ladder.task,
            "labels": len(self.ladder.labels),
            "samples": self.digest,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def digest(samples: Samples) -> str:
    """The fingerprint of the pictures, in their order."""
    whole = hashlib.sha256()
    for _, chunk in samples.chunks():
        for sample in chunk:
            for array in sample if isinstance(sample, tuple) else (sample,):
                whole.update(f"{array.dtype.str}{array.shape}".encode())
                whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()


def _read(file: Path) -> dict[str, list[int]]:
    text = file.read_text(encoding="ascii", errors="replace")
    if text and not text.endswith("\n"):
        with file.open("a", encoding="ascii") as out:
            out.write("\n")
    return dict(filter(None, map(_line, text.splitlines())))


def _line(text: str) -> tuple[str, list[int]] | None:
    try:
        step, answers = json.loads(text)
        return str(step), [int(a) for a in answers]
    except (ValueError, TypeError):
        return None
