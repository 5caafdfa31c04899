"""Augmented batches: fresh ones for training, fixed ones that a teacher has seen before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import MEAN, Images


def shifted_windows(images: Images, shift: int) -> Tensor:
    """Every 32 x 32 crop of the images with a border of ``shift`` reflected pixels: a view, indexed by corner."""
    padded = nn.functional.pad(torch.from_numpy(images).float(), (shift,) * 4, mode="reflect")
    windows: Tensor = padded.byte().unfold(2, 32, 1).unfold(3, 32, 1)
    return windows


class Augmenter:
    """Random crop from a reflected border, alternating flip, and cutout, on whole batches.

    An image's flip is drawn once and then alternates with the epoch, so that two epochs together show
    every image both ways (Jordan 2024, arXiv:2404.00498).
    """

    def __init__(self, images: Images, shift: int, cutout: int, generator: torch.Generator) -> None:
        self._windows = shifted_windows(images, shift)
        self._first_flip = torch.randint(0, 2, (len(images),), generator=generator)
        self._shift, self._cutout, self._generator = shift, cutout, generator
        self._fill = torch.tensor(MEAN).view(1, 3, 1, 1)

    def batch(self, index: Tensor, epoch: int) -> Tensor:
        """Float images in [0, 1], channels last in memory, augmented afresh."""
        count, gen = len(index), self._generator
        dy, dx = torch.randint(0, 2 * self._shift + 1, (2, count), generator=gen)
        images = self._windows[index, :, dy, dx].float().div_(255)
        flip = ((self._first_flip[index] + epoch) % 2).bool().view(-1, 1, 1, 1)
        images = torch.where(flip, images.flip(3), images)
        if self._cutout:
            images = torch.where(self._holes(count), self._fill, images)
        return images.contiguous(memory_format=torch.channels_last)

    def _holes(self, count: int) -> Tensor:
        corner = torch.randint(1 - self._cutout, 32, (2, count, 1), generator=self._generator)
        inside = (torch.arange(32) >= corner) & (torch.arange(32) < corner + self._cutout)
        return (inside[0].unsqueeze(2) & inside[1].unsqueeze(1)).unsqueeze(1)


class Views:
    """Fixed crops and flips of every image: view ``v`` of image ``i`` is always the same."""

    def __init__(self, images: Images, count: int, shift: int, seed: int = 7) -> None:
        self._windows = shifted_windows(images, shift)
        generator = torch.Generator().manual_seed(seed)
        self._corner = torch.randint(0, 2 * shift + 1, (count, 2, len(images)), generator=generator)
        first_flip = torch.randint(0, 2, (len(images),), generator=generator)
        self._flip = torch.stack([(first_flip + view) % 2 for view in range(count)]).bool()
        self.count = count

    def pixels(self, view: int, index: Tensor) -> Tensor:
        """Images ``uint8 [len(index), 3, 32, 32]``."""
        dy, dx = self._corner[view][:, index]
        images: Tensor = self._windows[index, :, dy, dx]
        return torch.where(self._flip[view, index].view(-1, 1, 1, 1), images.flip(3), images)
