"""A recipe's functions for tests: four directions of gratings, and two small networks that tell them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.technique import Data, Images

SIDE = 16
CLASSES = 4


def gratings(count: int, seed: int, noise: float = 0.8) -> Images:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    y, x = np.mgrid[0:SIDE, 0:SIDE] * 0.9
    angle = (labels * np.pi / CLASSES)[:, None, None]
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    waves = np.sin(x * np.cos(angle) + y * np.sin(angle) + phase)
    pixels = waves + noise * rng.standard_normal(waves.shape)
    return Images({"image": pixels[:, None].astype(np.float32)}, labels)


def data(folder: Path | None = None, seed: int = 1) -> Data:
    return Data(
        calibration=gratings(64, seed + 1),
        validation=gratings(256, seed + 2),
        test=lambda: gratings(256, seed + 3),
        train=gratings(384, seed),
    )


def model(kind: str = "plain", width: int = 16) -> Any:
    import torch
    from torch import nn

    def block(inputs: int, outputs: int) -> nn.Sequential:
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = block(1, width)
            self.one, self.two = block(width, width), block(width, width)
            self.head = nn.Linear(width, CLASSES)

        def forward(self, x: Any) -> Any:
            x = torch.max_pool2d(self.stem(x), 2)
            x = x + self.two(self.one(x))
            return self.head(x.mean(dim=(2, 3)))

    if kind == "residual":
        return Residual()
    pool = nn.MaxPool2d(2)
    tail = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))
    return nn.Sequential(
        block(1, width), pool, block(width, width), pool, block(width, width), *tail
    )
