"""Training for a number of epochs: the same steps for the same seed, and resumable after each epoch.

Networks of nets.py train as in train.py and distill.py (Muon for the filters, SGD for the rest); anything else, such
as a folded graph, has every weight moved gently by AdamW. Both under the triangular schedule of loop.py, begun at
``start`` by what has learnt already.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from edgerund.build.technique import Data, Progress
from edgerund.build.training import files
from edgerund.build.training.loop import report

from .augment import Views
from .data import Part
from .distill import STUDENT, Taught
from .loop import Optimizers, Recipe, Source, Workers, accuracy, batches
from .nets import ConvNet
from .train import Labelled

CHUNK = 500
WHITENING_IMAGES = 5000
WARM_UP = 0.03
RANGES = 10.0
"""How much faster the ranges of quantized activations learn than weights: they are few, and are logarithms."""


@dataclass(frozen=True)
class Terms:
    """What a stage decides about its training.

    ``views`` is how many fixed crops of each image a teacher answers; ``filter_lr``, ``batch``, ``cutout`` default to
    those of train.py or, with a teacher, distill.py; ``lr`` is AdamW's; ``images`` limits the training images.
    """

    epochs: int
    seed: int
    workers: int = 1
    start: float = 0.0
    views: int = 4
    batch: int | None = None
    cutout: int | None = None
    filter_lr: float | None = None
    lr: float = 1e-4
    temperature: float = 1.0
    teacher_weight: float = 0.9
    images: int | None = None

    def recipe(self, taught: bool) -> Recipe:
        """The constants of the loop."""
        base = STUDENT if taught else Recipe()
        return Recipe(
            batch=self.batch or base.batch,
            shift=base.shift,
            cutout=base.cutout if self.cutout is None else self.cutout,
            filter_lr=self.filter_lr or base.filter_lr,
            decay=base.decay,
            workers=self.workers,
            seed=self.seed,
        )


class Steps(Protocol):
    """An optimizer under a schedule."""

    def step(self, progress: float) -> None:
        """One step; gradients are cleared."""

    def state(self) -> Any:
        """Everything that the next step depends on."""

    def restore(self, state: Any) -> None:
        """Take over what ``state`` gave."""


class Gentle:
    """AdamW on whatever is free."""

    def __init__(self, model: nn.Module, lr: float) -> None:
        free = [p for p in model.parameters() if p.requires_grad]
        rates = {RANGES: [p for p in free if p.dim() == 0], 1.0: [p for p in free if p.dim()]}
        groups = [{"params": params, "scale": scale} for scale, params in rates.items() if params]
        self._adam = torch.optim.AdamW(groups, lr=lr, weight_decay=0.0)
        self._lr = lr

    def step(self, progress: float) -> None:
        """One step at the rate of ``progress``."""
        rate = self._lr * min(1.0, progress / WARM_UP) * (1 - progress)
        for group in self._adam.param_groups:
            group["lr"] = rate * group["scale"]
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> Any:
        """AdamW's moments."""
        return self._adam.state_dict()

    def restore(self, state: Any) -> None:
        """Put them back."""
        self._adam.load_state_dict(state)


class Native:
    """Muon and SGD of loop.py, and for what else there is (projections of features) SGD as well."""

    def __init__(self, model: nn.Module, net: ConvNet, recipe: Recipe) -> None:
        self._own = Optimizers(net, recipe)
        ours = {id(p) for p in net.parameters()}
        rest = [p for p in model.parameters() if id(p) not in ours]
        self._rest = torch.optim.SGD(rest, lr=0.05, momentum=0.9) if rest else None
        self._batch = recipe.batch

    def step(self, progress: float) -> None:
        """One step at the rates of ``progress``."""
        if self._rest is not None:
            for p in self._rest.param_groups[0]["params"]:
                if p.grad is not None:
                    p.grad /= self._batch
            self._rest.step()
            self._rest.zero_grad(set_to_none=True)
        self._own.step(progress)

    def state(self) -> Any:
        """Momenta."""
        rest = None if self._rest is None else self._rest.state_dict()
        return {"sgd": self._own.sgd.state_dict(), "muon": self._own.muon.state(), "rest": rest}

    def restore(self, state: Any) -> None:
        """Put them back."""
        self._own.sgd.load_state_dict(state["sgd"])
        self._own.muon.restore(state["muon"])
        if self._rest is not None:
            self._rest.load_state_dict(state["rest"])


