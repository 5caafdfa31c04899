"""The networks of the CIFAR-10 ladder, in the form that they are trained in.

All take RGB images in [0, 1], ``float32 [N, 3, 32, 32]``, and normalise them inside.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from .data import MEAN, STD


class Normalize(nn.Module):
    """Subtract the data set's mean and divide by its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - cast(Tensor, self.mean)) / cast(Tensor, self.std)


class ConvBN(nn.Module):
    """Convolution, optional 2 x 2 max pool, batch norm, ReLU.

    The scale of the batch norm is fixed at 1 (``free_scale=False``) where the optimizer keeps the filters'
    norm itself; then the pool and the folded batch norm commute.
    """

    def __init__(self, inputs: int, outputs: int, *, pool: bool = False, stride: int = 1, size: int = 3,
                 free_scale: bool = False, relu: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.norm.weight.requires_grad_(free_scale)
        self.pool, self.relu = pool, relu

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.pool:
            x = torch.max_pool2d(x, 2)
        x = self.norm(x)
        return torch.relu(x) if self.relu else x


class TopNet(nn.Module):
    """Six 3 x 3 convolutions behind a 2 x 2 whitening layer (the layout of Jordan 2024, with ReLU)."""

    def __init__(self, widths: tuple[int, int, int] = (64, 256, 256)) -> None:
        super().__init__()
        self.normalize = Normalize()
        self.whiten = nn.Conv2d(3, 24, 2)
        blocks: list[nn.Module] = []
        inputs = 24
        for width in widths:
            blocks += [ConvBN(inputs, width, pool=True), ConvBN(width, width)]
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, 10, bias=False)
        with torch.no_grad():
            for block in blocks:
                weight = cast(nn.Conv2d, block.conv).weight
                nn.init.dirac_(weight[: weight.size(1)])
            self.head.weight /= self.head.weight.std()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.whiten(self.normalize(x)))
        x = torch.amax(self.blocks(x), dim=(2, 3))
        return self.head(x) / self.head.in_features

    def set_whitening(self, images: Tensor, eps: float) -> None:
        """Initialise the first layer so that its outputs on ``images`` (in [0, 1]) are decorrelated."""
        with torch.no_grad():
            patches = self.normalize(images).unfold(2, 2, 1).unfold(3, 2, 1)
            flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
            values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
            filters = (vectors / (values + eps).sqrt()).T.reshape(12, 3, 2, 2).flip(0)
            self.whiten.weight.copy_(torch.cat((filters, -filters)))
            self.whiten.bias.zero_()  # type: ignore[union-attr]
        self.whiten.weight.requires_grad_(False)
