"""Train the top network of the CIFAR-10 ladder within a given wall-clock time.

The learning rate follows the clock, not the step count: on a busy machine the run gets fewer epochs, never a cut-off
schedule.  Example::

    python -m tools.cifar10.train --data DIR --out top.pt --minutes 70
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .data import Augmenter, Part, load, split
from .nets import TopNet
from .optim import Muon


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, besides the data and the time."""

    batch: int = 1000
    shift: int = 4
    cutout: int = 8
    smoothing: float = 0.15
    filter_lr: float = 0.16
    filter_momentum: float = 0.6
    bias_lr: float = 0.053
    head_lr: float = 0.67
    momentum: float = 0.85
    decay: float = 2e-6
    whiten_eps: float = 2e-3
    whiten_bias_until: float = 0.2
    seed: int = 1


class Clock:
    """Progress of a run between 0 and 1, and the pause that a file asks for."""

    def __init__(self, minutes: float, pause_file: Path | None) -> None:
        self.start, self.length, self._pause = time.monotonic(), minutes * 60, pause_file

    def progress(self) -> float:
        """Share of the time that is used up, at most 1."""
        return min(1.0, (time.monotonic() - self.start) / self.length)

    def wait(self) -> None:
        """Sleep while the pause file exists."""
        while self._pause is not None and self._pause.exists():
            time.sleep(1)


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch of shuffled index batches; a remainder is left to other epochs."""
    order = torch.randperm(count, generator=generator)
    for begin in range(0, count - size + 1, size):
        yield order[begin : begin + size]


@torch.no_grad()
def predict(model: nn.Module, part: Part, batch: int = 1000) -> Tensor:
    """Logits for every image of ``part``, in float32 evaluation mode."""
    model.eval()
    outputs = []
    for begin in range(0, len(part), batch):
        images = torch.from_numpy(part.images[begin : begin + batch]).float().div_(255)
        outputs.append(model(images.contiguous(memory_format=torch.channels_last)))
    model.train()
    return torch.cat(outputs)


def accuracy(model: nn.Module, part: Part) -> float:
    """Share of ``part`` that ``model`` names right."""
    return float((predict(model, part).argmax(1) == torch.from_numpy(part.labels)).float().mean())


class Optimizers:
    """Muon for the filters, SGD for what is left, under one triangular schedule."""

    def __init__(self, model: TopNet, recipe: Recipe) -> None:
        filters = [p for p in model.blocks.parameters() if p.requires_grad and p.dim() == 4]
        biases = [p for p in model.blocks.parameters() if p.requires_grad and p.dim() == 1]
        decay = recipe.decay * recipe.batch
        rest = [
            {"params": [model.whiten.bias], "lr": recipe.bias_lr, "weight_decay": decay / recipe.bias_lr},
            {"params": biases, "lr": recipe.bias_lr, "weight_decay": decay / recipe.bias_lr},
            {"params": [model.head.weight], "lr": recipe.head_lr, "weight_decay": decay / recipe.head_lr},
        ]
        self.muon = Muon(filters, recipe.filter_lr, recipe.filter_momentum)
        self.sgd = torch.optim.SGD(rest, momentum=recipe.momentum, nesterov=True)
        self._peaks = [group["lr"] for group in self.sgd.param_groups]
        self._recipe = recipe

    def step(self, progress: float) -> None:
        """One step at the rates that belong to ``progress``."""
        scale = min(1.0, progress / 0.03) * (1 - progress)
        self.muon.lr = self._recipe.filter_lr * scale
        for group, peak in zip(self.sgd.param_groups, self._peaks, strict=True):
            group["lr"] = peak * scale
        self.sgd.param_groups[0]["lr"] = self._peaks[0] * max(0.0, 1 - progress / self._recipe.whiten_bias_until)
        self.sgd.step()
        self.muon.step()
        self.sgd.zero_grad(set_to_none=True)
        for p in self.muon.params:
            p.grad = None


def fit(recipe: Recipe, train: Part, validation: Part, clock: Clock, out: Path) -> TopNet:
    """Train until the clock has run out; a checkpoint and a line of figures after every epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    model = TopNet()
    model.set_whitening(torch.from_numpy(train.images[:5000]).float() / 255, recipe.whiten_eps)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizers = Optimizers(model, recipe)
    augment = Augmenter(train.images, recipe.shift, recipe.cutout, generator)
    labels = torch.from_numpy(train.labels)
    epoch, steps = 0, 0
    while clock.progress() < 1:
        losses, began = [], time.monotonic()
        for index in batches(len(train), recipe.batch, generator):
            if steps % 10 == 0:
                clock.wait()
            if clock.progress() >= 1:
                break
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(augment.batch(index, epoch))
            loss = nn.functional.cross_entropy(
                logits.float(), labels[index], label_smoothing=recipe.smoothing, reduction="sum")
            loss.backward()  # type: ignore[no-untyped-call]
            optimizers.step(clock.progress())
            losses.append(float(loss.detach()) / recipe.batch)
            steps += 1
        epoch += 1
        rate = len(losses) * recipe.batch / (time.monotonic() - began)
        figures = {"epoch": epoch, "progress": round(clock.progress(), 4), "loss": round(sum(losses) / max(1, len(losses)), 4),
                   "images_per_s": round(rate), "val": accuracy(model, validation)}
        print(json.dumps(figures), flush=True)
        torch.save({"model": model.state_dict(), "recipe": asdict(recipe), **figures}, out)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with CIFAR-10 in any form of data.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pause-file", type=Path, help="sleep while this file exists")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train, validation = split(load(args.data, "train"))
    fit(Recipe(), train, validation, Clock(args.minutes, args.pause_file), args.out)


if __name__ == "__main__":
    main()
