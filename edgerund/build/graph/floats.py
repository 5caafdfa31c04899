"""What stays float together with a layer that does."""

from __future__ import annotations

from collections.abc import Collection

from edgerund.build.graph.model import Model
from edgerund.build.graph.weights import consumers, layers

_ACTIVATIONS = ("Relu", "Clip")


def with_activation(model: Model, layer: str) -> list[str]:
    """The layer, the ReLU or Clip that alone takes its output, and the MaxPool that alone takes that one's.

    Layer and activation are one step for an engine. A MaxPool behind a float layer would be left the only integer
    operator in the plain layout, in which onnxruntime takes twenty times as long for it as in float (1.32).
    """
    used, names = consumers(model), [layer]
    node = next((n for n in model.graph.node if n.name == layer), None)
    for kinds in (_ACTIVATIONS, ("MaxPool",)):
        after = used.get(node.output[0], []) if node is not None else []
        if len(after) == 1 and after[0].op_type in kinds:
            node = after[0]
            names.append(node.name)
    return names


def between(model: Model, floats: Collection[str]) -> list[str]:
    """Operators without weights that only float layers feed; before the first layers: that feed only float ones."""
    heavy = {node.name for node in layers(model)}
    behind: dict[str, frozenset[str]] = {}  # value -> the nearest layers before it
    unfed, found = [], []
    for node in model.graph.node:
        before = frozenset().union(*(behind.get(name, frozenset()) for name in node.input))
        if node.name not in heavy:
            if not before:
                unfed.append(node)
            elif before <= set(floats):
                found.append(str(node.name))
        own = frozenset((str(node.name),)) if node.name in heavy else before
        behind.update(dict.fromkeys(node.output, own))
    return found + _feeding(model, unfed, heavy, set(floats))


def _feeding(model: Model, unfed: list[object], heavy: set[str], floats: set[str]) -> list[str]:
    """Those of ``unfed`` whose values only come to float layers."""
    used = consumers(model)
    ahead: dict[str, set[str]] = {}  # node -> the nearest layers behind it
    for node in reversed(model.graph.node):
        after = [each for out in node.output for each in used.get(out, [])]
        ahead[node.name] = set().union(
            *({each.name} if each.name in heavy else ahead[each.name] for each in after)
        )
    names = [str(getattr(node, "name", "")) for node in unfed]
    return [name for name in names if ahead[name] and ahead[name] <= floats]
