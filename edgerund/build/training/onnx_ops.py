"""Operators of ONNX in torch, so that a graph can be trained as it will run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its name everywhere

Attributes = Mapping[str, Any]
Inputs = Sequence[Any]
Operator = Callable[[Inputs, Attributes], Any]


def _spatial(x: Tensor) -> int:
    return int(x.dim()) - 2


def _pick(kind: str, x: Tensor) -> Any:
    """The torch function of this number of spatial dimensions, such as ``conv2d``."""
    return getattr(F, f"{kind}{_spatial(x)}d")


def _pads(x: Tensor, a: Attributes) -> list[int]:
    """Begin and end of every spatial axis, last axis first, as ``F.pad`` wants them."""
    n = _spatial(x)
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = list(a.get("pads", [0] * 2 * n))
        return [p for axis in reversed(range(n)) for p in (pads[axis], pads[axis + n])]
    strides, size = a.get("strides", [1] * n), a["kernel_shape"]
    dilations, flat = a.get("dilations", [1] * n), []
    for axis in reversed(range(n)):
        side, stride = x.shape[axis + 2], strides[axis]
        reach = (size[axis] - 1) * dilations[axis] + 1
        total = max(0, (-(-side // stride) - 1) * stride + reach - side)
        less = total // 2
        flat += [less, total - less] if auto == "SAME_UPPER" else [total - less, less]
    return flat


def _conv(i: Inputs, a: Attributes) -> Tensor:
    x, weight = i[0], i[1]
    bias = i[2] if len(i) > 2 else None
    n = _spatial(x)
    pads = _pads(x, {"kernel_shape": list(weight.shape[2:]), **a})
    if pads[::2] == pads[1::2]:
        padding = tuple(reversed(pads[::2]))
    else:
        x, padding = F.pad(x, pads), (0,) * n
    y: Tensor = _pick("conv", x)(
        x,
        weight,
        bias,
        stride=tuple(a.get("strides", [1] * n)),
        padding=padding,
        dilation=tuple(a.get("dilations", [1] * n)),
        groups=a.get("group", 1),
    )
    return y


def _max_pool(i: Inputs, a: Attributes) -> Tensor:
    x, n = i[0], _spatial(i[0])
    pads = _pads(x, a)
    if any(pads):
        x = F.pad(x, pads, value=float("-inf"))
    y: Tensor = _pick("max_pool", x)(
        x,
        tuple(a["kernel_shape"]),
        tuple(a.get("strides", [1] * n)),
        dilation=tuple(a.get("dilations", [1] * n)),
        ceil_mode=bool(a.get("ceil_mode", 0)),
    )
    return y


def _average_pool(i: Inputs, a: Attributes) -> Tensor:
    x, n = i[0], _spatial(i[0])
    pads, counted = _pads(x, a), bool(a.get("count_include_pad", 0))
    size, strides = tuple(a["kernel_shape"]), tuple(a.get("strides", [1] * n))
    pool, ceil = _pick("avg_pool", x), bool(a.get("ceil_mode", 0))
    if not any(pads) or counted:
        y: Tensor = pool(F.pad(x, pads), size, strides, ceil_mode=ceil)
        return y
    inside = F.pad(torch.ones_like(x[:1, :1]), pads)
    share: Tensor = pool(F.pad(x, pads), size, strides, ceil_mode=ceil)
    return share / pool(inside, size, strides, ceil_mode=ceil)


def _gemm(i: Inputs, a: Attributes) -> Tensor:
    x = i[0].t() if a.get("transA") else i[0]
    weight = i[1].t() if a.get("transB") else i[1]
    y: Tensor = a.get("alpha", 1.0) * (x @ weight)
    return y if len(i) < 3 or i[2] is None else y + a.get("beta", 1.0) * i[2]


def _batch_norm(i: Inputs, a: Attributes) -> Tensor:
    x, scale, bias, mean, var = i
    return F.batch_norm(x, mean, var, scale, bias, training=False, eps=a.get("epsilon", 1e-5))


def _axes(i: Inputs, a: Attributes) -> list[int] | None:
    if len(i) > 1 and i[1] is not None:
        return [int(v) for v in i[1].tolist()]
    return list(a["axes"]) if "axes" in a else None


def _reduce(how: Callable[..., Tensor]) -> Operator:
    def run(i: Inputs, a: Attributes) -> Tensor:
        axes = _axes(i, a)
        dims = list(range(i[0].dim())) if axes is None else axes
        return how(i[0], dim=dims, keepdim=bool(a.get("keepdims", 1)))

    return run


def _reshape(i: Inputs, _: Attributes) -> Tensor:
    shape = [int(v) for v in i[1].tolist()]
    y: Tensor = i[0].reshape([i[0].shape[k] if v == 0 else v for k, v in enumerate(shape)])
    return y


def _flatten(i: Inputs, a: Attributes) -> Tensor:
    axis = a.get("axis", 1) % (i[0].dim() + 1)
    lead = 1
    for side in i[0].shape[:axis]:
        lead *= side
    y: Tensor = i[0].reshape(lead, -1)
    return y


def _squeeze(i: Inputs, a: Attributes) -> Tensor:
    axes = _axes(i, a)
    y: Tensor = i[0].squeeze() if axes is None else i[0].squeeze(tuple(axes))
    return y


def _unsqueeze(i: Inputs, a: Attributes) -> Tensor:
    axes = _axes(i, a) or []
    y: Tensor = i[0]
    total = y.dim() + len(axes)
    for axis in sorted(axis % total for axis in axes):
        y = y.unsqueeze(axis)
    return y


def _clip(i: Inputs, a: Attributes) -> Tensor:
    low = i[1] if len(i) > 1 else a.get("min")
    high = i[2] if len(i) > 2 else a.get("max")
    y: Tensor = torch.clamp(i[0], min=low, max=high)
    return y


def _gather(i: Inputs, a: Attributes) -> Tensor:
    axis, index = a.get("axis", 0) % i[0].dim(), i[1].long()
    flat = i[0].index_select(axis, index.reshape(-1) % i[0].shape[axis])
    y: Tensor = flat.reshape(*i[0].shape[:axis], *index.shape, *i[0].shape[axis + 1 :])
    return y


def _pad(i: Inputs, a: Attributes) -> Tensor:
    pads = [int(v) for v in (i[1].tolist() if len(i) > 1 else a["pads"])]
    n = len(pads) // 2
    flat = [p for axis in reversed(range(n)) for p in (pads[axis], pads[axis + n])]
    value = float(i[2]) if len(i) > 2 and i[2] is not None else 0.0
    return F.pad(i[0], flat, mode=a.get("mode", "constant"), value=value)


_DTYPES = {
    1: torch.float32,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
}
"""Of onnx.TensorProto."""

TABLE: Mapping[str, Operator] = {
    "Add": lambda i, _: i[0] + i[1],
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": lambda i, a: i[0].to(_DTYPES[a["to"]]),
    "Clip": _clip,
    "Concat": lambda i, a: torch.cat(list(i), dim=a["axis"]),
    "Conv": _conv,
    "Div": lambda i, _: i[0] / i[1],
    "Dropout": lambda i, _: i[0],
    "Elu": lambda i, a: F.elu(i[0], alpha=a.get("alpha", 1.0)),
    "Erf": lambda i, _: torch.erf(i[0]),
    "Exp": lambda i, _: torch.exp(i[0]),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": lambda i, a: F.gelu(i[0], approximate=a.get("approximate", "none")),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda i, _: i[0].mean(dim=tuple(range(2, i[0].dim())), keepdim=True),
    "GlobalMaxPool": lambda i, _: i[0].amax(dim=tuple(range(2, i[0].dim())), keepdim=True),
    "HardSigmoid": lambda i, a: torch.clamp(i[0] * a.get("alpha", 0.2) + a.get("beta", 0.5), 0, 1),
    "HardSwish": lambda i, _: i[0] * torch.clamp(i[0] / 6 + 0.5, 0, 1),
    "Identity": lambda i, _: i[0],
    "LeakyRelu": lambda i, a: F.leaky_relu(i[0], a.get("alpha", 0.01)),
    "LogSoftmax": lambda i, a: F.log_softmax(i[0], dim=a.get("axis", -1)),
    "MatMul": lambda i, _: i[0] @ i[1],
    "MaxPool": _max_pool,
    "Mul": lambda i, _: i[0] * i[1],
    "Neg": lambda i, _: -i[0],
    "PRelu": lambda i, _: torch.where(i[0] < 0, i[0] * i[1], i[0]),
    "Pad": _pad,
    "Pow": lambda i, _: i[0] ** i[1],
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Relu": lambda i, _: torch.relu(i[0]),
    "Reshape": _reshape,
    "Shape": lambda i, _: torch.tensor(i[0].shape, dtype=torch.int64),
    "Sigmoid": lambda i, _: torch.sigmoid(i[0]),
    "Softmax": lambda i, a: F.softmax(i[0], dim=a.get("axis", -1)),
    "Sqrt": lambda i, _: torch.sqrt(i[0]),
    "Squeeze": _squeeze,
    "Sub": lambda i, _: i[0] - i[1],
    "Tanh": lambda i, _: torch.tanh(i[0]),
    "Transpose": lambda i, a: i[0].permute(a.get("perm", list(reversed(range(i[0].dim()))))),
    "Unsqueeze": _unsqueeze,
}
