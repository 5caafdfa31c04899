"""Write a trained network as a plain ONNX file: batch norm and normalisation folded, weights inside.

Every file has one input ``image``, ``float32 [N, 3, 32, 32]``, RGB in [0, 1], and one output ``logits``
``[N, 10]``. Example::

    python -m tools.cifar10.export top.pt --out top_fp32.onnx --fp16 top_fp16.onnx
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from .nets import LAYOUTS, ConvBN, ConvNet

Array = npt.NDArray[np.float32]
OPSET = 17
IR_VERSION = 8


@dataclass(frozen=True)
class FoldedConv:
    """A convolution with everything linear folded in; ReLU follows, then perhaps a 2 x 2 max pool."""

    weight: Array
    bias: Array
    stride: int
    pad: int
    pool: bool

    def side(self, side: int) -> int:
        """Height and width of the convolution's output for those of its input, before the pool."""
        return int((side + 2 * self.pad - self.weight.shape[2]) // self.stride + 1)


@dataclass(frozen=True)
class FoldedNet:
    """What inference needs of a network: convolutions, a global max pool, one matrix ``[10, channels]``."""

    convs: tuple[FoldedConv, ...]
    head: Array

    @property
    def params(self) -> int:
        """Weights and biases."""
        return sum(c.weight.size + c.bias.size for c in self.convs) + self.head.size

    @property
    def sides(self) -> tuple[int, ...]:
        """Height and width of every convolution's output, before its pool."""
        sides, side = [], 32
        for conv in self.convs:
            side = conv.side(side)
            sides.append(side)
            side //= 2 if conv.pool else 1
        return tuple(sides)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        work = (side**2 * c.weight.size for side, c in zip(self.sides, self.convs, strict=True))
        return int(sum(work) + self.head.size)


def fold(model: ConvNet) -> FoldedNet:
    """Fold normalisation into the first layer and batch norm into the others."""
    with torch.no_grad():
        std, mean = model.normalize.std.view(-1), model.normalize.mean.view(-1)
        weight = model.whiten.weight / std.view(1, -1, 1, 1)
        bias = model.whiten.bias - (weight * mean.view(1, -1, 1, 1)).sum((1, 2, 3))
        convs = [FoldedConv(_array(weight), _array(bias), model.layout.stem_stride, 0, pool=False)]
        convs += [_fold_block(block) for block in model.blocks]
        return FoldedNet(tuple(convs), _array(model.head.weight * model.head_scale))


def _fold_block(block: ConvBN) -> FoldedConv:
    norm = block.norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    if block.pool and not bool((scale > 0).all()):
        raise ValueError("cannot fold a batch norm behind a max pool: a scale is not positive")
    weight = block.conv.weight * scale.view(-1, 1, 1, 1)
    return FoldedConv(
        _array(weight), _array(norm.bias - norm.running_mean * scale), 1, 1, block.pool
    )


def _array(tensor: torch.Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().float().numpy())


def to_onnx(net: FoldedNet, name: str) -> onnx.ModelProto:
    """The ONNX model of ``net``."""
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, Array] = {"head.weight": net.head.T.copy()}
    value = "image"
    for i, conv in enumerate(net.convs):
        weights[f"conv{i}.weight"], weights[f"conv{i}.bias"] = conv.weight, conv.bias
        inputs = [value, f"conv{i}.weight", f"conv{i}.bias"]
        size, pads, strides = list(conv.weight.shape[2:]), [conv.pad] * 4, [conv.stride] * 2
        nodes.append(
            _node("Conv", inputs, f"conv{i}", kernel_shape=size, pads=pads, strides=strides)
        )
        nodes.append(_node("Relu", [f"conv{i}"], f"relu{i}"))
        value = f"relu{i}"
        if conv.pool:
            nodes.append(_node("MaxPool", [value], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2]))
            value = f"pool{i}"
    side = net.sides[-1] // (2 if net.convs[-1].pool else 1)
    nodes.append(_node("MaxPool", [value], "features", kernel_shape=[side, side]))
    nodes.append(_node("Flatten", ["features"], "flat", axis=1))
    nodes.append(_node("MatMul", ["flat", "head.weight"], "logits"))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(w, k) for k, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="edgerund",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=output, **attributes)


def store_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its weights stored as fp16 and cast on load: half the file, the arithmetic in fp32."""
    half = onnx.ModelProto()
    half.CopyFrom(model)
    casts = []
    for tensor in half.graph.initializer:
        name, stored = tensor.name, f"{tensor.name}.fp16"
        values = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(values).all():
            raise ValueError(f"cannot store {name} as fp16: it overflows")
        tensor.CopyFrom(numpy_helper.from_array(values, stored))
        casts.append(_node("Cast", [stored], name, to=TensorProto.FLOAT))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    onnx.checker.check_model(half, full_check=True)
    return half


def read_checkpoint(path: Path) -> ConvNet:
    """The network that train.py or distill.py saved."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = ConvNet(LAYOUTS[saved.get("layout", "top")])
    model.load_state_dict(saved["model"])
    model.eval()
    return model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write a checkpoint as ONNX.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fp16", type=Path, help="also write the file with fp16 weights")
    args = parser.parse_args()
    net = fold(read_checkpoint(args.checkpoint))
    model = to_onnx(net, args.out.stem)
    onnx.save(model, args.out)
    if args.fp16:
        onnx.save(store_half(model), args.fp16)
    print(f"{args.out}: {net.params} parameters, {net.macs / 1e6:.1f} MMAC")


if __name__ == "__main__":
    main()
