"""Which sets of operators a model says it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def forget_domains(model: Any) -> None:
    """Sets of operators that no node is of: onnxruntime names all it knows, and older versions refuse newer sets."""
    used = {"", "ai.onnx", *(node.domain for node in _every_node(model))}
    kept = [each for each in model.opset_import if each.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _every_node(model: Any) -> Iterator[Any]:
    """Also those within loops, branches and functions."""
    waiting = [*model.graph.node, *(node for each in model.functions for node in each.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            graphs = [attribute.g, *attribute.graphs]
            waiting += [inner for graph in graphs for inner in graph.node]
