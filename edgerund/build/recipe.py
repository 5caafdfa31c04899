"""The form of a recipe: which data, which stages in which order, and which of the results become variants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from edgerund.config.ladder_file import Common, InputFile, Name, OutputFile, Text
from edgerund.config.source import Document, Strict, read_yaml, validate

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
AUTO = "auto"
OWN_KEYS = ("use", "from")
"""What a stage says beside the parameters of its technique."""


def is_function(text: str) -> bool:
    """Whether ``text`` has the form ``module:function``; else it is a path."""
    return _FUNCTION.fullmatch(text) is not None


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _staged(value: Any) -> Any:
    return {"stage": value} if isinstance(value, str) else value


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "parts"


Function = Annotated[str, Field(pattern=rf"^{_FUNCTION.pattern}$", max_length=256)]
Parents = Annotated[
    list[Name],
    Field(max_length=8),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]


class LadderHead(Strict):
    """What ``ladder.yaml`` shall say beside its variants; see docs/ladder.md."""

    task: Literal["classify", "detect", "tensor"] = Field(description="What clients get back.")
    labels: list[Text] | None = Field(
        default=None, min_length=1, max_length=100_000, description="One per class; or labels_file."
    )
    labels_file: Text | None = Field(
        default=None, description="One label per line; relative to the recipe, copied."
    )
    top_k: int | None = Field(
        default=None, ge=1, le=1000, description="How many labels classify answers with."
    )
    max_pixels: int | None = Field(default=None, ge=1, description="Largest frame.")
    max_bytes: int | None = Field(default=None, ge=1, description="Largest payload of a request.")
    tolerance: float = Field(
        default=0.1, gt=0, le=1, description="Largest relative error of a golden answer."
    )
    defaults: Common = Field(default=Common(), description="What all variants share.")


class DataFile(Strict):
    """Images without code: folders of pictures, or ``.npz`` / ``.npy`` of network inputs.

    Pictures pass through the preprocessing that serving uses (``ladder.defaults.input``). Subfolders named like
    the labels tell the class; an ``.npz`` has one array per input of the network, and ``labels`` if known.
    """

    calibration: Text = Field(description="What quantizers look at.")
    validation: Text | None = Field(
        default=None, description="What techniques may choose by; default: held out of calibration."
    )
    test: Text | None = Field(
        default=None, description="Looked at once, for the cards; default: validation."
    )
    holdout: float = Field(
        default=0.5, gt=0, lt=1, description="Share of calibration held out where it must serve."
    )
    limit: int | None = Field(default=None, ge=1, description="At most so many images of each.")
    input: Text = Field(
        default="input", description="Name of the network's input that pictures or .npy go to."
    )


class StageFile(BaseModel):
    """One stage: a technique, what it works on, and the technique's own parameters beside them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: Text = Field(description="The technique, or module:class.")
    parents: Parents = Field(
        default=[],
        alias="from",
        description="The stage that is changed; or a list of it and its teacher, or of a cascade's members.",
    )

    @property
    def params(self) -> Mapping[str, Any]:
        """The technique's own parameters, as written."""
        return self.model_extra or {}


class SearchStep(BaseModel):
    """One step of every trial's chain; the technique's parameters beside it.

    A parameter may be ``{choose: [a, b]}``, or ``{between: [low, high]}`` with ``log: true`` or ``step: s``.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    use: Text = Field(description="The technique.")
    optional: bool = Field(default=False, description="A trial may leave this step out.")
    teacher: Name | None = Field(default=None, description="Second parent of this step.")

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters and what may vary, as written."""
        return self.model_extra or {}


class SearchFile(Strict):
    """A search over a chain of techniques: every trial is a chain of ordinary stages, the best are candidates."""

    base: Name = Field(alias="from", description="The stage where every chain begins.")
    steps: list[SearchStep] = Field(min_length=1, max_length=16, description="In this order.")
    trials: int = Field(default=24, ge=1, le=10_000, description="How many chains are tried.")
    floor: float | None = Field(
        default=None, ge=0, le=1, description="Chains of less accuracy are of no use."
    )
    most: int = Field(default=8, ge=1, le=64, description="How many of the front are kept.")
    enter: bool = Field(
        default=True, description="Whether those may become variants; else they are in the report."
    )


