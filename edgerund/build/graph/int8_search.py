"""Which way of quantizing is best on validation images: a short greedy search over ranges, bits and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgerund.build.graph.floats import with_activation
from edgerund.build.graph.model import (
    Model,
    at_least_opset,
    folded,
    is_quantized,
    read,
)
from edgerund.build.graph.quantizing import PER_CHANNEL_OPSET, Form, quantized
from edgerund.build.graph.ranges import Method, Seen, observe, ranges
from edgerund.build.graph.score import Judge, Score
from edgerund.build.graph.weights import ends, layers
from edgerund.build.technique import Artifact, Context
from edgerund.errors import BuildError

END_NAMES = ("none", "first", "last", "both")


@dataclass(frozen=True)
class Way:
    """One way of quantizing."""

    method: Method
    percentile: float
    form: Form
    ends: str = "none"
    leave: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        shown: dict[str, Any] = {"method": self.method, "weight_bits": self.form.weight_bits}
        if self.method == "percentile":
            shown["percentile"] = self.percentile
        if self.form.symmetric:
            shown["symmetric"] = True
        return {**shown, "float_ends": self.ends}


@dataclass(frozen=True)
class Tried:
    """A way, what came of it, and how good that is."""

    way: Way
    model: Model
    score: Score


def prepare(path: Path, per_channel: bool) -> Model:
    """The float network in ``path``, folded and new enough to be quantized.

    Raises:
        BuildError: it is quantized already, has no layer with weights, or is too old to be brought up.
    """
    what = f"quantize {path.name}"
    model = read(path)
    if is_quantized(model):
        raise BuildError(f"cannot {what}: it is quantized already; start from its float parent")
    wanted = PER_CHANNEL_OPSET if per_channel else 11
    model = at_least_opset(folded(model, path.name), wanted, what)
    if not layers(model):
        raise BuildError(
            f"cannot {what}: none of its operators is a Conv, Gemm or MatMul with fixed weights"
        )
    return model


@dataclass
class Trials:
    """Quantizes and scores; keeps the list for the report."""

    model: Model
    seen: dict[str, Seen]
    judge: Judge
    leave: Sequence[str]
    told: Callable[[str], None]
    tried: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, way: Way) -> Tried:
        """One way, tried."""
        first, last = ends(self.model)
        chosen = {"none": [], "first": first, "last": last, "both": [*first, *last]}[way.ends]
        pairs = [
            name for layer in dict.fromkeys(chosen) for name in with_activation(self.model, layer)
        ]
        way = replace(way, leave=tuple(dict.fromkeys([*self.leave, *pairs])))
        limits = ranges(self.seen, way.method, way.percentile)
        made = quantized(self.model, limits, way.form, way.leave)
        score = self.judge(made.SerializeToString(), "the quantized network")
        self.tried.append({**way.facts(), **score.facts()})
        self.told(f"{way.method}: {score.metric} {score.value:.2%}")
        return Tried(way, made, score)


def choose(
    model: Model, parent: Artifact, params: Any, context: Context
) -> tuple[Tried, list[dict[str, Any]]]:
    """The best way by ``params`` (of ``int8``) and every one that was tried.

    Raises:
        BuildError: no way works.
    """
    trials = _trials(model, parent, params, context)
    bits = [7, 8] if params.weight_bits == "auto" else [params.weight_bits]
    end_names = END_NAMES if params.float_ends == "auto" else (params.float_ends,)
    if params.target != "x86" and params.weight_bits == "auto":
        bits = [8]  # only x86 has the short sums that 7 bits are for
    form = Form(params.target, bits[0], per_channel=params.per_channel)
    start = [Way(m, params.percentile, form, end_names[0]) for m in params.methods]
    best = _best(trials, None, start, 0.0)
    assert best is not None
    wider = [replace(best.way, form=replace(form, weight_bits=b)) for b in bits[1:]]
    best = _best(trials, best, wider, params.gain)
    best = _best(trials, best, [replace(best.way, ends=e) for e in end_names[1:]], params.gain)
    if best.way.ends != end_names[0]:  # other ends, so another way may be best now
        others = [m for m in params.methods if m != best.way.method]
        best = _best(trials, best, [replace(best.way, method=m) for m in others], params.gain)
    return best, trials.tried


def _trials(model: Model, parent: Artifact, params: Any, context: Context) -> Trials:
    count = len(context.data.calibration)
    images = context.data.calibration.take(0, min(count, params.images))
    unknown = set(params.leave) - {node.name for node in model.graph.node}
    if unknown:
        raise BuildError(
            f"cannot leave {', '.join(sorted(unknown))} in float: {parent.path.name} has no such node"
        )
    seen = observe(
        model, images, context.threads, lambda share, text: context.progress(0.4 * share, text)
    )
    judge = Judge(parent.path, context.data, context.threads)
    most = len(params.methods) * 2 + 4
    done: list[float] = [0.4]

    def told(text: str) -> None:
        done[0] += (0.98 - done[0]) / most  # fewer may be tried: never reaches the end
        context.progress(done[0], text)

    return Trials(model, seen, judge, params.leave, told)


def _best(trials: Trials, best: Tried | None, ways: Sequence[Way], gain: float) -> Any:
    for way in ways:
        tried = trials(way)
        if best is None or _better(tried.score, best.score, gain):
            best = tried
    return best


def _better(new: Score, old: Score, gain: float) -> bool:
    if gain:
        return new.value >= old.value + gain
    return new.key > old.key
