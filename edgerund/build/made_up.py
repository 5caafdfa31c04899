"""A recipe for a model that comes without one: read off its signature, each guess with a remark that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.pictures import list_pictures
from edgerund.config.ladder_guess import Guess, Value, guess
from edgerund.errors import BuildError, EngineError
from edgerund.ports import Engine, LoadOptions
from edgerund.registry import resolve
from edgerund.types import IOSpec

_COLUMN = 39
_SEEN = 4
"""So many made-up inputs tell whether the outputs are probabilities."""
_FREE_SIDE = 224


@dataclass(frozen=True)
class Wishes:
    """What the user says of a model, so that it need not be guessed."""

    task: str | None = None
    labels: Path | None = None
    name: str | None = None
    input: Mapping[str, Value] = field(default_factory=dict)
    validation: Path | None = None
    test: Path | None = None
    limit: int | None = None
    max_loss: float | None = None


def made_up_recipe(model: Path, calibration: Path, wishes: Wishes) -> str:
    """The text of a recipe.

    Args:
        model: an ONNX file.
        calibration: pictures, or ``.npz`` / ``.npy`` of its inputs.
        wishes: whatever is known of it.

    Raises:
        BuildError: the calibration does not go with the model. EngineError: the model does not load.
    """
    engine = open_model(model)
    try:
        found = _guessed(engine, wishes)
        if found.task == "classify" and "decoder" not in wishes.input:
            seen = _probabilities(engine.spec, engine)
            found = _overruled(guess(engine.spec, wishes.task, seen), wishes)
        spec = engine.spec
    finally:
        engine.close()
    _check_calibration(calibration, spec, found)
    name = re.sub(r"[^a-z0-9_-]+", "-", (wishes.name or model.stem).lower()).strip("-_")[:56]
    return "\n".join(
        [
            "# Made up by `edgerund build --onnx`. What was guessed says CHECK; the form is in docs/factory.md.",
            f"recipe: {name or 'model'}",
            "seed: 0",
            "",
            *_ladder(found, wishes, calibration),
            "",
            *_data(calibration, spec, wishes),
            "",
            *_stages(model, spec, found, wishes),
            "variants: auto                          # whatever nothing else beats",
            "",
        ]
    )


def open_model(path: Path) -> Engine:
    """The model in onnxruntime, one thread. Raises EngineError."""
    backend = resolve("engines", "onnxruntime")()
    engine: Engine = backend.load(path, LoadOptions(), lambda _share, _text: None)
    return engine


def _guessed(engine: Engine, wishes: Wishes) -> Guess:
    return _overruled(guess(engine.spec, wishes.task), wishes)


def _overruled(found: Guess, wishes: Wishes) -> Guess:
    """What the user says stands in place of what was guessed."""
    if not wishes.input:
        return found
    said = {k: v for k, v in wishes.input.items() if k != "decoder"}
    remarks = {k: v for k, v in found.remarks.items() if k not in wishes.input}
    decoder = str(wishes.input.get("decoder", "")) or found.decoder
    return replace(found, input={**found.input, **said}, decoder=decoder, remarks=remarks)


def _probabilities(spec: IOSpec, engine: Engine) -> bool | None:
    """Whether the first output sums to 1: after a softmax it does whatever comes in, so noise comes in."""
    if len(spec.inputs) != 1 or not spec.inputs[0].dtype.startswith("float"):
        return None
    tensor = spec.inputs[0]
    noise = np.random.default_rng(0)
    for _ in range(_SEEN):
        made = noise.random([side or _FREE_SIDE for side in tensor.shape[1:]])[None]
        try:
            output = engine.infer([made.astype(tensor.dtype)])[0].astype(np.float64)
        except EngineError:
            return None
        if output.min() < 0 or abs(float(output.sum()) - 1) > 0.05:
            return False
    return True


def _check_calibration(calibration: Path, spec: IOSpec, found: Guess) -> None:
    """Raises BuildError where there is none, or where the model cannot take pictures."""
    if calibration.is_file():
        return
    if not calibration.is_dir():
        raise BuildError(f"cannot find the calibration data {calibration}")
    if any(p.suffix in (".npy", ".npz") for p in calibration.iterdir()):
        return
    if not list_pictures(calibration):
        raise BuildError(f"cannot find pictures, .npz or .npy files in {calibration}")
    if not found.input:
        told = ", ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in spec.inputs)
        raise BuildError(
            f"cannot feed pictures to this model: its inputs are {told.replace('None', 'n')}; "
            "give an .npz with an array for each"
        )


# ------------------------------------------------------------------ the text
def _ladder(found: Guess, wishes: Wishes, calibration: Path) -> list[str]:
    lines = ["ladder:", _line("  task", found.task, found.remarks.get("task"))]
    lines += _labels(found, wishes, calibration)
    lines.append("  defaults:" if found.input or found.decoder else "  defaults: {}")
    if found.input:
        lines.append("    input:")
        lines += [
            _line(f"      {k}", _value(v), found.remarks.get(k)) for k, v in found.input.items()
        ]
    if found.decoder:
        lines.append("    output:")
        lines.append(_line("      decoder", found.decoder, found.remarks.get("decoder")))
    return lines


def _labels(found: Guess, wishes: Wishes, calibration: Path) -> list[str]:
    if found.task == "tensor":
        return []
    if wishes.labels is not None:
        return [f"  labels_file: {_quoted(str(wishes.labels.resolve()))}"]
    folders = class_folders(calibration)
    if folders and found.task == "classify" and len(folders) == found.classes:
        remark = "CHECK: the subfolders, sorted; the network's order must be the same"
        return [_line("  labels", "[" + ", ".join(map(_quoted, folders)) + "]", remark)]
    count = f"{found.classes} labels" if found.classes else "labels"
    return [
        f"  # labels_file: labels.txt             # {count}, one per line, in the network's order"
    ]


def class_folders(folder: Path) -> Sequence[str]:
    """The names of the subfolders that hold pictures, sorted; nothing where pictures lie beside them."""
    if not folder.is_dir():
        return []
    parts = {p.relative_to(folder).parts for p in list_pictures(folder)}
    return [] if any(len(p) == 1 for p in parts) else sorted({p[0] for p in parts})


def _data(calibration: Path, spec: IOSpec, wishes: Wishes) -> list[str]:
    lines = ["data:", f"  calibration: {_quoted(str(calibration.resolve()))}"]
    for key, path in (("validation", wishes.validation), ("test", wishes.test)):
        if path is not None:
            lines.append(f"  {key}: {_quoted(str(path.resolve()))}")
    if wishes.validation is None:
        remark = "of the images are kept from calibration: accuracy is told by them"
        lines.append(_line("  holdout", "0.5", remark))
    if wishes.limit is not None:
        lines.append(f"  limit: {wishes.limit}")
    if len(spec.inputs) == 1:
        lines.append(f"  input: {_quoted(spec.inputs[0].name)}")
    return lines


def _stages(model: Path, spec: IOSpec, found: Guess, wishes: Wishes) -> list[str]:
    size = _sides(spec, found)
    usual = (
        0.005 if found.task == "classify" else 0.02
    )  # elsewhere the score is a distance, finer than a class
    loss = usual if wishes.max_loss is None else wishes.max_loss
    fixed = f", size: {{{_quoted(spec.inputs[0].name)}: {size}}}" if size else ""
    return [
        "stages:",
        f"  float: {{use: onnx, file: {_quoted(str(model.resolve()))}{fixed}}}",
        "  fp16: {use: fp16, from: float}",
        "  int8: {use: int8, from: float}",
        "  int8-arm: {use: int8, from: float, target: arm}",
        f"  mixed: {{use: mixed, from: float, max_loss: {loss:g}}}",
        "  shared: {use: share, from: float}",
        "  lowrank: {use: lowrank, from: float}",
        "  lowrank-int8: {use: int8, from: lowrank}",
    ]


def _sides(spec: IOSpec, found: Guess) -> list[int] | None:
    """The shape to fix where height and width are free; 0 leaves a side alone."""
    size = found.input.get("size")
    if len(spec.inputs) != 1 or not isinstance(size, list) or found.task == "tensor":
        return None
    shape = spec.inputs[0].shape
    if None not in shape[-3:] or len(shape) not in (3, 4):
        return None
    height, width = (int(side) for side in size)
    sides = [0, height, width] if found.input.get("layout") == "NCHW" else [height, width, 0]
    return [0] * (len(shape) - 3) + sides


def _line(key: str, value: str, remark: str | None) -> str:
    text = f"{key}: {value}"
    return f"{text:<{_COLUMN}} # {remark}" if remark else text


def _value(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _quoted(text: str) -> str:
    """As a YAML scalar that is text whatever is in it."""
    if re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./-]*", text) and text.lower() not in _WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
