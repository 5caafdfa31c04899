"""Reading, tidying and writing ONNX files; whatever a library says of a broken one becomes a BuildError."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper, version_converter

from edgerund.build.graph.domains import forget_domains
from edgerund.build.graph.order import sort_nodes
from edgerund.errors import BuildError

Model = Any
"""An ``onnx.ModelProto``."""

MOST_BYTES = 2**31 - 2**20
"""What protobuf writes into one file."""

QUANTIZED_OPS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")

_ORT_ERRORS = tuple(
    v
    for v in vars(ort.capi.onnxruntime_pybind11_state).values()
    if isinstance(v, type) and issubclass(v, Exception)
)
FAILURES = (
    *_ORT_ERRORS,
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    version_converter.ConvertError,
    DecodeError,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    AssertionError,
    OSError,
    MemoryError,
)
"""What onnx and onnxruntime raise over a graph they do not like: they have no base of their own."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn a library's failure into ``BuildError: cannot <what>: <its first line>``; keep its log quiet."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    except FAILURES as e:
        lines = str(e).strip().splitlines()
        reason = lines[0] if lines else type(e).__name__
        raise BuildError(f"cannot {what}: {reason[:300]}") from e
    finally:
        root.setLevel(level)


def read(path: Path) -> Model:
    """The model in ``path`` with its weights inside, tidied (see ``tidy``).

    Raises:
        BuildError: no file, no ONNX, no graph, or one whose external data is missing.
    """
    with explained(f"read {path.name}"):
        model = onnx.load(str(path))
    if not model.graph.node:
        raise BuildError(f"cannot read {path.name}: it holds no ONNX graph")
    for tensor in model.graph.initializer:
        tensor.ClearField("external_data")
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise BuildError(
                f"cannot read {path.name}: weight {tensor.name!r} is in a missing file"
            )
        tensor.ClearField("data_location")
    tidy(model)
    return model


def tidy(model: Model) -> None:
    """Constants become initializers, only real inputs stay inputs, every node has a name of its own."""
    graph = model.graph
    _lift_constants(graph)
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != len(graph.input):
        del graph.input[:]
        graph.input.extend(inputs)
    _flatten_biases(graph)
    model.ir_version = max(model.ir_version, 8)  # before 4, weights had to be inputs too
    taken: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = fresh(taken, f"{node.op_type}_{number}")
        taken.add(node.name)


def _flatten_biases(graph: Any) -> None:
    """A bias ``[1, n]`` of a Gemm becomes ``[n]``: onnxruntime's quantizer stumbles over the former."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    uses = [name for node in graph.node for name in node.input]
    for name in (node.input[2] for node in graph.node if _has_bias(node)):
        dims = weights[name].dims if name in weights else []
        if len(dims) == 2 and dims[0] == 1 and uses.count(name) == 1:
            del dims[0]


def _has_bias(node: Any) -> bool:
    return node.op_type == "Gemm" and len(node.input) > 2


def _lift_constants(graph: Any) -> None:
    kept = []
    for node in graph.node:
        value = _constant(node) if node.op_type == "Constant" else None
        if value is None:
            kept.append(node)
            continue
        tensor = graph.initializer.add()
        tensor.CopyFrom(value)
        tensor.name = node.output[0]
    if len(kept) != len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)


def _constant(node: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == "value":
            return attribute.t
        if attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
            import numpy as np

            dtype = np.float32 if "float" in attribute.name else np.int64
            return numpy_helper.from_array(np.array(helper.get_attribute_value(attribute), dtype))
    return None


def fresh(taken: set[str], wish: str) -> str:
    """``wish``, with a number behind it if somebody has that name already."""
    name, number = wish, 1
    while name in taken:
        name, number = f"{wish}_{number}", number + 1
    return name


def names(model: Model) -> set[str]:
    """Every name that a value or a node of the main graph has."""
    graph = model.graph
    found = {t.name for t in graph.initializer} | {v.name for v in graph.input}
    for node in graph.node:
        found |= {node.name, *node.output}
    return found


def opset(model: Model) -> int:
    """The version of the standard operators that the model was written for."""
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)


def at_least_opset(model: Model, wanted: int, what: str) -> Model:
    """``model``, converted if its operators are older than ``wanted``.

    Raises:
        BuildError: the converter has no way for one of its operators.
    """
    if opset(model) >= wanted:
        return model
    with explained(f"{what}: opset {opset(model)} is too old, and the way to {wanted} fails"):
        newer = version_converter.convert_version(model, wanted)
        onnx.checker.check_model(newer)
    tidy(newer)
    return newer


def folded(model: Model, name: str, level: str = "basic") -> Model:
    """``model`` after onnxruntime's own graph optimisation: constants computed, batch norm folded.

    ``basic`` stays within standard ONNX; ``extended`` makes fused operators that only onnxruntime knows.
    """
    levels = ort.GraphOptimizationLevel
    with (
        tempfile.TemporaryDirectory() as folder,
        explained(f"optimise {name}: onnxruntime refuses it"),
    ):
        out = Path(folder) / "out.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(out)
        options.graph_optimization_level = (
            levels.ORT_ENABLE_EXTENDED if level == "extended" else levels.ORT_ENABLE_BASIC
        )
        ort.InferenceSession(
            model.SerializeToString(deterministic=True), options, providers=["CPUExecutionProvider"]
        )
        result = onnx.load(str(out))
    tidy(result)
    return result


def write(model: Model, path: Path) -> None:
    """One self-contained file, the same bytes for the same graph.

    Raises:
        BuildError: the graph is not valid, or larger than one file may be.
    """
    graph = model.graph
    del graph.value_info[:]  # shapes that a change made stale; every reader infers them again
    sort_nodes(graph)
    tensors = sorted(graph.initializer, key=lambda tensor: str(tensor.name))
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    forget_domains(model)
    if model.ByteSize() > MOST_BYTES:
        raise BuildError(f"cannot write {path.name}: it is larger than the 2 GiB of one ONNX file")
    with explained(f"write {path.name}: the changed graph is not valid"):
        onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def is_quantized(model: Model) -> bool:
    """Whether somebody quantized it before."""
    return any(
        node.op_type in QUANTIZED_OPS or node.op_type.startswith("QLinear")
        for node in model.graph.node
    )