def run(
    model: nn.Module,
    data: Data,
    terms: Terms,
    teacher: Callable[[Tensor], Tensor] | None,
    checkpoint: Path,
    progress: Progress,
) -> None:
    """Train ``model`` in place; with one worker the result depends on the arguments alone, interrupted or not."""
    part: Part = data.train if terms.images is None else data.train.take(np.arange(terms.images))
    recipe = terms.recipe(teacher is not None)
    net = getattr(model, "student", model)
    native = isinstance(net, ConvNet)
    if native and terms.start == 0.0:
        first = torch.from_numpy(part.images[:WHITENING_IMAGES]).float() / 255
        net.set_whitening(first, recipe.whiten_eps)
    model.to(memory_format=torch.channels_last)
    source = _source(part, recipe, terms, teacher, checkpoint, progress)
    steps: Steps = Native(model, net, recipe) if native else Gentle(model, terms.lr)
    done = _resume(checkpoint, model, steps)
    workers = Workers(model, source, recipe.workers)
    began, per_epoch = time.monotonic(), len(part) // recipe.batch
    for epoch in range(done, terms.epochs):
        loss = 0.0
        _reseed(source, terms.seed, epoch)
        order = torch.Generator().manual_seed(terms.seed * 100_003 + epoch)
        for i, index in enumerate(batches(len(part), recipe.batch, order)):
            loss += workers.gradients(index, epoch, recipe.part) / recipe.batch
            share = (epoch + (i + 1) / per_epoch) / terms.epochs
            steps.step(terms.start + (1 - terms.start) * share)
            if i % 8 == 7:
                progress(share, f"epoch {epoch + 1} of {terms.epochs}: loss {loss / (i + 1):.4f}")
        workers.collect()
        state = {"model": model.state_dict(), "steps": steps.state(), "epoch": epoch + 1}
        files.write(checkpoint, state)
        said = report(epoch - done, terms.epochs - done, loss / per_epoch, began)
        progress((epoch + 1) / terms.epochs, f"{said}, validation {_validation(model, data):.4f}")


def _validation(model: nn.Module, data: Data) -> float:
    assert data.validation is not None
    assert data.validation.labels is not None
    pixels = (data.validation.inputs["image"] * 255).round().astype(np.uint8)
    return accuracy(model, Part(pixels, data.validation.labels))


def _resume(checkpoint: Path, model: nn.Module, steps: Steps) -> int:
    if not checkpoint.is_file():
        return 0
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    steps.restore(saved["steps"])
    return int(saved["epoch"])


def _source(
    part: Part,
    recipe: Recipe,
    terms: Terms,
    teacher: Callable[[Tensor], Tensor] | None,
    checkpoint: Path,
    progress: Progress,
) -> Source:
    if teacher is None:
        return Labelled(part, recipe)
    views = Views(part.images, min(terms.views, terms.epochs), recipe.shift)
    cache = checkpoint.with_suffix(".answers.npy")
    if cache.is_file():
        answers = torch.from_numpy(np.load(cache))
    else:
        answers = _answers(views, len(part), teacher, progress)
        np.save(cache, answers.numpy())
    return Taught(part, views, answers, terms.temperature, terms.teacher_weight)


def _answers(
    views: Views, count: int, teacher: Callable[[Tensor], Tensor], progress: Progress
) -> Tensor:
    """The teacher's logits ``[views, count, 10]``."""
    given = []
    for view in range(views.count):
        progress(0.0, f"the teacher answers view {view + 1} of {views.count}")
        parts = torch.arange(count).split(CHUNK)
        pixels = (views.pixels(view, index).float().div_(255) for index in parts)
        given.append(torch.cat([teacher(images.contiguous()) for images in pixels]))
    return torch.stack(given)


def _reseed(source: Source, seed: int, epoch: int) -> None:
    """Augmentation that depends on the epoch alone, so that an interrupted run goes on as it would have."""
    if isinstance(source, Labelled):
        source.reseed(seed * 100_003 + epoch)
