"""Networks as files: their weights, and what the recipe's ``model`` needs to build them again. Never pickled code.

A network whose channels were cut keeps the numbers of its layers beside the weights, so that the one that
``model`` builds is brought to the same shape before the weights go in.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edgerund.errors import BuildError

FORMAT = 1
SIZES = (
    "in_channels",
    "out_channels",
    "groups",
    "in_features",
    "out_features",
    "num_features",
    "num_channels",
    "num_groups",
)


def build(roles: Mapping[str, Any], params: Mapping[str, Any]) -> nn.Module:
    """A fresh network from the recipe's ``model``.

    Raises:
        BuildError: the recipe names no ``model``, or it refuses these parameters.
    """
    if "model" not in roles:
        raise BuildError("cannot build a network: the recipe has no 'model: module:function'")
    try:
        return roles["model"](**params)
    except (TypeError, ValueError, KeyError) as e:
        raise BuildError(f"cannot build a network from {dict(params)}: {e}") from e


def save(path: Path, model: nn.Module, params: Mapping[str, Any]) -> None:
    """Write ``model``, which ``model(**params)`` built and a technique may have cut since; whole or not at all."""
    content = {
        "edgerund": FORMAT,
        "params": dict(params),
        "sizes": _sizes(model),
        "state": {k: v.detach().contiguous() for k, v in model.state_dict().items()},
    }
    write(path, content)


def write(path: Path, content: Any) -> None:
    """``torch.save`` that leaves the old file or the new one, never half of one."""
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


def restore(model: nn.Module, path: Path) -> None:
    """Put the weights that ``write`` left in ``path`` into ``model``."""
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))


def load(path: Path, roles: Mapping[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    """The network in ``path`` (in evaluation mode) and the parameters that ``model`` took.

    A checkpoint made elsewhere is accepted as well: weights alone, or under ``model``; what stands beside them
    goes to ``model`` where it knows the name.

    Raises:
        BuildError: not a file of weights, or they do not fit the network.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:  # whatever a damaged file makes the unpickler raise
        raise BuildError(f"cannot read {path.name} as a file of weights: {e}") from e
    if not isinstance(saved, Mapping):
        raise BuildError(f"cannot read {path.name}: it holds no weights by name")
    params, sizes, state = _parts(saved, roles)
    model = build(roles, params)
    try:
        _resize(model, sizes, state)
        model.load_state_dict(state)
    except (RuntimeError, AttributeError, KeyError) as e:
        raise BuildError(f"cannot load {path.name} into the recipe's model: {e}") from e
    return model.eval(), params


def _parts(
    saved: Mapping[str, Any], roles: Mapping[str, Any]
) -> tuple[dict[str, Any], Mapping[str, Mapping[str, int]], dict[str, Any]]:
    if "edgerund" in saved:
        if saved["edgerund"] != FORMAT:
            raise BuildError(
                f"cannot read a network of format {saved['edgerund']}: {FORMAT} is known"
            )
        return dict(saved["params"]), saved["sizes"], dict(saved["state"])
    if "model" not in saved:
        return {}, {}, dict(saved)
    known = inspect.signature(roles["model"]).parameters if "model" in roles else {}
    return {k: v for k, v in saved.items() if k in known}, {}, dict(saved["model"])


def _sizes(model: nn.Module) -> dict[str, dict[str, int]]:
    found = {
        name: {s: getattr(layer, s) for s in SIZES if isinstance(getattr(layer, s, None), int)}
        for name, layer in model.named_modules()
        if next(layer.children(), None) is None
    }
    return {name: sizes for name, sizes in found.items() if sizes}


def _resize(
    model: nn.Module, sizes: Mapping[str, Mapping[str, int]], state: Mapping[str, Any]
) -> None:
    for name, numbers in sizes.items():
        for key, value in numbers.items():
            setattr(model.get_submodule(name), key, value)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, tensor in tensors.items():
        if name in state and sizes and tensor.shape != state[name].shape:
            tensor.data = torch.zeros_like(state[name])
