"""The networks of the CIFAR-10 ladder, in the form that they are trained in.

All take RGB images in [0, 1], ``float32 [N, 3, 32, 32]``, and normalise them inside. All are plain stacks: a stem
without padding, 3 x 3 convolutions with ReLU, some of them followed by a 2 x 2 max pool, a global max pool, and one
matrix. Such a stack folds into convolutions alone and keeps its accuracy in INT8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from .data import MEAN, STD


@dataclass(frozen=True)
class Layout:
    """The shape of a network: its stem, then (width, followed by a pool?) of each 3 x 3 convolution."""

    stem_width: int
    stem_size: int
    stem_stride: int
    layers: tuple[tuple[int, bool], ...]


def three_stages(*widths: int) -> Layout:
    """The layout of Jordan 2024: a 2 x 2 whitening stem, then two convolutions in each of three stages."""
    layers = tuple((width, first) for width in widths for first in (True, False))
    return Layout(24, 2, 1, layers)


LAYOUTS = {
    "top": three_stages(64, 256, 256),
    "half": three_stages(56, 152, 168),
    "medium": three_stages(32, 112, 128),
    "small": Layout(32, 4, 2, ((32, False), (32, False), (48, True), (48, False), (64, True))),
    "tiny": Layout(32, 4, 2, ((32, True), (48, True), (64, False))),
}


class Normalize(nn.Module):  # type: ignore[misc]
    """Subtract the data set's mean and divide by its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images."""
        return (x - self.mean) / self.std


class ConvBN(nn.Module):  # type: ignore[misc]
    """3 x 3 convolution, optional 2 x 2 max pool, batch norm, ReLU.

    The scale of the batch norm stays 1: the optimizer keeps the filters' norm itself. So the scale of the folded
    batch norm is positive, and it commutes with the pool.
    """

    def __init__(self, inputs: int, outputs: int, pool: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.norm.weight.requires_grad_(False)
        self.pool = pool
        with torch.no_grad():
            nn.init.dirac_(self.conv.weight[: min(inputs, outputs)])

    def forward(self, x: Tensor) -> Tensor:
        """Features of the next layer."""
        x = self.conv(x)
        if self.pool:
            x = torch.max_pool2d(x, 2)
        return torch.relu(self.norm(x))


class ConvNet(nn.Module):  # type: ignore[misc]
    """A plain stack of convolutions behind a whitening stem."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.normalize = Normalize()
        self.whiten = nn.Conv2d(3, layout.stem_width, layout.stem_size, stride=layout.stem_stride)
        blocks: list[ConvBN] = []
        inputs = layout.stem_width
        for width, pool in layout.layers:
            blocks.append(ConvBN(inputs, width, pool))
            inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, 10, bias=False)
        self.head_scale = 1 / inputs  # as it was trained: stays where channels are cut
        with torch.no_grad():
            self.head.weight /= self.head.weight.std()

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = torch.relu(self.whiten(self.normalize(x)))
        x = torch.amax(self.blocks(x), dim=(2, 3))
        return cast(Tensor, self.head(x) * self.head_scale)

    def set_whitening(self, images: Tensor, eps: float) -> None:
        """Fix the stem's filters to the strongest whitened directions of ``images``, and their negatives."""
        size, width = self.layout.stem_size, self.layout.stem_width
        with torch.no_grad():
            patches = self.normalize(images).unfold(2, size, 1).unfold(3, size, 1)
            flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * size * size)
            values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
            filters = (vectors / (values + eps).sqrt()).T.reshape(-1, 3, size, size).flip(0)
            filters = filters[: width // 2]
            self.whiten.weight.copy_(torch.cat((filters, -filters)))
            self.whiten.bias.zero_()
        self.whiten.weight.requires_grad_(False)
