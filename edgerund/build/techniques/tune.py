"""Fine-tuning of a graph as it stands: after low rank, sparsity or quantization, through whatever they left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from edgerund.build.technique import Artifact, Context, Kind
from edgerund.build.training import begin
from edgerund.build.training.params import TrainingParams
from edgerund.errors import BuildError

IMAGES = 256


class TuneParams(TrainingParams):
    """How a graph is fine-tuned."""

    epochs: int = Field(default=1, ge=0, description="Passes over the training images.")
    start: float = Field(
        default=0.5, ge=0, lt=1, description="Where in the schedule of rates to begin."
    )


class QatParams(TuneParams):
    """How a quantized graph is fine-tuned."""

    learn_ranges: bool = Field(
        default=True, description="Scales of the activations learn as well (LSQ)."
    )


class Tune:
    """Trains the float weights of an ONNX graph with the recipe's ``fit`` and writes the same graph again.

    Weights that were made sparse stay so. A second parent is the teacher.
    """

    Params: ClassVar[type[TuneParams]] = TuneParams
    version: ClassVar[int] = 1
    takes: ClassVar[Kind | None] = "onnx"
    trains: ClassVar[bool] = True
    gives: ClassVar[Kind] = "onnx"

    def run(self, parents: Sequence[Artifact], params: TuneParams, context: Context) -> Artifact:
        begin(context)
        import onnx

        from edgerund.build.training import figures
        from edgerund.build.training.run import Training, fit
        from edgerund.build.training.teacher import teacher

        parent = parents[0]
        net = self._net(onnx.load(parent.path), params)
        facts: dict[str, Any] = {"parent_agreement": _agreement(net, parent.path, context)}
        taught_by = teacher(parents[1], context) if len(parents) > 1 else None
        fit(net, Training(params.epochs, params.start, params.fit), context, taught_by)
        path = context.folder / "model.onnx"
        model = net.model()
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        facts |= {
            "parent_validation_accuracy": _file_accuracy(parent.path, context),
            "trained_validation_accuracy": figures.accuracy(net, context.data.validation),
            "validation_accuracy": _file_accuracy(path, context),
            "agreement": _agreement(net, path, context),
            **self._more(net),
        }
        how = self._how(params) + (", on the answers of a teacher" if taught_by else "")
        return Artifact(path, "onnx", facts, (*parent.how, how))

    def _net(self, model: Any, _: TuneParams) -> Any:
        from edgerund.build.training.onnx_net import OnnxNet

        net = OnnxNet(model)
        if net.graph.ranges or net.graph.weights:
            raise BuildError("cannot fine-tune a quantized graph as a float one: use 'qat'")
        return net

    def _how(self, params: TuneParams) -> str:
        return f"fine-tuned as a graph for {params.epochs} epochs"

    def _more(self, net: Any) -> dict[str, Any]:
        return {"weights_trained": len(net.values)}


class Qat(Tune):
    """Quantization-aware fine-tuning of the QDQ graph that an ``int8`` stage made.

    Rounding of weights, biases and activations is simulated exactly where the graph has it; gradients go straight
    through. The scales that are written are those that the last evaluation used.
    """

    Params: ClassVar[type[TuneParams]] = QatParams

    def _net(self, model: Any, params: TuneParams) -> Any:
        from edgerund.build.training.onnx_net import OnnxNet

        assert isinstance(params, QatParams)
        net = OnnxNet(model, params.learn_ranges)
        if not net.graph.ranges:
            raise BuildError(
                "cannot train for quantization: the graph has no QuantizeLinear; let it come from an int8 stage"
            )
        return net

    def _how(self, params: TuneParams) -> str:
        assert isinstance(params, QatParams)
        ranges = (
            "scales of the activations learnt too"
            if params.learn_ranges
            else "scales of the activations kept"
        )
        return f"trained through its rounding for {params.epochs} epochs (QAT, {ranges})"

    def _more(self, net: Any) -> dict[str, Any]:
        moved = sorted(net.moved().values())
        return {
            "weights_quantized": sum(
                w.bias_of is None and w.high < 2**15 for w in net.graph.weights
            ),
            "weights_float": len(net.graph.floats),
            "activations_quantized": len(net.graph.ranges),
            "scales_moved": {
                "least": moved[0],
                "median": moved[len(moved) // 2],
                "most": moved[-1],
            },
        }


def _agreement(net: Any, path: Any, context: Context) -> float:
    """Share of images on which the network in training and the file in the engine name the same class."""
    from edgerund.build.training.figures import answers
    from edgerund.build.training.teacher import session

    some = (context.data.validation or context.data.calibration).take(0, IMAGES)
    ours = answers(net, some)
    theirs = session(path, context.threads).run(None, dict(some.inputs))[0]
    same = ours.reshape(len(ours), -1).argmax(1) == theirs.reshape(len(theirs), -1).argmax(1)
    return round(float(same.mean()), 4)


def _file_accuracy(path: Any, context: Context) -> float | None:
    from edgerund.build.training.figures import BATCH, share_right
    from edgerund.build.training.teacher import session

    images = context.data.validation
    if images is None or images.labels is None:
        return None
    import numpy as np

    running = session(path, context.threads)
    parts = [
        running.run(None, dict(images.take(i, i + BATCH).inputs))[0]
        for i in range(0, len(images), BATCH)
    ]
    return share_right(np.concatenate(parts), images)
