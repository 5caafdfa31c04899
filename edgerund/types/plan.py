"""A ladder after validation: plain data that travels to the worker, which knows neither YAML nor pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from edgerund.types.snapshot import Card

Task: TypeAlias = Literal["classify", "detect", "tensor"]
Fit: TypeAlias = Literal["stretch", "letterbox", "crop"]
Layout: TypeAlias = Literal["NCHW", "NHWC"]
OptionValue: TypeAlias = float | int | str | bool | tuple[float, ...] | tuple[str, ...]
Colour: TypeAlias = Literal["RGB", "BGR", "GRAY"]


@dataclass(frozen=True, slots=True)
class InputPlan:
    """How a frame (uint8 HWC, RGB) becomes the input tensor of a variant.

    stored = ((pixel / ``scale``) - ``mean``) / ``std`` per channel, cast to ``dtype``; for a quantised input the
    engine's own scale and zero point come last. ``size`` is (height, width) in pixels. ``pad`` is the pixel
    value (0..255) around a letterboxed frame.
    """

    size: tuple[int, int] | None = None
    layout: Layout = "NCHW"
    colour: Colour = "RGB"
    dtype: str = "float32"
    scale: float = 255.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    fit: Fit = "stretch"
    pad: int = 114


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """How the raw outputs become the task's answer. ``options`` belong to the decoder."""

    decoder: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """One variant: file (an absolute path), backend and how to talk to it. ``options`` belong to the backend."""

    name: str
    file: str
    backend: str
    sha256: str | None = None
    input: InputPlan | None = None
    output: OutputPlan | None = None
    card: Card = Card()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoldenPlan:
    """The golden input and each variant's expected raw outputs, and how far they may be off.

    ``file`` (an absolute path) is an ``.npz``: ``frame`` (uint8 HWC) or ``input.<i>`` (raw tensors), and
    ``<variant>.<i>`` for each output i. ``tolerance`` bounds the relative L2 error |got - expected| / |expected|.
    """

    file: str
    tolerance: float = 0.1


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """One ladder: the client-facing contract and its variants, best first."""

    name: str
    task: Task
    variants: tuple[VariantPlan, ...]
    labels: tuple[str, ...] = ()
    top_k: int = 5
    golden: GoldenPlan | None = None
    max_pixels: int = 64_000_000
    max_bytes: int = 256 * 1024 * 1024

    def variant(self, name: str) -> VariantPlan:
        """The variant of that name; KeyError if there is none."""
        for v in self.variants:
            if v.name == name:
                return v
        raise KeyError(name)
