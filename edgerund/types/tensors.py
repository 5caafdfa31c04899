"""What goes into an engine and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of an engine.

    ``shape`` uses None for a free dimension (a batch, say); ``dtype`` is numpy's name. ``scale`` and
    ``zero_point`` are those of a quantised tensor (real = (stored - zero_point) * scale), else None.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, slots=True)
class IOSpec:
    """The signature of a loaded engine.

    ``max_batch`` is 1 where the engine takes one frame at a time. ``memory`` says where it wants its
    inputs; "device" engines are handed host arrays and copy them themselves until shared regions exist.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch: int = 1
    memory: Literal["host", "device"] = "host"
