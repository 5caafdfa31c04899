"""Distil a trained network into a smaller one: the student learns the teacher's logits.

The teacher (any ONNX file) is run once over several fixed views of every training
image, before the student starts. Example::

    python -m tools.cifar10.distill top_int8.onnx --layout small --data DIR --out small.pt --cache views.npz
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .augment import Views
from .data import Part, load, split
from .loop import Clock, Recipe, begin, fit
from .measure import logits, session
from .nets import LAYOUTS

STUDENT = Recipe(batch=500, shift=3, cutout=0, filter_lr=0.12, decay=5e-7)


def teach(teacher: Path, views: Views, count: int, cache: Path | None, threads: int) -> Tensor:
    """The teacher's logits ``[views, count, 10]``; read from ``cache`` where it exists, else written there."""
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            return torch.from_numpy(stored["logits"])
    sess = session(teacher, threads)
    index = torch.arange(count)
    answers = np.stack([logits(sess, views.pixels(v, index).numpy()) for v in range(views.count)])
    if cache is not None:
        np.savez(cache, logits=answers)
    return torch.from_numpy(answers)


@dataclass
class Taught:
    """Views of the training images with the teacher's logits beside the labels, and the loss of Hinton 2015."""

    part: Part
    views: Views
    answers: Tensor
    temperature: float = 1.0
    weight: float = 0.9

    def __post_init__(self) -> None:
        self.count = len(self.part)
        self._labels = torch.from_numpy(self.part.labels)

    def batch(self, index: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Images, and targets: the teacher's probabilities mixed with the label's."""
        view = epoch % self.views.count
        images = self.views.pixels(view, index).float().div_(255)
        soft = torch.softmax(self.answers[view, index] / self.temperature, dim=1)
        hard = nn.functional.one_hot(self._labels[index], 10).float()
        return images.contiguous(memory_format=torch.channels_last), torch.cat((soft, hard), dim=1)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Sum over the batch."""
        soft, hard = targets.split(10, dim=1)
        t = self.temperature
        distilled = -(soft * torch.log_softmax(logits / t, dim=1)).sum() * t**2
        labelled = -(hard * torch.log_softmax(logits, dim=1)).sum()
        return self.weight * distilled + (1 - self.weight) * labelled


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Distil a network of the CIFAR-10 ladder.")
    parser.add_argument("teacher", type=Path, help="ONNX file of the teacher")
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument(
        "--cache", type=Path, help="file with the teacher's logits, written if it is missing"
    )
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--workers", type=int, default=2, help="one thread each")
    parser.add_argument("--start", type=Path, help="go on from this checkpoint ...")
    parser.add_argument(
        "--done", type=float, default=0.0, help="... at this share of the schedule, 0 to 1"
    )
    parser.add_argument("--pause-file", type=Path, help="sleep while this file exists")
    args = parser.parse_args()
    train, validation = split(load(args.data, "train"))
    views = Views(train.images, args.views, STUDENT.shift)
    answers = teach(args.teacher, views, len(train), args.cache, args.workers)
    recipe = replace(STUDENT, workers=args.workers)
    model = begin(args.layout, recipe, train, args.start)
    clock = Clock(args.minutes, args.pause_file, args.done)
    fit(model, args.layout, recipe, Taught(train, views, answers), validation, clock, args.out)


if __name__ == "__main__":
    main()
