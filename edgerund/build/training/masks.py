"""Masks on single weights: which go, how they are held at zero while training, and how they become plain again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from edgerund.errors import BuildError

Layers = Mapping[str, nn.Module]


class Masked(nn.Module):  # type: ignore[misc]
    """A parametrization: the weight with its masked entries at zero, in the forward pass and in the gradient."""

    def __init__(self, alive: Tensor) -> None:
        super().__init__()
        self.register_buffer("alive", alive)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight that the layer sees; what an optimizer put behind the mask is taken out again."""
        if self.training:
            weight.data.mul_(self.alive)
        return weight * self.alive


def layers(model: nn.Module, keep: Sequence[str]) -> dict[str, nn.Module]:
    """Convolutions and matrices that may be masked, by name.

    Raises:
        BuildError: a name in ``keep`` that the network does not have, or nothing is left to mask.
    """
    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    found = {n: m for n, m in model.named_modules() if isinstance(m, kinds)}
    for name in keep:
        if name not in found:
            raise BuildError(
                f"cannot keep layer {name!r} dense: no convolution or matrix has this name"
            )
    free = {n: m for n, m in found.items() if n not in keep and m.weight.requires_grad}
    if not free:
        raise BuildError("cannot mask weights: every layer is kept or frozen")
    return free


def weights_of(layers: Layers) -> dict[str, Tensor]:
    """Copies of the weights."""
    return {name: layer.weight.detach().clone() for name, layer in layers.items()}


def cheapest(layers: Layers, share: float) -> dict[str, Tensor]:
    """Masks (1 where a weight stays) that leave out ``share`` of all weights, those of least LAMP score.

    The score of a weight is its square over the sum of the squares that are not smaller in its layer
    (Lee 2021), so that the largest weight of every layer has score 1 and no layer is emptied.
    """
    scores = {name: _lamp(layer.weight.detach()) for name, layer in layers.items()}
    everything = torch.cat([s.flatten() for s in scores.values()])
    gone = round(share * len(everything))
    alive = torch.ones(len(everything))
    alive[everything.argsort(stable=True)[:gone]] = 0
    parts = alive.split([s.numel() for s in scores.values()])
    return {n: part.view_as(s) for (n, s), part in zip(scores.items(), parts, strict=True)}


def _lamp(weight: Tensor) -> Tensor:
    squares = weight.flatten().double().square()
    order = squares.argsort(stable=True)
    rising = squares[order]
    not_smaller = rising.flip(0).cumsum(0).flip(0)
    score = torch.empty_like(squares)
    score[order] = rising / not_smaller.clamp_min(1e-300)
    return score.view_as(weight)


def zeros_of(layers: Layers) -> dict[str, Tensor]:
    """Masks that leave what is zero at zero."""
    return {name: (layer.weight.detach() != 0).float() for name, layer in layers.items()}


def mask(layers: Layers, alive: Mapping[str, Tensor]) -> None:
    """Hold the weights where ``alive`` is 0 at zero."""
    for name, layer in layers.items():
        layer.weight.data.mul_(alive[name])
        parametrize.register_parametrization(layer, "weight", Masked(alive[name]), unsafe=True)


def put(layers: Layers, weights: Mapping[str, Tensor]) -> None:
    """Give masked layers these weights."""
    for name, layer in layers.items():
        layer.parametrizations.weight.original.data.copy_(weights[name])


def bake(layers: Layers) -> None:
    """Plain layers again, with zeros where the masks were."""
    for layer in layers.values():
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def sparsity(layers: Layers) -> float:
    """Share of zeros in the weights."""
    zeros = sum(int((layer.weight == 0).sum()) for layer in layers.values())
    return round(zeros / int(sum(layer.weight.numel() for layer in layers.values())), 4)
