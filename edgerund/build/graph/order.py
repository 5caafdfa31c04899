"""The order of a graph's nodes: each behind those whose values it takes, otherwise as they were."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from edgerund.errors import BuildError


def sort_nodes(graph: Any) -> None:
    """Sort the nodes of ``graph`` in place; the same graph always gets the same order.

    Raises:
        BuildError: the graph has a cycle.
    """
    nodes = list(graph.node)
    maker = {out: i for i, node in enumerate(nodes) for out in node.output if out}
    waiting: list[set[int]] = [{maker[n] for n in taken(node) if n in maker} for node in nodes]
    users: dict[int, list[int]] = {}
    for i, needs in enumerate(waiting):
        for j in needs:
            users.setdefault(j, []).append(i)
    ready = [i for i, needs in enumerate(waiting) if not needs]
    order = []
    while ready:
        i = heapq.heappop(ready)
        order.append(i)
        for user in users.get(i, ()):
            waiting[user].discard(i)
            if not waiting[user]:
                heapq.heappush(ready, user)
    if len(order) != len(nodes):
        raise BuildError("cannot order the nodes of this graph: it has a cycle")
    if order != list(range(len(nodes))):
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies[i] for i in order)


def taken(node: Any) -> Iterator[str]:
    """Names of the values that a node takes, those inside its subgraphs included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            for inner in graph.node:
                yield from taken(inner)
            yield from (value.name for value in graph.output)
