"""Cascade: a cheap model answers, and a picture of which it is not sure goes on to a better one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.errors import BuildError

Threshold = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MOST_MEMBERS = 8
_CURVE = 24


class CascadeParams(BaseModel):
    """Parameters of ``cascade``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["softmax", "probability", "margin"] = Field(
        default="softmax", description="How sure an answer is; see docs/cascade.md."
    )
    output: int = Field(default=0, ge=0, description="Number of the output that tells it.")
    max_loss: float = Field(
        default=0.003,
        ge=0,
        le=1,
        description="What validation may lose against the best member, chance counted in.",
    )
    at_least: Threshold | list[Threshold] | None = Field(
        default=None,
        description="The confidence that is enough, or one for each step; default: chosen.",
    )


class Cascade:
    """Most pictures are easy: the mean cost falls while the accuracy hardly does.

    ``from`` lists 2 to 8 stages, cheap first. The threshold is the cheapest one whose accuracy on the validation
    images stays within ``max_loss``. Its worst case is slower than the last member alone.
    """

    Params: ClassVar[type[BaseModel]] = CascadeParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    gives: ClassVar[Kind] = "cascade"
    parts: ClassVar[tuple[str, ...]] = ("calibration", "validation")
    least_parents: ClassVar[int] = 2
    most_parents: ClassVar[int] = MOST_MEMBERS

    def run(self, parents: Sequence[Artifact], params: Any, context: Context) -> Artifact:
        from edgerund.build.cascade.choice import at, choose, coarse, points
        from edgerund.build.cascade.files import write_cascade
        from edgerund.build.cascade.members import ask

        if not 2 <= len(parents) <= MOST_MEMBERS or any(p.kind != "onnx" for p in parents):
            raise BuildError(
                f"cannot make a cascade: it joins 2 to {MOST_MEMBERS} ONNX files, cheap first"
            )
        context.progress(0.0, f"joins {len(parents)} members")
        files = _copies(parents, context.folder)
        steps = len(files) - 1
        fixed = _fixed(params.at_least, steps)
        path = write_cascade(context.folder, files, params.kind, params.output, [0.0] * steps)
        _check(path, context.threads)
        data = context.data
        images = data.calibration if data.validation is None else data.validation
        context.progress(0.1, f"asks each member about {len(images)} images")
        told = ask(files, images, params.kind, params.output, context.threads)
        context.progress(0.8, "chooses when an answer is good enough")
        costs = coarse(told.times_ms)
        found = points(told.scores, told.confidence, costs, told.best)
        if fixed is None:
            chosen = choose(found, params.max_loss)
        else:
            chosen = at(fixed, told.scores, told.confidence, costs, told.best)
        facts = _facts(found, chosen, told, params)
        if fixed is None:
            _check_gain(facts, chosen, told)
        write_cascade(context.folder, files, params.kind, params.output, chosen.at_least)
        sentence = _sentence(facts, params.kind, len(images))
        context.progress(1.0, sentence)
        facts["file_bytes"] = sum(f.stat().st_size for f in (path, *files))
        how = [f"Member {i}: {' '.join(p.how)}" for i, p in enumerate(parents, start=1)]
        return Artifact(path, "cascade", facts, (*how, sentence))


def _copies(parents: Sequence[Artifact], folder: Path) -> list[Path]:
    """The members beside the cascade, as it wants them."""
    files = [folder / f"member-{i}{p.path.suffix}" for i, p in enumerate(parents, start=1)]
    for parent, file in zip(parents, files, strict=True):
        shutil.copyfile(parent.path, file)
    return files


def _fixed(told: Any, steps: int) -> list[float] | None:
    if told is None:
        return None
    values = list(told) if isinstance(told, list) else [told] * steps
    if len(values) != steps:
        raise BuildError(
            f"cannot make a cascade: at_least has {len(values)} numbers, and there are {steps} steps"
        )
    return values


def _check(path: Path, threads: int) -> None:
    """Load it as the daemon does: members that cannot be joined are refused here."""
    from edgerund.engines.cascade import CascadeBackend
    from edgerund.errors import EngineError
    from edgerund.ports import LoadOptions

    try:
        engine = CascadeBackend().load(path, LoadOptions(threads), lambda _share, _text: None)
    except EngineError as e:
        reason = str(e).removeprefix(f"cannot load {path.name}: ")
        raise BuildError(f"cannot make a cascade of these members: {reason}") from e
    engine.close()


def _facts(found: Sequence[Any], chosen: Any, told: Any, params: Any) -> dict[str, Any]:
    from edgerund.build.cascade.choice import allowed, curve

    def row(point: Any) -> dict[str, Any]:
        return {
            "at_least": list(point.at_least),
            told.metric: round(point.accuracy, 5),
            "loss": round(point.loss, 5),
            "noise": round(point.noise, 5),
            "escalated": [round(share, 4) for share in point.reached],
            "mean_ms": round(_mean_ms(point, told.times_ms), 4),
        }

    members = [
        {told.metric: round(a, 5), "ms": round(ms, 4)}
        for a, ms in zip(told.accuracy, told.times_ms, strict=True)
    ]
    return {
        "chosen": row(chosen),
        "within_loss": allowed(chosen, params.max_loss),
        "kind": params.kind,
        "max_loss": params.max_loss,
        "members": members,
        "best_member": told.best + 1,
        "curve": [row(point) for point in _thinned(curve(found))],
    }


def _thinned(found: Sequence[Any]) -> list[Any]:
    step = max(1, -(-len(found) // _CURVE))
    return list(found[::step])


def _mean_ms(point: Any, times_ms: Sequence[float]) -> float:
    later = zip(point.reached, times_ms[1:], strict=True)
    return float(times_ms[0] + sum(share * ms for share, ms in later))


def _check_gain(facts: dict[str, Any], chosen: Any, told: Any) -> None:
    from edgerund.profile.dominance import FASTER_SHARE

    if not chosen.reached[-1]:
        raise BuildError(
            f"cannot gain by a cascade: within a loss of {facts['max_loss']:.2%} no image needs member "
            f"{len(told.times_ms)}; take the members before it alone, or allow less loss (max_loss)"
        )
    mean_ms, best_ms = facts["chosen"]["mean_ms"], told.times_ms[told.best]
    if mean_ms > best_ms * (1 - FASTER_SHARE):
        raise BuildError(
            f"cannot gain by a cascade: {chosen.reached[0]:.1%} of the images go on, so that one takes "
            f"{mean_ms:.3g} ms in the mean, and member {told.best + 1} alone takes {best_ms:.3g} ms; "
            "begin with a cheaper or better member, or allow more loss (max_loss)"
        )


def _sentence(facts: dict[str, Any], kind: str, images: int) -> str:
    chosen = facts["chosen"]
    numbers = " and ".join(f"{t:g}" for t in chosen["at_least"])
    shares = " and ".join(f"{share:.1%}" for share in chosen["escalated"])
    return (
        f"Cascade: an answer stays at a {kind} of {numbers} or more, else the next member is asked: {shares} of the "
        f"{images} validation images went on."
    )
