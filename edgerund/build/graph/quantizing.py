"""INT8 by onnxruntime's quantizer, with ranges of our own finding: what is quantized, in which form, what is left."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime as ort

from edgerund.build.graph.guard import keep_floats
from edgerund.build.graph.model import Model, explained, tidy
from edgerund.build.graph.weights import LAYERS, layers

Target = Literal["x86", "arm", "tensorrt"]

PER_CHANNEL_OPSET = 13

OPERATORS = (
    "Add",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "LeakyRelu",
    "MatMul",
    "MaxPool",
    "Mul",
    "Pad",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
"""What onnxruntime computes in INT8 on a CPU; anything else would be turned to float and back around it."""

TENSORRT_OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "MaxPool", "AveragePool", "Add")

SILENT = ("Cast", "Constant", "Dropout", "Identity", "Shape", "ConstantOfShape", "Range", "Size")
"""Operators over which INT8 is no question."""


@dataclass(frozen=True)
class Form:
    """How numbers are stored. ``symmetric`` puts the activations' zero in the middle."""

    target: Target = "x86"
    weight_bits: int = 8
    symmetric: bool = False
    per_channel: bool = True

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators that are quantized where nothing else is asked for."""
        return TENSORRT_OPERATORS if self.target == "tensorrt" else OPERATORS


def quantized(
    model: Model,
    ranges: Mapping[str, tuple[float, float]],
    form: Form,
    leave: Collection[str] = (),
    only: Collection[str] = (),
) -> Model:
    """A QDQ copy of ``model``.

    Args:
        model: tidied, float, opset 13 or later where ``form`` is per channel.
        ranges: value name -> (lowest, highest).
        form: see there.
        leave: names of nodes that stay float.
        only: names of the only nodes to quantize; empty for all.

    Raises:
        BuildError: onnxruntime's quantizer does not get on with the graph.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    copy = type(model)()
    copy.CopyFrom(model)
    data = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.items()}
    signed = form.target != "x86"
    with explained("quantize: onnxruntime's quantizer fails on this graph"):
        inferred = onnx.shape_inference.infer_shapes(copy)
        quantizer = QDQQuantizer(
            inferred,
            form.per_channel,
            form.weight_bits == 7,
            QuantType.QInt8,
            QuantType.QInt8 if signed else QuantType.QUInt8,
            TensorsData(CalibrationMethod.MinMax, data),
            sorted(only),
            sorted(leave),
            list(form.operators),
            _options(form),
        )
        quantizer.quantize_model()
        result = quantizer.model.model
    tidy(result)
    keep_floats(result)
    return result


def _options(form: Form) -> dict[str, Any]:
    options: dict[str, Any] = {"WeightSymmetric": True, "ActivationSymmetric": form.symmetric}
    if form.target == "tensorrt":  # as in onnxruntime's own examples for it
        options |= {
            "ActivationSymmetric": True,
            "AddQDQPairToWeight": True,
            "QuantizeBias": False,
            "DedicatedQDQPair": True,
            "OpTypesToExcludeOutputQuantization": ["Conv", "ConvTranspose", "Gemm", "MatMul"],
        }
    return options


def cannot_be_quantized(model: Model, form: Form) -> dict[str, list[str]]:
    """Operator -> names of the nodes for which there is no INT8 form."""
    known = {*form.operators, *SILENT, "QuantizeLinear", "DequantizeLinear"}
    dynamic = {n.name for n in model.graph.node if n.op_type in LAYERS} - {
        n.name for n in layers(model)
    }
    found: dict[str, list[str]] = {}
    for node in model.graph.node:
        lone = node.op_type == "Conv" and node.name in dynamic
        if node.op_type not in known or lone:
            found.setdefault(node.op_type, []).append(node.name)
    return dict(sorted(found.items()))


def as_run(model: bytes) -> dict[str, int]:
    """Operator -> how often it is in the graph that onnxruntime really runs on this CPU.

    ``QLinearConv`` there is a convolution in INT8; a ``Conv`` is one that stayed float.
    """
    with tempfile.TemporaryDirectory() as folder, explained("run the quantized network"):
        out = Path(folder) / "out.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(out)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        graph = onnx.load(str(out)).graph
    counts: dict[str, int] = {}
    for node in graph.node:
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return dict(sorted(counts.items()))


def split_run(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """``as_run``, parted into what runs in INT8, which layers run in float, and what turns one into the other."""
    integer = ("QLinear", "QGemm", "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul")
    turns = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
    floats = (*LAYERS, "FusedConv", "FusedGemm", "FusedMatMul")
    return {
        "in_int8": {k: n for k, n in counts.items() if k.startswith(integer)},
        "in_float": {k: n for k, n in counts.items() if k in floats},
        "conversions": {k: n for k, n in counts.items() if k in turns},
    }
