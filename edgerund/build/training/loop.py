"""The training loop for recipes that bring none: SGD with momentum under a triangular schedule, resumable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgerund.build.technique import Data, Images, Progress
from edgerund.build.training import figures, files
from edgerund.build.training.teacher import Teacher
from edgerund.errors import BuildError

WARM_UP = 0.1


def fit(  # noqa: PLR0913 - the options are what a recipe may say
    model: nn.Module,
    data: Data,
    *,
    epochs: int,
    seed: int,
    threads: int,  # noqa: ARG001 - the caller has set them for the process
    start: float,
    teacher: Teacher | None,
    checkpoint: Path,
    progress: Progress,
    lr: float = 0.05,
    batch: int = 64,
    momentum: float = 0.9,
    decay: float = 5e-4,
    temperature: float = 2.0,
    teacher_weight: float = 0.9,
) -> None:
    """Train ``model`` in place on ``data.train`` (``Images`` with labels).

    The rate rises over the first tenth of the schedule and falls to zero; ``start`` (0..1) is where in it a
    network that has learnt already begins. With a teacher, ``teacher_weight`` of the loss is the cross-entropy
    with its softened answers (Hinton 2015). ``model.penalty``, where a technique sets it, is added to the loss.
    After each epoch everything that the rest depends on is in ``checkpoint``.

    Raises:
        BuildError: ``data.train`` is nothing that this loop can train on.
    """
    images = data.train
    if not isinstance(images, Images) or images.labels is None:
        raise BuildError(
            "cannot train: the recipe's data has no 'train' images with labels; give it a 'fit'"
        )
    free = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(free, lr=lr, momentum=momentum, nesterov=True, weight_decay=decay)
    loss_of = _Loss(model, teacher, temperature, teacher_weight)
    done = _resume(checkpoint, model, optimizer)
    began, steps = time.monotonic(), max(1, len(images) // batch)
    for epoch in range(done, epochs):
        order = np.random.default_rng((seed, epoch)).permutation(len(images))
        total = 0.0
        for step in range(steps):
            share = (epoch + (step + 0.5) / steps) / epochs
            optimizer.param_groups[0]["lr"] = lr * _rate(start + (1 - start) * share)
            index = order[step * batch : (step + 1) * batch]
            inputs = [torch.from_numpy(v[index]) for v in images.inputs.values()]
            loss = loss_of(inputs, torch.from_numpy(images.labels[index]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": epoch + 1,
        }
        files.write(checkpoint, state)
        progress((epoch + 1) / epochs, report(epoch - done, epochs - done, total / steps, began))


class _Loss:
    def __init__(
        self, model: nn.Module, teacher: Teacher | None, temperature: float, weight: float
    ) -> None:
        self._model, self._teacher = model, teacher
        self._temperature, self._weight = temperature, weight

    def __call__(self, inputs: list[Tensor], labels: Tensor) -> Tensor:
        logits = figures.first(self._model(*inputs))
        loss = nn.functional.cross_entropy(logits, labels)
        if self._teacher is not None:
            taught = soft_loss(logits, self._teacher(*inputs), self._temperature)
            loss = self._weight * taught + (1 - self._weight) * loss
        return loss + getattr(self._model, "penalty", 0.0)


def soft_loss(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of softened answers ``[N, classes]``, times temperature squared (Hinton 2015)."""
    soft = torch.softmax(taught / temperature, dim=1)
    return -(soft * torch.log_softmax(logits / temperature, dim=1)).sum(1).mean() * temperature**2


def report(done: int, total: int, loss: float, began: float) -> str:
    """One sentence about the epoch that ended; ``done`` epochs ended before it since ``began``."""
    left_s = (time.monotonic() - began) / (done + 1) * (total - done - 1)
    return f"epoch {done + 1} of {total}: loss {loss:.4f}, {left_s / 60:.1f} min left"


def _rate(share: float) -> float:
    return min(1.0, share / WARM_UP) * max(0.0, 1 - share)


def _resume(checkpoint: Path, model: nn.Module, optimizer: Any) -> int:
    if not checkpoint.is_file():
        return 0
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["epoch"])
