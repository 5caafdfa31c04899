"""A trainable network from a file of the bundled ladder, so that training can go on from what is committed.

The inverse of export.py, up to the rounding of the file: a batch norm gets the statistics that the folded layer shows
on training images, and every filter of a layer starts at one length. Example::

    python -m tools.cifar10.restore variants/cifar10/half-int8.onnx --layout half --data DIR --out half.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from .data import Images, load, split
from .export import FoldedConv, FoldedNet, fold
from .loop import accuracy
from .nets import LAYOUTS, ConvBN, ConvNet, Layout

IMAGES = 2000
Array = npt.NDArray[np.float32]


def folded(model: onnx.ModelProto, layout: Layout) -> FoldedNet:
    """The convolutions and the matrix of ``model``, dequantized where they are stored in 8 bits.

    Raises:
        ValueError: the graph is not one that export.py wrote for ``layout``.
    """
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    made = {n.output[0]: n for n in model.graph.node}
    convs = [n for n in model.graph.node if n.op_type == "Conv"]
    heads = [n for n in model.graph.node if n.op_type in ("MatMul", "Gemm")]
    if len(convs) != len(layout.layers) + 1 or len(heads) != 1:
        raise ValueError(
            f"cannot restore: {len(convs)} convolutions and {len(heads)} matrices, "
            f"the layout has {len(layout.layers) + 1} and 1"
        )

    def value(name: str) -> Array:
        if name in stored:
            return np.array(stored[name], np.float32)
        node = made[name]
        if node.op_type != "DequantizeLinear":
            raise ValueError(f"cannot restore: {name} comes from a {node.op_type}")
        whole, scale, zero = (stored[each].astype(np.float32) for each in node.input)
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [-1 if i == axis else 1 for i in range(whole.ndim)] if scale.ndim else []
        return np.asarray((whole - zero.reshape(shape)) * scale.reshape(shape), np.float32)

    pools = [False, *(pool for _, pool in layout.layers)]
    strides = [layout.stem_stride] + [1] * len(layout.layers)
    pads = [0] + [1] * len(layout.layers)
    parts = [
        FoldedConv(value(node.input[1]), value(node.input[2]), stride, pad, pool)
        for node, stride, pad, pool in zip(convs, strides, pads, pools, strict=True)
    ]
    return FoldedNet(tuple(parts), value(heads[0].input[1]).T.copy())


def restore(net: FoldedNet, layout: Layout, images: Images) -> ConvNet:
    """The network that folds to ``net``: same answers in evaluation, batch norms that can go on learning."""
    model = ConvNet(layout)
    model.eval()
    pixels = torch.from_numpy(images).float() / 255
    with torch.no_grad():
        std, mean = model.normalize.std.view(-1), model.normalize.mean.view(-1)
        weight = torch.from_numpy(net.convs[0].weight) * std.view(1, -1, 1, 1)
        model.whiten.weight.copy_(weight)
        shift = (torch.from_numpy(net.convs[0].weight) * mean.view(1, -1, 1, 1)).sum((1, 2, 3))
        model.whiten.bias.copy_(torch.from_numpy(net.convs[0].bias) + shift)
        x = torch.relu(model.whiten(model.normalize(pixels)))
        for block, conv in zip(model.blocks, net.convs[1:], strict=True):
            x = _restore_block(block, conv, x)
        model.head.weight.copy_(torch.from_numpy(net.head) / model.head_scale)
    return model


def _restore_block(block: ConvBN, conv: FoldedConv, x: Tensor) -> Tensor:
    """Fill one block; returns its answer to ``x``."""
    weight, norm = torch.from_numpy(conv.weight), block.norm
    scale = weight.flatten(1).norm(dim=1).clamp_min(1e-6)
    block.conv.weight.copy_(weight / scale.view(-1, 1, 1, 1))  # every filter starts at one length
    y = block.conv(x)
    if block.pool:
        y = torch.max_pool2d(y, 2)
    norm.running_mean.copy_(y.mean((0, 2, 3)))
    norm.running_var.copy_(1 / scale**2 - norm.eps)
    norm.bias.copy_(torch.from_numpy(conv.bias) + norm.running_mean * scale)
    return torch.relu(norm(y))


def difference(model: ConvNet, net: FoldedNet) -> float:
    """The largest difference between the weights of ``net`` and those that ``model`` folds to."""
    again = fold(model)
    pairs = [(again.head, net.head)]
    for one, other in zip(again.convs, net.convs, strict=True):
        pairs += [(one.weight, other.weight), (one.bias, other.bias)]
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make a checkpoint of an exported network.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    layout = LAYOUTS[args.layout]
    net = folded(onnx.load(args.file), layout)
    train, validation = split(load(args.data, "train"))
    model = restore(net, layout, train.images[:IMAGES])
    print(
        f"validation {accuracy(model, validation):.4f}, folds back within {difference(model, net):.1e}"
    )
    torch.save({"model": model.state_dict(), "layout": args.layout}, args.out)


if __name__ == "__main__":
    main()
