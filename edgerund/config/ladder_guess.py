"""What a model's signature suggests for a first ``ladder.yaml``: every guess carries a remark that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edgerund.types import IOSpec, TensorSpec

_TOLD = "from the scale and zero point in the file"

Value = str | int | float | list[int] | list[float]


@dataclass(frozen=True, slots=True)
class Guess:
    """Keys with their values, and for some of them what to check."""

    task: str
    input: dict[str, Value] = field(default_factory=dict)
    decoder: str | None = None
    remarks: dict[str, str] = field(default_factory=dict)
    classes: int | None = None


def guess(spec: IOSpec, task: str | None = None, probabilities: bool | None = None) -> Guess:
    """The most likely reading of a signature.

    Args:
        spec: what the model says of itself.
        task: what the user says it is; None: guessed from the outputs.
        probabilities: whether outputs that were seen sum to 1; None: none were seen.
    """
    image = _image(spec.inputs)
    found, decoder, classes, remark = _outputs(spec.outputs, spec.inputs)
    if image is None:
        found, decoder = "tensor", None
    remarks = {"task": "guessed from the outputs: " + remark} if task is None else {}
    task = task or found
    keys, notes = image or ({}, {})
    remarks |= notes
    if task == "tensor":
        return Guess(task, keys, None, remarks)
    if task == "classify":
        decoder = "probabilities" if probabilities else "logits"
        seen = "were" if probabilities else "were not"
        remarks["decoder"] = (
            "CHECK: logits, or probabilities where the network ends in a softmax"
            if probabilities is None
            else f"its outputs {seen} probabilities for a made-up frame"
        )
    elif found != "detect":
        decoder = "yolov8"
        remarks["decoder"] = "CHECK: no known detector has such outputs"
    else:
        remarks["decoder"] = f"CHECK: {remark}"
        keys |= {"fit": "letterbox"} if decoder not in ("ssd", "boxes") else {}
        remarks["fit"] = "CHECK: how its training set was fitted (stretch, letterbox, crop)"
    return Guess(task, keys, decoder, remarks, classes)


def agree(guesses: Sequence[Guess]) -> list[Guess]:
    """Where one model tells the range of its pixels (a quantised file does), the others get it for a guess."""
    known = next((g for g in guesses if g.remarks.get("scale") == _TOLD), None)
    if known is None:
        return list(guesses)
    scaling = {"scale": known.input["scale"], "mean": known.input.get("mean", 0), "std": 1}
    agreed = []
    for one in guesses:
        if not str(one.input.get("dtype", "")).startswith("float"):
            agreed.append(one)
            continue
        remarks = {k: v for k, v in one.remarks.items() if k not in ("mean", "std")}
        remarks["scale"] = "CHECK: taken from the quantised model beside it"
        agreed.append(replace(one, input={**one.input, **scaling}, remarks=remarks))
    return agreed


def _image(inputs: Sequence[TensorSpec]) -> tuple[dict[str, Value], dict[str, str]] | None:
    """Keys and remarks for one image input; None where the inputs are no image."""
    if len(inputs) != 1 or len(inputs[0].shape) not in (3, 4):
        return None
    tensor = inputs[0]
    sides = tensor.shape[-3:]
    if sides[0] in (1, 3):
        layout, channels, size = "NCHW", sides[0], sides[1:]
    elif sides[2] in (1, 3):
        layout, channels, size = "NHWC", sides[2], sides[:2]
    else:
        return None
    keys: dict[str, Value] = {}
    remarks: dict[str, str] = {}
    if None in size:
        keys["size"] = [640 if side is None else side for side in size]
        remarks["size"] = "CHECK: height and width are free in this model; the smaller, the faster"
    else:
        keys["size"] = [side for side in size if side is not None]
    keys["layout"] = layout
    keys["colour"] = "GRAY" if channels == 1 else "RGB"
    if channels == 3:
        remarks["colour"] = "CHECK: BGR for networks trained on OpenCV images"
    keys["dtype"] = tensor.dtype
    keys |= _scaling(tensor)
    remarks["scale"] = (
        _TOLD if tensor.scale else "CHECK: pixels are divided by this; 1 leaves 0..255"
    )
    if "mean" not in keys and not tensor.scale and tensor.dtype.startswith("float"):
        keys |= {"mean": 0, "std": 1}
        if channels == 3:
            remarks["mean"] = "CHECK: ImageNet often wants [0.485, 0.456, 0.406]"
            remarks["std"] = "CHECK: and [0.229, 0.224, 0.225]"
    return keys, remarks


def _scaling(tensor: TensorSpec) -> dict[str, Value]:
    """A quantised input says which real values it holds: that is the range the pixels must be brought to."""
    if not tensor.scale:
        return {"scale": 255 if tensor.dtype.startswith("float") else 1}
    lowest = ((0 if tensor.dtype == "uint8" else -128) - (tensor.zero_point or 0)) * tensor.scale
    highest = lowest + 255 * tensor.scale
    if lowest < -0.5:
        half = round((highest - lowest) / 2, 2)
        return {"scale": round(127.5 / half, 4) if half else 1, "mean": half}
    return {"scale": 255 if highest < 2 else 1}


def _outputs(
    outputs: Sequence[TensorSpec], inputs: Sequence[TensorSpec]
) -> tuple[str, str | None, int | None, str]:
    """Task, decoder, number of classes, and what made us think so."""
    shapes = [tuple(1 if s is None else s for s in t.shape) for t in outputs]
    text = ", ".join(str(list(t.shape)).replace("None", "n") for t in outputs)
    if len(shapes) == 1:
        return _single(shapes[0], text, inputs)
    if len(shapes) == 4 and shapes[0][-1:] == (4,):
        return "detect", "ssd", None, f"four outputs {text} look like SSD after its own NMS"
    if len(shapes) == 2 and shapes[0][-1:] == (4,) and len(shapes[1]) >= 2:
        return "detect", "boxes", shapes[1][-1], f"outputs {text} look like boxes and scores"
    return "tensor", None, None, f"outputs {text} look like nothing known"


def _single(
    shape: tuple[int, ...], text: str, inputs: Sequence[TensorSpec]
) -> tuple[str, str | None, int | None, str]:
    sides = [side for side in shape[1:] if side != 1] or [1]
    if len(sides) == 1:
        return "classify", "logits", sides[0], f"{text} looks like {sides[0]} scores"
    if len(shape) == 3 and shape[1] < shape[2] and shape[1] > 4:
        return "detect", "yolov8", shape[1] - 4, f"{text} looks like YOLOv8 (4 + classes, anchors)"
    if len(shape) == 3 and shape[2] > 5:
        area = _area(inputs)
        grid = area is not None and shape[1] == area // 64 + area // 256 + area // 1024
        kind = "yolox" if grid else "yolov5"
        return "detect", kind, shape[2] - 5, f"{text} looks like {kind} (anchors, 5 + classes)"
    if len(shape) == 4 and shape[1] > 5 and shape[2] == shape[3]:
        return "detect", "fastestdet", shape[1] - 5, f"{text} looks like FastestDet (one grid)"
    return "tensor", None, None, f"{text} looks like nothing known"


def _area(inputs: Sequence[TensorSpec]) -> int | None:
    sides = sorted(side for side in inputs[0].shape if side)[-2:] if inputs else []
    return sides[0] * sides[1] if len(sides) == 2 else None
