"""Training: a fresh network, or further epochs for one that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.build.training import begin
from edgerund.build.training.params import TrainingParams


class TrainParams(TrainingParams):
    """A network of the recipe's ``model``, and how long it is trained."""

    params: dict[str, Any] = Field(default={}, description="Parameters of the recipe's model.")


class Train:
    """Builds the recipe's ``model`` with ``params`` and trains it with the recipe's ``fit``.

    A parent, where there is one, is the teacher.
    """

    Params: ClassVar[type[TrainParams]] = TrainParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = None
    gives: ClassVar[Kind] = "torch"

    def run(self, parents: Sequence[Artifact], params: TrainParams, context: Context) -> Artifact:
        begin(context)
        from edgerund.build.training import figures, files
        from edgerund.build.training.run import Training, fit
        from edgerund.build.training.teacher import teacher

        model = files.build(context.torch, params.params)
        taught_by = teacher(parents[-1], context) if parents else None
        fit(model, Training(params.epochs, params.start, params.fit), context, taught_by)
        path = context.folder / "model.pt"
        files.save(path, model, params.params)
        data = context.data
        macs, weights = figures.macs_and_params(model, figures.example(data.calibration))
        facts = {
            "epochs": params.epochs,
            "macs": macs,
            "params": weights,
            "validation_accuracy": figures.accuracy(model, data.validation),
        }
        return Artifact(path, "torch", facts, (_how(params, context, bool(parents)),))


def _how(params: TrainParams, context: Context, taught: bool) -> str:
    shape = ", ".join(f"{k} {v}" for k, v in params.params.items())
    return (
        f"trained from scratch{f' ({shape})' if shape else ''} for {params.epochs} epochs, "
        f"seed {context.seed}{', with a teacher' if taught else ''}"
    )
