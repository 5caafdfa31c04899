"""What a network in training is judged by: answers, accuracy on validation images, weights and arithmetic."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgerund.build.technique import Array, Images

BATCH = 250


def answers(model: nn.Module, images: Images, batch: int = BATCH) -> Array:
    """First output of ``model`` for every image, in evaluation mode; its mode is put back."""
    training = model.training
    model.eval()
    parts = []
    with torch.no_grad():
        for begin in range(0, len(images), batch):
            some = images.take(begin, begin + batch)
            output = model(
                *(torch.from_numpy(np.ascontiguousarray(v)) for v in some.inputs.values())
            )
            parts.append(first(output).numpy())
    model.train(training)
    return np.concatenate(parts)


def first(output: Any) -> Tensor:
    """The first tensor of what a network gave."""
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def accuracy(model: nn.Module, images: Images | None) -> float | None:
    """Share of ``images`` that ``model`` names right; None where there are none with labels."""
    if images is None or images.labels is None:
        return None
    return share_right(answers(model, images), images)


def share_right(given: Array, images: Images) -> float:
    """Share of ``images`` whose label has the largest of its values ``[N, classes, ...]``."""
    named = given.reshape(len(given), -1).argmax(1)
    return round(float((named == images.labels).mean()), 4)


def example(images: Images) -> tuple[Tensor, ...]:
    """One image as ``model`` takes it."""
    one = images.take(0, 1)
    return tuple(torch.from_numpy(np.ascontiguousarray(v)) for v in one.inputs.values())


def macs_and_params(model: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, int]:
    """Multiply-accumulates of convolutions and matrices for one image, and parameters of the network."""
    macs = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal macs
        sides = output.shape[2:] if hasattr(layer, "kernel_size") else output.shape[1:-1]
        macs += layer.weight.numel() * prod(sides)

    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, kinds)]
    training = model.training
    model.eval()
    with torch.no_grad():
        model(*inputs)
    model.train(training)
    for hook in hooks:
        hook.remove()
    return macs, sum(p.numel() for p in model.parameters())
