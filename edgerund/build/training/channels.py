"""Whole channels: what each is worth, how many to keep, and the cut through everything that depends on them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch_pruning as tp
from torch import Tensor, nn

from edgerund.build.technique import Images
from edgerund.build.training import figures
from edgerund.errors import BuildError

if TYPE_CHECKING:
    from edgerund.build.techniques.prune import PruneParams

Wanted = Callable[[str, int], int]
"""(name of a layer, its channels) -> how many of them to keep."""

IMAGES = 256
TRIES = 14
KINDS = (nn.modules.conv._ConvNd, nn.Linear)


def cut(model: nn.Module, images: Images, params: PruneParams) -> nn.Module:
    """A copy of ``model`` without the channels that ``params`` does not pay for.

    Raises:
        BuildError: a layer that is not there, or a target below what one channel per layer leaves.
    """
    names = {name for name, _ in model.named_modules()}
    for name in [*params.keep, *(params.widths or {})]:
        if name not in names:
            raise BuildError(f"cannot prune layer {name!r}: the network has none of this name")
    if params.widths is not None:
        widths = params.widths
        return _cut(
            model, images, params, lambda name, channels: min(channels, widths.get(name, channels))
        )
    return _search(model, images, params)


def _search(model: nn.Module, images: Images, params: PruneParams) -> nn.Module:
    """The widest network within the target, all layers narrowed by one factor, found by bisection."""
    example = figures.example(images)
    which, target = (0, params.macs) if params.macs is not None else (1, params.weights)
    allowed = figures.macs_and_params(model, example)[which] * (target or 0.0)
    low, high, best = 0.0, 1.0, None
    for _ in range(TRIES):
        share = (low + high) / 2
        trial = _cut(model, images, params, _narrow(share, params.round_to))
        if figures.macs_and_params(trial, example)[which] <= allowed:
            low, best = share, trial
        else:
            high = share
    if best is None:
        raise BuildError(
            f"cannot prune to {target:.0%}: with {params.round_to} channels in each layer more is left; "
            "raise the target, lower round_to, or shorten keep"
        )
    return best


def _narrow(share: float, step: int) -> Wanted:
    return lambda _, channels: min(channels, max(step, round(channels * share / step) * step))


def _cut(model: nn.Module, images: Images, params: PruneParams, wanted: Wanted) -> nn.Module:
    model = copy.deepcopy(model).eval()
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    for p in model.parameters():
        p.requires_grad_(True)  # the graph is traced through gradients
    graph = tp.DependencyGraph().build_dependency(model, example_inputs=figures.example(images))
    spread = _spread(model, images) if params.worth == "readers" else {}
    kept = [model.get_submodule(name) for name in params.keep]
    for group in list(_groups(graph, kept)):
        root = group[0].dep.target.module
        count = graph.get_out_channels(root)
        keep = wanted(_name(model, root), count)
        if keep < count:
            worth = _worth(group, spread, count)
            cheap = sorted(worth.argsort(stable=True)[: count - keep].tolist())
            graph.get_pruning_group(root, group[0].dep.handler, cheap).prune()
    for name, p in model.named_parameters():
        p.requires_grad_(name not in frozen)
    return model


def _groups(graph: Any, kept: list[nn.Module]) -> Iterator[Any]:
    """Everything that is cut together; what nobody reads is an output and stays, and so do grouped convolutions."""
    for group in graph.get_all_groups(ignored_layers=kept):
        touched = [item.dep.target.module for item in group.items]
        free = not any(layer in kept for layer in touched) and not any(map(_grouped, touched))
        if free and any(map(_reads, group.items)):
            yield group


def _grouped(layer: Any) -> bool:
    return 1 < getattr(layer, "groups", 1) < getattr(layer, "in_channels", 0)


def _reads(item: Any) -> bool:
    layer = item.dep.target.module
    return item.dep.handler.__name__ == "prune_in_channels" and isinstance(layer, KINDS)


def _makes(item: Any) -> bool:
    layer = item.dep.target.module
    return item.dep.handler.__name__ == "prune_out_channels" and isinstance(layer, KINDS)


def _worth(group: Any, spread: Mapping[nn.Module, Tensor], count: int) -> Tensor:
    """One figure per channel of the group's root.

    For every layer that reads a channel: the norm of the weights that read it, times the standard deviation of
    what they read. Without ``spread``: the norm of the weights that make the channel.
    """
    worth = torch.zeros(count)
    for i, item in enumerate(group.items):
        layer = item.dep.target.module
        if _reads(item) if spread else _makes(item):
            value = _norms(layer, reads=bool(spread))
            if layer in spread:
                value = value * spread[layer]
            roots = torch.tensor([r if r is not None else 0 for r in group[i].root_idxs])
            worth.scatter_add_(0, roots, value[torch.tensor(list(item.idxs))])
    return worth


def _norms(layer: Any, reads: bool) -> Tensor:
    weight = layer.weight.detach()
    if reads and getattr(layer, "groups", 1) == 1:
        return weight.transpose(0, 1).flatten(1).norm(dim=1)
    return weight.flatten(1).norm(dim=1)


def _spread(model: nn.Module, images: Images) -> dict[nn.Module, Tensor]:
    """Standard deviation of every input channel of every convolution and matrix, over some images."""
    seen: dict[nn.Module, Tensor] = {}

    def look(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].detach()
        channel = 1 if hasattr(layer, "kernel_size") else x.dim() - 1
        seen[layer] = x.transpose(0, channel).flatten(1).std(dim=1)

    hooks = [m.register_forward_pre_hook(look) for m in model.modules() if isinstance(m, KINDS)]
    figures.answers(model, images.take(0, IMAGES), batch=IMAGES)
    for hook in hooks:
        hook.remove()
    return seen


def _name(model: nn.Module, layer: nn.Module) -> str:
    return str(next(name for name, module in model.named_modules() if module is layer))


def widths(model: nn.Module) -> dict[str, int]:
    """Output channels of every convolution and matrix, by name."""
    return {n: len(m.weight) for n, m in model.named_modules() if isinstance(m, KINDS)}


def settle(model: nn.Module, images: Images, batch: int = 128) -> None:
    """Estimate the batch norm statistics afresh, as a plain average over ``images``."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for begin in range(0, len(images), batch):
            some = images.take(begin, begin + batch)
            model(*(torch.from_numpy(np.ascontiguousarray(v)) for v in some.inputs.values()))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    model.eval()
