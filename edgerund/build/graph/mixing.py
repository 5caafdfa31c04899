"""Sensitivity of each layer to INT8, and the search for the fewest layers that have to stay float."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgerund.build.graph.floats import between, with_activation
from edgerund.build.graph.int8_search import prepare
from edgerund.build.graph.model import Model
from edgerund.build.graph.quantizing import (
    Form,
    as_run,
    cannot_be_quantized,
    quantized,
    split_run,
)
from edgerund.build.graph.ranges import observe, ranges
from edgerund.build.graph.score import Judge, Score
from edgerund.build.graph.weights import layers
from edgerund.build.technique import Context
from edgerund.errors import BuildError

MOST_RETURNS = 16
"""How many layers are tried back in INT8 after the floor is reached."""


@dataclass
class Mixing:
    """One network with its ranges; makes and scores any mixture."""

    model: Model
    limits: dict[str, tuple[float, float]]
    form: Form
    judge: Judge
    tried: list[dict[str, Any]] = field(default_factory=list)

    def made(self, floats: Collection[str]) -> Model:
        """All layers in INT8 but ``floats``, and what lies between those."""
        leave = [name for layer in sorted(floats) for name in with_activation(self.model, layer)]
        leave += between(self.model, floats)
        return quantized(self.model, self.limits, self.form, tuple(dict.fromkeys(leave)))

    def score(self, floats: Collection[str]) -> Score:
        """How good that is; remembered for the report."""
        score = self.judge(self.made(floats).SerializeToString(), "the mixed network")
        self.tried.append({"float_layers": len(floats), **score.facts()})
        return score

    def alone(self, layer: str, judge: Judge) -> Score:
        """The score when this layer is the only one in INT8."""
        only = with_activation(self.model, layer)
        made = quantized(self.model, self.limits, self.form, only=only)
        return judge(made.SerializeToString(), f"the network with {layer} in INT8")


def mix(path: Path, params: Any, context: Context) -> tuple[Model, dict[str, Any]]:
    """The mixture and its facts, by the parameters of the technique ``mixed``.

    Raises:
        BuildError: the floor is out of reach, or the network cannot be quantized.
    """
    model = prepare(path, params.per_channel)
    count = len(context.data.calibration)
    images = context.data.calibration.take(0, min(count, params.images))
    seen = observe(model, images, context.threads, lambda s, t: context.progress(0.3 * s, t))
    form = Form(params.target, params.weight_bits, per_channel=params.per_channel)
    limits = ranges(seen, params.method, params.percentile)
    judge = Judge(path, context.data, context.threads)
    floor = params.floor if params.floor is not None else judge.parent.value - params.max_loss
    mixing = Mixing(model, limits, form, judge)
    table = _sensitivity(mixing, path, params.scored, context)
    ranked = [row["layer"] for row in table]
    context.progress(0.7, "looks for the fewest layers in float")
    kept = _fewest(mixing, ranked, floor, path.name)
    kept = _give_back(mixing, kept, floor)
    for row in table:
        row["float"] = row["layer"] in kept
    made = mixing.made(kept)
    facts = {
        "floor": round(floor, 5),
        "kept_float": [name for name in ranked if name in kept],
        "sensitivity": table,
        "tried": mixing.tried,
        "left_float": cannot_be_quantized(model, form),
        "runs": split_run(as_run(made.SerializeToString())),
        "parent": judge.parent.facts(),
        "result": mixing.judge(made.SerializeToString()).facts(),
    }
    return made, facts


def _sensitivity(mixing: Mixing, path: Path, scored: int, context: Context) -> list[dict[str, Any]]:
    """One row per layer, the most damaging first."""
    judge = Judge(path, context.data, context.threads, most=scored)
    nodes = layers(mixing.model)
    rows = []
    for number, node in enumerate(nodes):
        score = mixing.alone(node.name, judge)
        rows.append({"layer": node.name, "operator": node.op_type, **score.facts()})
        done = 0.3 + 0.4 * (number + 1) / len(nodes)
        context.progress(done, f"INT8 in {node.name} alone: output error {score.error:.2%}")
    return sorted(rows, key=lambda row: (-row["output_error"], row["layer"]))


def _fewest(mixing: Mixing, ranked: list[str], floor: float, name: str) -> set[str]:
    """The shortest beginning of ``ranked`` that, left in float, reaches the floor (by halving)."""
    if mixing.score(()).value >= floor:
        return set()
    low, high = 0, len(ranked)
    if mixing.score(ranked).value < floor:
        raise BuildError(
            f"cannot keep {floor:.4f} with INT8 in {name}: even with every layer in float it has less; "
            f"raise `max_loss`"
        )
    while high - low > 1:
        middle = (low + high) // 2
        if mixing.score(ranked[:middle]).value >= floor:
            high = middle
        else:
            low = middle
    return set(ranked[:high])


def _give_back(mixing: Mixing, kept: set[str], floor: float) -> set[str]:
    """Try the kept layers in INT8 again, one by one: a smaller set may do."""
    for layer in sorted(kept)[:MOST_RETURNS]:
        if len(kept) > 1 and mixing.score(kept - {layer}).value >= floor:
            kept = kept - {layer}
    return kept
