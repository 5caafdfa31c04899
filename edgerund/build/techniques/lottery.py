"""Iterative magnitude pruning: single weights become zero round by round, as in the search for lottery tickets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.build.training import begin
from edgerund.build.training.params import TrainingParams


class LotteryParams(TrainingParams):
    """How many weights go in how many rounds, and what happens to the others after each."""

    sparsity: float = Field(
        default=0.8, gt=0, lt=1, description="Share of the weights that ends as zero."
    )
    rounds: int = Field(
        default=3, ge=1, le=100, description="In so many rounds, each the same share."
    )
    rewind: Literal["rate", "weights"] = Field(
        default="rate",
        description="After a round, the schedule begins again; or the weights also return to the parent's.",
    )
    keep: list[str] = Field(default=[], description="Layers that stay dense.")
    epochs: int = Field(
        default=1, ge=1, description="Passes over the training images in each round."
    )
    start: float = Field(
        default=0.5, ge=0, lt=1, description="Where in the schedule each round begins."
    )


class Lottery:
    """Masks the weights of least magnitude, trains what is left, and repeats.

    ``rewind: weights`` is the lottery ticket with late rewinding (Frankle 2020, arXiv:1912.05671) when the parent
    is a network that was trained shortly; ``rewind: rate`` is learning-rate rewinding (Renda 2020,
    arXiv:2003.02389). Layers are compared by LAMP scores (Lee 2021, arXiv:2010.07611). The file keeps dense
    tensors with zeros in them: whether that saves time is measured, not assumed.
    """

    Params: ClassVar[type[LotteryParams]] = LotteryParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "torch"
    gives: ClassVar[Kind] = "torch"

    def run(self, parents: Sequence[Artifact], params: LotteryParams, context: Context) -> Artifact:
        begin(context)
        from edgerund.build.training import figures, files, masks
        from edgerund.build.training.run import Training, fit
        from edgerund.build.training.teacher import teacher

        parent, data = parents[0], context.data
        model, made_of = files.load(parent.path, context.torch)
        taught_by = teacher(parents[1], context) if len(parents) > 1 else None
        layers = masks.layers(model, params.keep)
        first = masks.weights_of(layers)
        facts: dict[str, Any] = {
            "parent_validation_accuracy": figures.accuracy(model, data.validation)
        }
        story = []
        for number in range(params.rounds):
            share = 1 - (1 - params.sparsity) ** ((number + 1) / params.rounds)
            done = context.scratch / f"round{number}.done.pt"
            if done.is_file():
                files.restore(model, done)
                masks.mask(layers, masks.zeros_of(layers))
            else:
                masks.mask(layers, masks.cheapest(layers, share))
                if params.rewind == "weights":
                    masks.put(layers, first)
                training = Training(params.epochs, params.start, params.fit)
                part = (number / params.rounds, (number + 1) / params.rounds)
                fit(model, training, context, taught_by, f"round{number}", part)
            masks.bake(layers)
            files.write(done, model.state_dict())
            story.append(
                {
                    "sparsity": masks.sparsity(layers),
                    "validation_accuracy": figures.accuracy(model, data.validation),
                }
            )
        path = context.folder / "model.pt"
        files.save(path, model, made_of)
        facts |= {"rounds": story, "rewind": params.rewind, **story[-1]}
        return Artifact(path, "torch", facts, (*parent.how, _how(params, facts, len(parents) > 1)))


def _how(params: LotteryParams, facts: dict[str, Any], taught: bool) -> str:
    return (
        f"{facts['sparsity']:.0%} of the weights set to zero by magnitude in {params.rounds} rounds of "
        f"{params.epochs} epochs, {'weights' if params.rewind == 'weights' else 'rates'} rewound after each"
        f"{', on the answers of a teacher' if taught else ''}"
    )
