"""Train the top network of the CIFAR-10 ladder within a given wall-clock time.

Example::

    python -m tools.cifar10.train --data DIR --out top.pt --minutes 63
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .augment import Augmenter
from .data import Part, load, split
from .loop import Clock, Recipe, begin, fit
from .nets import LAYOUTS


@dataclass
class Labelled:
    """Augmented training images with their labels, and smoothed cross-entropy."""

    part: Part
    recipe: Recipe
    smoothing: float = 0.15

    def __post_init__(self) -> None:
        self.count = len(self.part)
        self._generator = torch.Generator().manual_seed(self.recipe.seed)
        self._augment = Augmenter(
            self.part.images, self.recipe.shift, self.recipe.cutout, self._generator
        )
        self._labels = torch.from_numpy(self.part.labels)

    def reseed(self, seed: int) -> None:
        """Begin the random choices anew."""
        self._generator.manual_seed(seed)

    def batch(self, index: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Images and labels at ``index``."""
        return self._augment.batch(index, epoch), self._labels[index]

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Sum over the batch."""
        loss: Tensor = nn.functional.cross_entropy(
            logits, labels, label_smoothing=self.smoothing, reduction="sum"
        )
        return loss


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the top network of the CIFAR-10 ladder.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with CIFAR-10, in any form of data.py"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--layout", choices=LAYOUTS, default="top")
    parser.add_argument("--minutes", type=float, default=63)
    parser.add_argument("--workers", type=int, default=2, help="one thread each")
    parser.add_argument("--pause-file", type=Path, help="sleep while this file exists")
    parser.add_argument("--resume", type=Path, help="go on from this checkpoint ...")
    parser.add_argument(
        "--done", type=float, default=0.0, help="... which stood at this progress, 0 to 1"
    )
    args = parser.parse_args()
    train, validation = split(load(args.data, "train"))
    recipe = Recipe(workers=args.workers)
    model = begin(args.layout, recipe, train, args.resume)
    clock = Clock(args.minutes, args.pause_file, args.done)
    fit(model, args.layout, recipe, Labelled(train, recipe), validation, clock, args.out)


if __name__ == "__main__":
    main()
