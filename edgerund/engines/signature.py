"""What every backend checks in the same way: inputs against the signature, options against known names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import Array
from edgerund.types import TensorSpec


class InputCheck:
    """Compares inputs with the signature before native code sees them."""

    def __init__(self, specs: Sequence[TensorSpec]) -> None:
        self._specs = tuple(specs)
        self._dtypes = tuple(np.dtype(spec.dtype) for spec in specs)

    def __call__(self, inputs: Sequence[Array]) -> None:
        """Return if ``inputs`` fit.

        Raises:
            EngineError: wrong count, dtype, shape or memory order; the sentence names the input.
        """
        if len(inputs) != len(self._specs):
            raise EngineError(
                f"cannot infer: {len(inputs)} inputs given, the engine takes {len(self._specs)}"
            )
        for spec, dtype, given in zip(self._specs, self._dtypes, inputs, strict=True):
            if not isinstance(given, np.ndarray):
                raise EngineError(f"cannot infer: input {spec.name!r} is no array")
            if given.dtype != dtype:
                raise EngineError(
                    f"cannot infer: input {spec.name!r} is {given.dtype}, the engine takes {spec.dtype}"
                )
            if not fits(given.shape, spec.shape):
                raise EngineError(
                    f"cannot infer: input {spec.name!r} has shape {list(given.shape)}, "
                    f"the engine takes {shape_text(spec.shape)}"
                )
            if not given.flags.c_contiguous:
                raise EngineError(
                    f"cannot infer: input {spec.name!r} is not C-contiguous: use np.ascontiguousarray"
                )


def fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    """Whether ``shape`` agrees with ``wanted`` wherever that is not None; an empty array never does."""
    return (
        len(shape) == len(wanted)
        and 0 not in shape
        and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))
    )


def shape_text(shape: Sequence[int | None]) -> str:
    """A shape for people: ``[n, 3, 32, 32]``, with ``n`` for what is free."""
    return "[" + ", ".join("n" if side is None else str(side) for side in shape) + "]"


def batch_limit(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], most: int) -> int:
    """How many frames fit into one call: ``most`` where the first side of every tensor is free, else 1."""
    free = all(spec.shape and spec.shape[0] is None for spec in (*inputs, *outputs))
    return most if free else 1


def check_options(backend: str, given: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse options that the backend does not know.

    Raises:
        EngineError: the first unknown name, with those that are known.
    """
    for name in given:
        if name not in known:
            raise EngineError(
                f"cannot load: {backend} has no option {name!r}; it knows {', '.join(sorted(known))}"
            )


def option(given: Mapping[str, object], name: str, kind: type, default: Any) -> Any:
    """The option of that name, or ``default``.

    Raises:
        EngineError: it is of another type than ``kind``.
    """
    value = given.get(name, default)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise EngineError(f"cannot load: option {name!r} must be a {kind.__name__}, not {value!r}")
    return value


def one_line(error: BaseException, limit: int = 240) -> str:
    """The text of a backend's error on one line, cut where it goes on and on."""
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
