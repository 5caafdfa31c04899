"""Distilling with features in the CIFAR-10 loop: replicas leave the gradients that one network would."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

BATCH, PART = 48, 12


class Images:
    """Random pictures, their classes, and a loss that is a sum, as all sources' are."""

    def __init__(self) -> None:
        made = torch.Generator().manual_seed(0)
        self.count = BATCH
        self.images = torch.rand(BATCH, 3, 32, 32, generator=made)
        self.labels = torch.randint(0, 10, (BATCH,), generator=made)

    def batch(self, index: Any, _epoch: int) -> tuple[Any, Any]:
        return self.images[index].contiguous(memory_format=torch.channels_last), self.labels[index]

    def loss(self, logits: Any, targets: Any) -> Any:
        return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")


def matched() -> Any:
    from edgerund.build.training.features import Matched
    from tools.cifar10.factory import model

    torch.manual_seed(1)
    teacher, student = model("small"), model("tiny")
    pairs = {"blocks.0": "blocks.1", "blocks.2": "blocks.4"}
    return Matched(student, teacher, pairs, 0.1, (torch.rand(2, 3, 32, 32),)).train()


@pytest.mark.parametrize("workers", [1, 2])
def test_gradients_are_those_of_answers_and_features_together(workers: int) -> None:
    from tools.cifar10.loop import Workers

    source = Images()
    model = matched().to(memory_format=torch.channels_last)
    expected = [torch.zeros_like(p) for p in model.parameters()]
    only_answers = [torch.zeros_like(p) for p in model.parameters()]
    for weight, sums in ((1.0, expected), (0.0, only_answers)):
        for index in torch.arange(BATCH).split(PART):
            alone = copy.deepcopy(model)
            images, labels = source.batch(index, 0)
            with torch.autocast("cpu", torch.bfloat16):
                logits = alone(images)
            (source.loss(logits.float(), labels) + weight * alone.penalty * len(index)).backward()
            for total, p in zip(sums, alone.parameters(), strict=True):
                if p.grad is not None:
                    total.add_(p.grad)
    Workers(model, source, workers).gradients(torch.arange(BATCH), 0, PART)
    for (name, p), total, plain in zip(
        model.named_parameters(), expected, only_answers, strict=True
    ):
        if not p.requires_grad:
            continue
        assert p.grad is not None, name
        scale = max(float(total.abs().max()), 1e-6)
        assert float((p.grad - total).abs().max()) < 1e-3 * scale, name
        if name.startswith(("projections", "student.blocks.0")):
            assert float((total - plain).abs().max()) > 1e-3 * scale, name
    assert not any(p.grad is not None for p in model._teacher[0].parameters())


def test_features_come_nearer_and_accuracy_does_not_suffer(tmp_path: Any) -> None:
    """Ten patterns under noise: the student resembles its teacher and learns them all the same."""
    from edgerund.build.technique import Data
    from edgerund.build.technique import Images as Inputs
    from tools.cifar10.data import Part
    from tools.cifar10.epochs import Terms, run

    noise = np.random.default_rng(0)
    kinds = noise.integers(0, 256, (10, 3, 8, 8))
    labels = np.arange(400) % 10
    pixels = kinds[labels].repeat(4, 2).repeat(4, 3) + noise.integers(-20, 20, (400, 3, 32, 32))
    part = Part(pixels.clip(0, 255).astype(np.uint8), labels.astype(np.int64))
    inputs = Inputs({"image": part.images.astype(np.float32) / 255}, part.labels)
    data = Data(inputs, inputs, None, part)
    model = matched()
    answers = torch.nn.functional.one_hot(torch.from_numpy(part.labels), 10).float() * 8

    def teacher(images: Any) -> Any:
        far = (images[:, None] - torch.from_numpy(inputs.inputs["image"][:10])[None]).square()
        return answers[far.sum((2, 3, 4)).argmin(1)]

    told: list[str] = []
    before = distance(model, inputs)
    terms = Terms(epochs=6, seed=1, workers=2, views=1, batch=50, cutout=0)
    run(model, data, terms, teacher, tmp_path / "c.pt", lambda _share, text: told.append(text))
    assert distance(model, inputs) < 0.5 * before
    assert float(told[-1].rpartition(" ")[2]) > 0.9


def distance(model: Any, inputs: Any) -> float:
    model.train()
    with torch.no_grad():
        copy.deepcopy(model)(torch.from_numpy(inputs.inputs["image"]))
        again = copy.deepcopy(model)
        again(torch.from_numpy(inputs.inputs["image"]))
    return float(again.penalty)
