"""The training loop that train.py and distill.py share.

The learning rate follows the clock, not the step count: on a busy machine a run gets fewer epochs, never a schedule
that is cut off. A batch is cut into small parts that one-thread workers take in turn: where other processes want the
cores, nobody spins at a barrier.
"""

from __future__ import annotations

import copy
import json
import queue
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from .data import Part
from .nets import LAYOUTS, ConvNet
from .optim import Muon


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, besides the data, the loss and the time."""

    batch: int = 1000
    part: int = 125
    workers: int = 2
    shift: int = 4
    cutout: int = 8
    filter_lr: float = 0.16
    filter_momentum: float = 0.6
    bias_lr: float = 0.053
    head_lr: float = 0.67
    momentum: float = 0.85
    decay: float = 2e-6
    whiten_eps: float = 2e-3
    whiten_bias_until: float = 0.2
    warm_up: float = 0.03
    seed: int = 1


class Source(Protocol):
    """Where batches come from, and what the network is held against."""

    count: int

    def batch(self, index: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Images in [0, 1] and their targets; called by several threads at once."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The sum of the losses of a batch."""


class Clock:
    """Progress of a run between 0 and 1, and the pause that a file asks for."""

    def __init__(self, minutes: float, pause_file: Path | None = None, done: float = 0.0) -> None:
        self._start, self._length, self._pause = time.monotonic(), minutes * 60, pause_file
        self._done = done

    def progress(self) -> float:
        """Share of the run that is over, at most 1; a resumed run starts at ``done``."""
        share = (time.monotonic() - self._start) / self._length
        return min(1.0, self._done + (1 - self._done) * share)

    def wait(self) -> None:
        """Sleep while the pause file exists."""
        while self._pause is not None and self._pause.exists():
            time.sleep(1)


class Optimizers:
    """Muon for the filters, SGD for what is left, under one triangular schedule."""

    def __init__(self, model: ConvNet, recipe: Recipe) -> None:
        free = [p for p in model.blocks.parameters() if p.requires_grad]
        biases = [p for p in free if p.dim() == 1]
        rates = (
            (recipe.bias_lr, [model.whiten.bias]),
            (recipe.bias_lr, biases),
            (recipe.head_lr, list(model.head.parameters())),
        )
        decay = recipe.decay * recipe.batch
        groups = [{"params": params, "lr": lr, "weight_decay": decay / lr} for lr, params in rates]
        filters = [p for p in free if p.dim() == 4]
        self.muon = Muon(filters, recipe.filter_lr, recipe.filter_momentum)
        self.sgd = torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=True)
        self._peaks = [lr for lr, _ in rates]
        self._recipe = recipe

    def step(self, progress: float) -> None:
        """One step at the rates that belong to ``progress``; gradients are cleared."""
        scale = min(1.0, progress / self._recipe.warm_up) * (1 - progress)
        self.muon.lr = self._recipe.filter_lr * scale
        for group, peak in zip(self.sgd.param_groups, self._peaks, strict=True):
            group["lr"] = peak * scale
        stem_scale = max(0.0, 1 - progress / self._recipe.whiten_bias_until)
        self.sgd.param_groups[0]["lr"] = self._peaks[0] * stem_scale
        self.sgd.step()
        self.muon.step()
        self.sgd.zero_grad(set_to_none=True)
        for p in self.muon.params:
            p.grad = None


