"""Low rank in a graph: which layers gain, which factors each gets, and the nodes in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgerund.build.graph import factor
from edgerund.build.graph.factor import Axes, Crossed, Factors, Floats
from edgerund.build.graph.model import Model
from edgerund.build.graph.moments import Moments, moments
from edgerund.build.graph.surgery import put_in_place
from edgerund.build.graph.weights import attribute, initializers, layers, source_of, value, weights
from edgerund.build.technique import Context
from edgerund.errors import BuildError

STEPS = 14
"""Halvings of the interval in which the energy for a budget is looked for."""


@dataclass(frozen=True)
class Layer:
    """One layer that could be parted: ``weight [O, I, *k]``, positions of its input and output, its cost."""

    node: Any
    weight: Floats
    bias: Floats
    inputs: Moments
    outputs: Moments

    @property
    def places(self) -> tuple[int, int]:
        """Positions of the input and the output for one image."""
        if self.node.op_type == "Conv":
            return int(np.prod(self.inputs.shape[2:])), int(np.prod(self.outputs.shape[2:]))
        inner = int(np.prod(self.inputs.shape[1:-1], initial=1))
        return inner, inner

    @cached_property
    def input_axes(self) -> Axes:
        """Of the input's second moment."""
        return factor.axes_of(self.inputs.second)

    @cached_property
    def output_axes(self) -> Axes:
        """Of the output about its mean; a MatMul has no bias to put a mean into."""
        plain = self.node.op_type == "MatMul"
        return factor.axes_of(self.outputs.second if plain else self.outputs.covariance)

    @cached_property
    def crossed(self) -> Crossed:
        """Column and row filters."""
        return factor.crossed(self.weight, self.input_axes)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.places[1] * self.weight.size


def factorize(model: Model, params: Any, context: Context) -> dict[str, Any]:
    """Part the layers of a float ``model`` in place, by the parameters of the technique ``lowrank``.

    Raises:
        BuildError: no layer would get cheaper.
    """
    count = len(context.data.calibration)
    images = context.data.calibration.take(0, min(count, params.images))
    nodes = layers(model)
    unknown = set(params.leave) - {node.name for node in nodes}
    if unknown:
        raise BuildError(f"cannot leave {', '.join(sorted(unknown))} whole: there is no such layer")
    able, left = _candidates(model, nodes, params.leave)
    seen = moments(
        model, able, images, context.threads, lambda s, text: context.progress(0.5 * s, text)
    )
    found = [_layer(model, node, seen) for node in able]
    total = sum(each.macs for each in found)
    energy = params.energy if params.macs is None else _energy_for(found, params, total)
    context.progress(0.7, f"parts the layers at {energy:.1%} of their variance")
    rows = []
    for layer in found:
        factors = choose(layer, energy, params.schemes, params.saves)
        if factors is None:
            left[layer.node.name] = "would not get cheaper"
            continue
        rows.append(_facts(layer, factors))
        put_in_place(model, layer.node, factors)
    if not rows:
        raise BuildError(
            f"cannot factorize: no layer gets cheaper at {energy:.1%} of its variance; lower `energy`"
        )
    saved = sum(row["macs_before"] - row["macs"] for row in rows)
    return {
        "energy": round(energy, 4),
        "macs_share": round(1 - saved / total, 4),
        "layers": rows,
        "left_whole": left,
    }


def _candidates(
    model: Model, nodes: Sequence[Any], leave: Sequence[str]
) -> tuple[list[Any], dict[str, str]]:
    users = {weight.name: weight for weight in weights(model)}
    able, left = [], {}
    for node in nodes:
        weight = users.get(source_of(node, model))
        if node.name in leave:
            left[node.name] = "as asked"
        elif node.op_type == "ConvTranspose":
            left[node.name] = "transposed convolution"
        elif int(attribute(node, "group", 1)) != 1:
            left[node.name] = "grouped convolution"
        elif weight is None or node.input[1] != weight.name:
            left[node.name] = "weights are not stored as a plain matrix"
        elif len(weight.layers) > 1:
            left[node.name] = "shares its weights with another layer"
        elif node.op_type == "Gemm" and attribute(node, "transA", 0):
            left[node.name] = "takes its input transposed"
        elif node.op_type == "MatMul" and len(initializers(model)[weight.name].dims) != 2:
            left[node.name] = "a stack of matrices"
        elif len(node.input) > 2 and node.input[2] and node.input[2] not in initializers(model):
            left[node.name] = "its bias is computed"
        else:
            able.append(node)
    return able, left


def _layer(model: Model, node: Any, seen: Mapping[str, Moments]) -> Layer:
    stored = initializers(model)
    weight = value(stored[node.input[1]]).astype(np.float64)
    if node.op_type == "MatMul":
        weight = weight.T
    elif node.op_type == "Gemm":
        weight = weight * float(attribute(node, "alpha", 1.0))
        weight = weight if attribute(node, "transB", 0) else weight.T
    bias = np.zeros(weight.shape[0])
    if len(node.input) > 2 and node.input[2]:
        scale = float(attribute(node, "beta", 1.0)) if node.op_type == "Gemm" else 1.0
        bias = bias + scale * value(stored[node.input[2]]).astype(np.float64).reshape(-1)
    return Layer(node, weight, bias, seen[node.input[0]], seen[node.output[0]])


def choose(
    layer: Layer, energy: float, schemes: Sequence[str], saves: float = 0.0
) -> Factors | None:
    """The cheapest factors that keep ``energy``; None if none saves the share ``saves``."""
    inside, places = layer.places
    weight, bias, mean = layer.weight, layer.bias, layer.outputs.mean
    tried = []
    if layer.node.op_type == "MatMul":
        zero = np.zeros(len(mean))
        tried.append(factor.channel(weight, zero, zero, layer.output_axes, energy, places))
    elif "channel" in schemes or weight.ndim == 2:
        tried.append(factor.channel(weight, bias, mean, layer.output_axes, energy, places))
    if "tucker" in schemes and weight.ndim > 2 and max(weight.shape[2:]) > 1:
        both = (layer.input_axes, mean, layer.output_axes)
        tried.append(factor.tucker(weight, bias, *both, energy, (inside, places)))
    if "spatial" in schemes and _is_wide(layer):
        between = layer.outputs.shape[2] * layer.inputs.shape[3]
        tried.append(factor.spatial(layer.crossed, bias, energy, (between, places)))
    best = min(tried, key=lambda each: each.macs, default=None)
    return best if best is not None and best.macs <= layer.macs * (1 - saves) - 1 else None


def _is_wide(layer: Layer) -> bool:
    sides = layer.weight.shape[2:]
    plain = attribute(layer.node, "auto_pad", b"NOTSET") in (b"NOTSET", b"")
    return len(sides) == 2 and min(sides) > 1 and plain


def _energy_for(found: Sequence[Layer], params: Any, total: int) -> float:
    """The most energy with which at most the share ``params.macs`` of all multiplications remains."""
    low, high = 0.05, 0.9999
    for _ in range(STEPS):
        middle = (low + high) / 2
        chosen = [choose(layer, middle, params.schemes, params.saves) for layer in found]
        macs = sum(f.macs if f else each.macs for each, f in zip(found, chosen, strict=True))
        low, high = (middle, high) if macs <= params.macs * total else (low, middle)
    return low


def _facts(layer: Layer, factors: Factors) -> dict[str, Any]:
    return {
        "layer": layer.node.name,
        "scheme": factors.scheme,
        "ranks": list(factors.ranks),
        "full": [int(side) for side in layer.weight.shape[:2]],
        "macs_before": layer.macs,
        "macs": factors.macs,
    }
