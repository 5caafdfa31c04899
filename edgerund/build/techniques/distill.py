"""Knowledge distillation: a smaller network learns the answers, and if asked the features, of a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.build.training import begin
from edgerund.build.training.params import TrainingParams
from edgerund.errors import BuildError


class DistillParams(TrainingParams):
    """The student, how long it learns, and which of its layers shall resemble which of the teacher's."""

    params: dict[str, Any] = Field(
        default={}, description="Parameters of the recipe's model: the student."
    )
    features: dict[str, str] = Field(
        default={},
        description="Layer of the student: layer of the teacher whose output it shall resemble.",
    )
    feature_weight: float = Field(
        default=0.1, gt=0, description="Weight of the features beside the loss of the answers."
    )


class Distill:
    """Builds a student from the recipe's ``model`` and trains it with the recipe's ``fit`` on the teacher's answers.

    The last parent is the teacher; with two, the first is the student to start from. Features are compared after
    a 1 x 1 projection and pooling to the smaller grid, both normalised per picture (after Romero 2015,
    arXiv:1412.6550); the recipe's ``fit`` has to add ``model.penalty`` to its mean loss.
    """

    Params: ClassVar[type[DistillParams]] = DistillParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = None  # the student begins a chain; a teacher may be of any kind
    most_parents: ClassVar[int] = 2
    gives: ClassVar[Kind] = "torch"

    def run(self, parents: Sequence[Artifact], params: DistillParams, context: Context) -> Artifact:
        begin(context)
        from edgerund.build.training import features, figures, files
        from edgerund.build.training.run import Training, fit
        from edgerund.build.training.teacher import teacher

        if not parents:
            raise BuildError("cannot distil without a teacher: name its stage in 'from'")
        if params.features and parents[-1].kind != "torch":
            raise BuildError(
                "cannot match features of an ONNX teacher: take the stage that it was exported from"
            )
        made_of: dict[str, Any] = params.params
        if len(parents) > 1:
            student, made_of = files.load(parents[0].path, context.torch)
        else:
            student = files.build(context.torch, params.params)
        example = figures.example(context.data.calibration)
        training = Training(params.epochs, params.start, params.fit)
        taught_by = teacher(parents[-1], context)
        if params.features:
            model, _ = files.load(parents[-1].path, context.torch)
            pair = features.Matched(student, model, params.features, params.feature_weight, example)
            fit(pair, training, context, taught_by)
            if not pair.was_learnt() and params.epochs:
                raise BuildError(
                    "cannot match features: the recipe's fit does not add model.penalty to its loss"
                )
            pair.part()
        else:
            fit(student, training, context, taught_by)
        path = context.folder / "model.pt"
        files.save(path, student, made_of)
        return Artifact(
            path, "torch", _facts(student, parents[-1], params, context), _how(parents, params)
        )


def _facts(
    student: Any, taught_by: Artifact, params: DistillParams, context: Context
) -> dict[str, Any]:
    from edgerund.build.training import figures, files

    data = context.data
    example = figures.example(data.calibration)
    macs, weights = figures.macs_and_params(student, example)
    facts: dict[str, Any] = {
        "epochs": params.epochs,
        "macs": macs,
        "params": weights,
        "validation_accuracy": figures.accuracy(student, data.validation),
        "features": params.features,
    }
    if taught_by.kind == "torch":
        model, _ = files.load(taught_by.path, context.torch)
        macs, weights = figures.macs_and_params(model, example)
        accuracy = figures.accuracy(model, data.validation)
        facts["teacher"] = {"macs": macs, "params": weights, "validation_accuracy": accuracy}
    return facts


def _how(parents: Sequence[Artifact], params: DistillParams) -> tuple[str, ...]:
    shape = ", ".join(f"{k} {v}" for k, v in params.params.items())
    features = f" and the features of {len(params.features)} layers" if params.features else ""
    begun = parents[0].how if len(parents) > 1 else ()
    return (
        *begun,
        f"a smaller network{f' ({shape})' if shape else ''} distilled from the answers{features} of a teacher "
        f"in {params.epochs} epochs",
    )