class Workers:
    """One-thread replicas of a network: the same weights, gradients and batch norm statistics of their own."""

    def __init__(self, model: nn.Module, source: Source, count: int) -> None:
        torch.set_num_threads(1)
        self._model, self._source = model, source
        self._replicas = [copy.deepcopy(model) for _ in range(count)]
        self._free: queue.SimpleQueue[nn.Module] = queue.SimpleQueue()
        for replica in self._replicas:
            for mine, shared in zip(replica.parameters(), model.parameters(), strict=True):
                mine.data = shared.data
            self._free.put(replica)
        self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def gradients(self, index: Tensor, epoch: int, part: int) -> float:
        """Leave the batch's summed gradients in the network's ``.grad``; returns the sum of the losses."""
        losses = list(self._pool.map(lambda i: self._one(i, epoch), index.split(part)))
        for p, *copies in zip(
            self._model.parameters(), *(r.parameters() for r in self._replicas), strict=True
        ):
            grads = [c.grad for c in copies if c.grad is not None]
            p.grad = torch.stack(grads).sum(0) if grads else None
            for c in copies:
                c.grad = None
        return sum(losses)

    def _one(self, index: Tensor, epoch: int) -> float:
        replica = self._free.get()
        images, targets = self._source.batch(index, epoch)
        with torch.autocast("cpu", torch.bfloat16):
            logits = replica(images)
        loss = self._source.loss(logits.float(), targets)
        # what a technique left beside the answers: a mean, where the loss is a sum
        (loss + getattr(replica, "penalty", 0.0) * len(index)).backward()
        self._free.put(replica)
        return float(loss.detach())

    def collect(self) -> None:
        """Average the replicas' batch norm statistics into the network."""
        for mine, *copies in zip(
            self._model.buffers(), *(r.buffers() for r in self._replicas), strict=True
        ):
            mine.copy_(torch.stack([c.float() for c in copies]).mean(0))


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch of shuffled index batches; a remainder is left to other epochs."""
    order = torch.randperm(count, generator=generator)
    for begin in range(0, count - size + 1, size):
        yield order[begin : begin + size]


def predict(model: nn.Module, part: Part, batch: int = 1000) -> Tensor:
    """Logits for every image of ``part``, in float32 evaluation mode."""
    model.eval()
    outputs = []
    with torch.no_grad():
        for begin in range(0, len(part), batch):
            images = torch.from_numpy(part.images[begin : begin + batch]).float().div_(255)
            outputs.append(model(images.contiguous(memory_format=torch.channels_last)))
    model.train()
    return torch.cat(outputs)


def accuracy(model: nn.Module, part: Part) -> float:
    """Share of ``part`` that ``model`` names right."""
    return float((predict(model, part).argmax(1) == torch.from_numpy(part.labels)).float().mean())


def begin(layout: str, recipe: Recipe, train: Part, resume: Path | None) -> ConvNet:
    """A fresh network with its whitening set, or the one of a checkpoint."""
    torch.manual_seed(recipe.seed)
    model = ConvNet(LAYOUTS[layout])
    model.set_whitening(torch.from_numpy(train.images[:5000]).float() / 255, recipe.whiten_eps)
    if resume is not None:
        model.load_state_dict(torch.load(resume, map_location="cpu", weights_only=True)["model"])
    model.to(memory_format=torch.channels_last)
    return model


def fit(
    model: ConvNet,
    name: str,
    recipe: Recipe,
    source: Source,
    validation: Part,
    clock: Clock,
    out: Path,
) -> None:
    """Train until the clock has run out; a checkpoint and a line of figures after every epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizers, workers = Optimizers(model, recipe), Workers(model, source, recipe.workers)
    epoch = 0
    while clock.progress() < 1:
        losses, began = [], time.monotonic()
        for index in batches(source.count, recipe.batch, generator):
            clock.wait()
            if clock.progress() >= 1:
                break
            losses.append(workers.gradients(index, epoch, recipe.part) / recipe.batch)
            optimizers.step(clock.progress())
        epoch += 1
        workers.collect()
        figures = {
            "epoch": epoch,
            "progress": round(clock.progress(), 4),
            "loss": round(sum(losses) / max(1, len(losses)), 4),
            "images_per_s": round(len(losses) * recipe.batch / (time.monotonic() - began)),
            "val": round(accuracy(model, validation), 4),
        }
        print(json.dumps(figures), flush=True)
        saved = {"model": model.state_dict(), "layout": name, "recipe": asdict(recipe), **figures}
        torch.save(saved, out)