class MeasureFile(Strict):
    """How candidates are measured for their cards."""

    threads: int = Field(default=1, ge=1, le=1024, description="Threads of one inference.")
    rounds: int | None = Field(
        default=None, ge=2, le=100_000, description="Interleaved rounds; default: profile's own."
    )
    seconds: float | None = Field(
        default=None, gt=0, le=3600, description="Instead of rounds: for so long."
    )
    loads: int = Field(default=3, ge=1, le=100, description="Fresh processes for load and memory.")
    robust: bool = Field(default=True, description="Also accuracy under noise, blur, JPEG, light.")


class Choice(Strict):
    """One variant of the ladder: a stage's result, and what this variant says otherwise than ``defaults``."""

    stage: Name = Field(description="Whose result it is.")
    name: Name | None = Field(default=None, description="Default: the stage's name.")
    backend: Text | None = Field(default=None, description="Default: the ladder's.")
    input: InputFile | None = Field(default=None, description="As in ladder.yaml.")
    output: OutputFile | None = Field(default=None, description="As in ladder.yaml.")
    options: dict[str, Any] = Field(default={}, description="The backend's own options.")


DataField = Annotated[
    Annotated[Text, Tag("text")] | Annotated[DataFile, Tag("parts")], Discriminator(_kind)
]
Chosen = Annotated[Choice, BeforeValidator(_staged, json_schema_input_type=str | Choice)]
Chosens = Annotated[list[Chosen], Field(min_length=1, max_length=64)]
VariantsField = Annotated[
    Annotated[Literal["auto"], Tag("text")] | Annotated[Chosens, Tag("parts")],
    Discriminator(_kind),
]


class Recipe(Strict):
    """One trained model, or the code that trains it, and everything that shall be made of it."""

    recipe: Name = Field(description="The name of the ladder that comes out.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Same seed, same files.")
    revision: int = Field(
        default=0, ge=0, description="Raise it when your own functions train otherwise than before."
    )
    ladder: LadderHead
    data: DataField = Field(description="module:function(folder, seed) -> Data; or paths.")
    dataset: Text | None = Field(
        default=None, description="What accuracy is counted on, for the cards; default: its name."
    )
    model: Function | None = Field(
        default=None, description="module:function(**params) -> torch.nn.Module."
    )
    fit: Function | None = Field(default=None, description="Trains a model in place.")
    export: Function | None = Field(default=None, description="Writes a model as ONNX.")
    stages: dict[Name, StageFile] = Field(min_length=1, description="By name, in any order.")
    search: SearchFile | None = None
    baseline: Name | None = Field(
        default=None,
        description="What the report compares with; default: the first stage that gives ONNX.",
    )
    variants: VariantsField = Field(
        default="auto",
        description="Stages that may become variants; auto: all that nothing else beats.",
    )
    least_share: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Of the baseline's accuracy: what has less is left out.",
    )
    measure: MeasureFile = MeasureFile()

    @property
    def roles(self) -> Mapping[str, str]:
        """The recipe's own functions that are given: ``model``, ``fit``, ``export``."""
        given = {"model": self.model, "fit": self.fit, "export": self.export}
        return {role: name for role, name in given.items() if name is not None}


def read_recipe(path: Path) -> tuple[Recipe, Document]:
    """One recipe, and where each of its keys stands.

    Raises:
        ConfigError: every mistake of its form, each with file and line; what it means is checked in ``plan``.
    """
    document = read_yaml(path)
    return validate(Recipe, document), document


def recipe_schema() -> dict[str, Any]:
    """The JSON Schema of a recipe, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgerund recipe",
        **{k: v for k, v in Recipe.model_json_schema().items() if k != "title"},
    }
