"""The form of ``ladder.yaml``: what may be written, key by key. Its meaning is checked in ``ladder.py``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag

from edgerund.config.card import CardFile
from edgerund.config.source import Strict

Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", max_length=64, strict=True)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Side = Annotated[int, Field(ge=1, le=16384)]

OptionValue = bool | int | float | str | list[float] | list[str]


def _kind(value: Any) -> str:
    return "file" if isinstance(value, str) else "inline"


# told apart by form, so that a mistake in a card is told once and not once per branch
CardField = Annotated[
    Annotated[Text, Tag("file")] | Annotated[CardFile, Tag("inline")], Discriminator(_kind)
]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _square(value: Any) -> Any:
    return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value


PerChannel = Annotated[
    list[float], BeforeValidator(_listed, json_schema_input_type=float | list[float])
]


class InputFile(Strict):
    """How a frame becomes the input tensor: stored = ((pixel / scale) - mean) / std, cast to dtype."""

    size: (
        Annotated[
            list[Side],
            Field(min_length=2, max_length=2),
            BeforeValidator(_square, json_schema_input_type=Side | list[Side]),
        ]
        | None
    ) = Field(
        default=None,
        description="Height and width in pixels of the network's input; one number for both.",
    )
    layout: Literal["NCHW", "NHWC"] = Field(
        default="NCHW", description="Order of the input's axes."
    )
    colour: Literal["RGB", "BGR", "GRAY"] = Field(
        default="RGB", description="Order of the input's channels."
    )
    dtype: Literal["float32", "float16", "uint8", "int8"] = Field(
        "float32", description="The input tensor's type."
    )
    scale: float = Field(
        default=255.0, gt=0, description="Pixels (0..255) are divided by this first."
    )
    mean: PerChannel = Field(
        default=[0.0], min_length=1, max_length=3, description="Subtracted after scaling."
    )
    std: PerChannel = Field(
        default=[1.0], min_length=1, max_length=3, description="Divided by at last."
    )
    fit: Literal["stretch", "letterbox", "crop"] = Field(
        default="stretch", description="How a frame of another shape fills the input."
    )
    pad: int = Field(
        default=114, ge=0, le=255, description="Pixel value around a letterboxed frame."
    )


class OutputFile(Strict):
    """How the raw outputs become the task's answer."""

    decoder: Text | None = Field(
        default=None, description="Name of a decoder, or module:function. Default: the task's own."
    )
    options: dict[str, OptionValue] = Field(default={}, description="The decoder's own options.")


class Common(Strict):
    """What a variant may say, and what ``defaults`` may say for all of them."""

    backend: Text | None = Field(
        default=None, description="Who runs the file. Default: known from the file's ending."
    )
    input: InputFile | None = Field(
        default=None, description="Needed for classify and detect; none: raw tensors."
    )
    output: OutputFile | None = Field(default=None, description="How the raw outputs are read.")
    options: dict[str, Any] = Field(default={}, description="The backend's own options.")


class VariantFile(Common):
    """One variant: whatever it does not say comes from ``defaults``."""

    name: Name = Field(description="Unique within the ladder: a-z, 0-9, '_', '-'.")
    file: Text = Field(description="The model file, relative to the ladder and inside it.")
    sha256: Hash | None = Field(
        default=None, description="Fingerprint of the file; checked before it is loaded."
    )
    card: CardField | None = Field(
        default=None, description="Measured figures: a file, or written here."
    )


class GoldenFile(Strict):
    """One input and what each variant must answer to it."""

    file: Text = Field(description="An .npz written by `edgerund ladder golden`.")
    tolerance: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="Largest relative L2 error |got - expected| / |expected|.",
    )


class LadderFile(Strict):
    """One ladder: the same task at several costs, behind one contract."""

    ladder: Name = Field(description="The ladder's name, as clients say it.")
    task: Literal["classify", "detect", "tensor"] = Field(description="What clients get back.")
    labels: list[Text] | None = Field(
        default=None,
        min_length=1,
        max_length=100_000,
        description="One per class, in the network's order; or labels_file.",
    )
    labels_file: Text | None = Field(
        default=None, description="A text file with one label per line."
    )
    top_k: int = Field(
        default=5, ge=1, le=1000, description="How many labels classify answers with."
    )
    golden: GoldenFile | None = Field(default=None, description="A known input and its answers.")
    max_pixels: int = Field(default=64_000_000, ge=1, description="Largest frame that is decoded.")
    max_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1, description="Largest payload of a request."
    )
    defaults: Common = Field(default=Common(), description="Merged into every variant.")
    variants: list[VariantFile] = Field(min_length=1, max_length=64, description="Best first.")


def ladder_schema() -> dict[str, Any]:
    """The JSON Schema of ``ladder.yaml``, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgerund ladder",
        **{k: v for k, v in LadderFile.model_json_schema().items() if k != "title"},
    }
