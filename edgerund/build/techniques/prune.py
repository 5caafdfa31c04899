"""Structured pruning: whole channels are cut, with everything that depends on them, and the rest is fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.build.training import begin
from edgerund.build.training.params import TrainingParams


class PruneParams(TrainingParams):
    """How much is cut (one of ``macs``, ``weights``, ``widths``) and how the rest is fine-tuned."""

    macs: float | None = Field(default=None, gt=0, lt=1, description="Share of arithmetic to keep.")
    weights: float | None = Field(default=None, gt=0, lt=1, description="Share of weights to keep.")
    widths: dict[str, int] | None = Field(
        default=None, description="Channels to keep, by layer name."
    )
    keep: list[str] = Field(default=[], description="Layers that are not cut.")
    round_to: int = Field(default=8, ge=1, description="Channels are a multiple of this.")
    worth: Literal["readers", "magnitude"] = Field(
        default="readers",
        description="What a channel is worth: what its readers make of it, or the norm of its own weights.",
    )
    start: float = Field(
        default=0.5, ge=0, lt=1, description="Where in the schedule fine-tuning begins."
    )

    @model_validator(mode="after")
    def _one_target(self) -> PruneParams:
        if sum(v is not None for v in (self.macs, self.weights, self.widths)) != 1:
            raise ValueError("give one of macs, weights, widths")
        return self


class Prune:
    """Cuts the channels that are worth least, estimates batch norm afresh, and fine-tunes.

    Channels that layers share (residual sums, concatenations) are cut together: torch-pruning's dependency graph
    (Fang 2023, arXiv:2301.12900). A second parent is the teacher of the fine-tuning.
    """

    Params: ClassVar[type[PruneParams]] = PruneParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "torch"
    gives: ClassVar[Kind] = "torch"
    parts: ClassVar[tuple[str, ...]] = ("calibration", "train", "validation")
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "torch", "torch-pruning")

    def run(self, parents: Sequence[Artifact], params: PruneParams, context: Context) -> Artifact:
        begin(context, "torch_pruning")
        from edgerund.build.training import channels, figures, files
        from edgerund.build.training.run import Training, fit
        from edgerund.build.training.teacher import teacher

        parent, data = parents[0], context.data
        model, made_of = files.load(parent.path, context.torch)
        inputs = figures.example(data.calibration)
        facts: dict[str, Any] = {
            "parent_validation_accuracy": figures.accuracy(model, data.validation)
        }
        before = figures.macs_and_params(model, inputs)
        context.progress(0.02, "choosing channels")
        model = channels.cut(model, data.calibration, params)
        after = figures.macs_and_params(model, inputs)
        channels.settle(model, data.calibration)
        facts |= {
            "macs_before": before[0],
            "macs": after[0],
            "params_before": before[1],
            "params": after[1],
            "widths": channels.widths(model),
            "validation_accuracy_before_fine_tuning": figures.accuracy(model, data.validation),
        }
        taught_by = teacher(parents[1], context) if len(parents) > 1 else None
        training = Training(params.epochs, params.start, params.fit)
        fit(model, training, context, taught_by, part=(0.05, 1.0))
        facts["validation_accuracy"] = figures.accuracy(model, data.validation)
        path = context.folder / "model.pt"
        files.save(path, model, made_of)
        return Artifact(path, "torch", facts, (*parent.how, *_how(params, facts, len(parents) > 1)))


def _how(params: PruneParams, facts: dict[str, Any], taught: bool) -> tuple[str, str]:
    macs, weights = facts["macs"] / facts["macs_before"], facts["params"] / facts["params_before"]
    by = (
        "what the layers that read them make of them"
        if params.worth == "readers"
        else "their own weights"
    )
    return (
        f"channels cut by {by}: {macs:.0%} of the arithmetic and {weights:.0%} of the weights are left",
        f"fine-tuned for {params.epochs} epochs{' on the answers of a teacher' if taught else ''}",
    )
