"""What must hold between the keys of a ladder, beyond the form of each: pure rules that name the line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edgerund import registry
from edgerund.config.ladder_merge import Merged
from edgerund.config.source import Document, Loc
from edgerund.errors import Problem
from edgerund.types import Card, InputPlan, VariantPlan

_CHANNELS = {"RGB": 3, "BGR": 3, "GRAY": 1}


class Findings:
    """Mistakes, and what is only odd, in the order in which they were found."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    def problem(self, loc: Loc, message: str) -> None:
        """A mistake at ``loc``; the same one is kept once."""
        self._problems[self._document.problem(loc, message)] = None

    def warn(self, loc: Loc, message: str) -> None:
        """Something odd at ``loc``."""
        self._warnings[self._document.problem(loc, message)] = None

    def extend(self, problems: Sequence[Problem]) -> None:
        """Mistakes found elsewhere."""
        self._problems.update(dict.fromkeys(problems))

    def written(self, index: int, *keys: str) -> Loc:
        """Where a merged key stands: in the variant, else in defaults; absent, where its parent stands."""
        while keys:
            places: tuple[Loc, ...] = (("variants", index, *keys), ("defaults", *keys))
            for loc in places:
                if loc in self._document.lines:
                    return loc
            keys = keys[:-1]
        return ("variants", index)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every mistake."""
        return tuple(self._problems)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Everything odd."""
        return tuple(self._warnings)


def check_backend(merged: Merged, index: int, found: Findings) -> None:
    """The backend is known by name (nothing is imported) and takes files of this ending."""
    if merged.backend is None:
        endings = ", ".join(
            s for n in registry.names_built_in("engines") for s in registry.suffixes(n) or ()
        )
        found.problem(
            found.written(index, "file"),
            f"cannot tell the backend of {merged.file!r}: write backend, or use one of {endings}",
        )
        return
    if message := unknown_backend(merged.backend):
        found.problem(found.written(index, "backend"), message)
    taken = registry.suffixes(merged.backend)
    if taken and not merged.file.endswith(taken):
        found.problem(
            found.written(index, "file"),
            f"cannot run {merged.file!r} with {merged.backend}: it takes {', '.join(taken)}",
        )


def check_input(merged: Merged, index: int, task: object, found: Findings) -> None:
    """Images need a size; means belong to channels."""
    plan = merged.input
    if plan is None or plan.size is None:
        if task in ("classify", "detect"):
            found.problem(
                found.written(index, "input"),
                f"cannot do without input.size: {task} fits frames into it; write size: [height, width]",
            )
        if plan is None:
            return
    channels = _CHANNELS[plan.colour]
    for key, values in (("mean", plan.mean), ("std", plan.std)):
        if len(values) not in (1, channels):
            found.problem(
                found.written(index, "input", key),
                f"cannot use {len(values)} values for {channels} channel{'s' if channels > 1 else ''}",
            )
    if 0.0 in plan.std:
        found.problem(found.written(index, "input", "std"), "cannot divide by 0")
    _odd_integers(merged, plan, index, found)


def _odd_integers(merged: Merged, plan: InputPlan, index: int, found: Findings) -> None:
    # ONNX files carry no input scale, so nothing turns 0..1 back into 0..255 behind the division
    if merged.backend == "onnxruntime" and plan.dtype in ("uint8", "int8") and plan.scale >= 128:
        found.warn(
            found.written(index, "input", "scale"),
            f"dividing by {plan.scale:g} and storing as {plan.dtype} leaves almost nothing: is scale: 1 meant?",
        )


def check_output(merged: Merged, index: int, task: object, found: Findings) -> None:
    """The decoder is known by name and belongs to the task."""
    if task not in ("classify", "detect", "tensor"):
        return
    loc = found.written(index, "output", "decoder")
    known = registry.decoders(str(task))
    if task == "tensor":
        if merged.output is not None:
            found.problem(
                loc, "cannot decode for task tensor: it answers raw outputs; leave output out"
            )
    elif merged.output is None:
        found.problem(
            loc,
            f"cannot do without output.decoder: {task} knows {', '.join(known)}; or module:attribute",
        )
    elif not _usable_decoder(merged.output.decoder, known):
        found.problem(
            loc,
            f"cannot use decoder {merged.output.decoder!r} for {task}: known are {', '.join(known)}; "
            "or module:attribute",
        )


def _usable_decoder(name: str, known: tuple[str, ...]) -> bool:
    if name in known or ":" in name:
        return True
    # scanning what is installed costs 30 ms: only a name that is nobody's yet is worth it
    return name not in registry.names_built_in("decoders") and name in registry.names("decoders")


def unknown_backend(name: str) -> str | None:
    """Why the registry would not find this backend, without importing it; None if it would."""
    if name in registry.names_built_in("engines") or ":" in name:
        return None
    known = registry.names("engines")
    if name in known:
        return None
    return f"cannot find backend {name!r}: known are {', '.join(known)}; or write module:attribute"


def check_order(variants: Sequence[VariantPlan], found: Findings) -> None:
    """Best first: accuracy falls from one to the next, and every step down buys something."""
    for i, (upper, lower) in enumerate(pairwise(variants), start=1):
        a, b = upper.card, lower.card
        if a.accuracy is None or b.accuracy is None:
            continue
        if b.accuracy > a.accuracy:
            found.warn(
                ("variants", i, "name"),
                f"{lower.name} ({b.accuracy:.2%}) is more accurate than {upper.name} ({a.accuracy:.2%}) "
                "above it: best comes first",
            )
        elif not _buys_something(a, b):
            found.warn(
                ("variants", i, "name"),
                f"{lower.name} costs as much as {upper.name} above it and is no more accurate: leave it out",
            )


def _buys_something(upper: Card, lower: Card) -> bool:
    pairs = [
        (upper.latency_ms, lower.latency_ms),
        (upper.energy_mj, lower.energy_mj),
        (upper.memory_bytes, lower.memory_bytes),
    ]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return not known or any(b < a for a, b in known)
