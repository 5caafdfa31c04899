"""An ONNX graph as a torch network: trained as it will run, written back as the same graph with other numbers.

Of a QDQ graph the weights, the biases and (if asked) the ranges of the activations learn, and what each
DequantizeLinear gives in training is what the engine will compute with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from edgerund.build.technique import Array
from edgerund.build.training import fake_quant, onnx_ops
from edgerund.build.training.onnx_graph import Graph, Quantized
from edgerund.errors import BuildError

SPARSE = 0.3
"""A weight with at least this share of zeros was made so on purpose: its zeros stay."""
TINY = 1e-12


class OnnxNet(nn.Module):  # type: ignore[misc]
    """The network of ``model``.

    Raises:
        BuildError: an operator that torch has no counterpart of here (named), or nothing that can learn.
    """

    def __init__(self, model: onnx.ModelProto, learn_ranges: bool = True) -> None:
        super().__init__()
        graph = self.graph = Graph(model)
        values = [w.value for w in graph.weights] + [graph.arrays[n] for n in graph.floats]
        if not values:
            raise BuildError(
                "cannot train this graph: it has no weights of convolutions or matrices"
            )
        self.values = nn.ParameterList(nn.Parameter(torch.from_numpy(np.array(v))) for v in values)
        scales = sorted({r.scale for r in graph.ranges.values()})
        self._scale_index = {name: i for i, name in enumerate(scales)}
        start = [torch.tensor(float(graph.arrays[n].reshape(-1)[0])).log() for n in scales]
        self.ranges = nn.ParameterList(nn.Parameter(s, requires_grad=learn_ranges) for s in start)
        self._constants: dict[str, str] = {}
        for i, name in enumerate(n for n in graph.arrays if n not in graph.floats):
            self._constants[name] = f"constant{i}"
            self._hold(f"constant{i}", graph.arrays[name])
        for i, weight in enumerate(graph.weights):
            self._hold(f"scale{i}", weight.scale)
            self._hold(f"zero{i}", weight.zero)
            self._hold(f"clip{i}", _clip(weight))
        for i, value in enumerate(values):
            sparse = value.ndim > 1 and (value == 0).mean() >= SPARSE
            self._hold(f"alive{i}", (value != 0).astype(np.float32) if sparse else np.float32(1))

    def _hold(self, name: str, array: Any) -> None:
        self.register_buffer(name, torch.from_numpy(np.array(array)), persistent=False)

    def scale_of(self, name: str) -> Tensor:
        """The scale of the activations that ``name`` is the initializer of."""
        scale: Tensor = self.ranges[self._scale_index[name]].exp()
        return scale

    def _value(self, i: int) -> Tensor:
        value: Tensor = self.values[i] * getattr(self, f"alive{i}")
        return value

    def _weight_scale(self, i: int, weight: Quantized) -> Tensor:
        """Follows the largest weight of each channel, clipped as the file that was read clips it."""
        if weight.bias_of is not None or bool(weight.zero.any()):
            fixed: Tensor = getattr(self, f"scale{i}")
            return fixed
        value, dims = (
            self._value(i).detach().abs(),
            [d for d, n in enumerate(weight.shape) if n == 1],
        )
        largest = value.amax(dim=dims, keepdim=True) if dims else value
        scale: Tensor = (largest * getattr(self, f"clip{i}") / weight.high).clamp_min(TINY)
        return scale

    def scales(self) -> dict[str, Tensor]:
        """The scale of every quantized weight and bias as it stands, by the value that it makes."""
        found: dict[str, Tensor] = {}
        for i, w in enumerate(self.graph.weights):
            if w.bias_of is None:
                found[w.output] = self._weight_scale(i, w)
        for i, w in enumerate(self.graph.weights):
            if w.bias_of is not None:
                inputs, weights = w.bias_of
                known = inputs in self._scale_index and weights in found
                product = (
                    self.scale_of(inputs).detach() * found[weights].reshape(-1) if known else None
                )
                found[w.output] = getattr(self, f"scale{i}") if product is None else product
        return found

    def forward(self, *images: Tensor) -> Tensor:
        """The graph's first output."""
        graph = self.graph
        env: dict[str, Any] = {name: getattr(self, held) for name, held in self._constants.items()}
        env.update(zip(graph.inputs, images, strict=True))
        env[""] = None
        scales = self.scales()
        for i, w in enumerate(graph.weights):
            zero = getattr(self, f"zero{i}")
            env[w.output] = fake_quant.weight(self._value(i), scales[w.output], zero, w.low, w.high)
        for i, name in enumerate(graph.floats, start=len(graph.weights)):
            env[name] = self._value(i)
        for step in graph.steps:
            if step.op == "QuantizeLinear":
                r = graph.ranges[step.outputs[0]]
                log_scale = self.ranges[self._scale_index[r.scale]]
                value = fake_quant.activation(env[step.inputs[0]], log_scale, r.zero, r.low, r.high)
                env[step.outputs[0]] = value
            else:
                env[step.outputs[0]] = _run(step, [env[name] for name in step.inputs])
        output: Tensor = env[graph.outputs[0]]
        return output

    def model(self) -> onnx.ModelProto:
        """The graph with what was learnt; integers and scales are exactly those of the evaluation."""
        with torch.no_grad():
            arrays: dict[str, Array] = {
                name: self.scale_of(name).numpy() for name in self._scale_index
            }
            scales = self.scales()
            for i, w in enumerate(self.graph.weights):
                scale, value = scales[w.output], self._value(i)
                q = ((value / scale).round() + getattr(self, f"zero{i}")).clamp(w.low, w.high)
                arrays[w.stored], arrays[w.scale_name] = q.double().numpy(), scale.numpy()
            for i, name in enumerate(self.graph.floats, start=len(self.graph.weights)):
                arrays[name] = self._value(i).numpy()
        return self.graph.filled(arrays)

    def moved(self) -> Mapping[str, float]:
        """How far training moved each learnt scale, as a factor."""
        arrays = self.graph.arrays
        with torch.no_grad():
            return {
                name: round(float(self.scale_of(name)) / float(arrays[name].reshape(-1)[0]), 4)
                for name in self._scale_index
            }


def _clip(weight: Quantized) -> Array:
    """Scale times highest integer, over the largest weight, of each channel: below 1 where the file clips."""
    dims = tuple(d for d, n in enumerate(weight.shape) if n == 1)
    largest = np.abs(weight.value).max(axis=dims, keepdims=True) if dims else np.abs(weight.value)
    return np.where(largest > 0, weight.scale * weight.high / np.maximum(largest, TINY), 1).astype(
        np.float32
    )


def _run(step: Any, inputs: list[Any]) -> Any:
    try:
        return onnx_ops.TABLE[step.op](inputs, step.attributes)
    except (RuntimeError, IndexError, KeyError) as e:
        raise BuildError(f"cannot train {step.op} ({step.outputs[0]!r}): {e}") from e
