"""Muon: momentum whose step is orthogonalised (Jordan 2024), for convolution filters."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonalise(matrix: Tensor, steps: int = 4) -> Tensor:
    """Push the singular values of ``matrix`` towards 1 by a quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon:
    """Nesterov momentum on filters that are kept at unit norm, one orthogonal step at a time."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float) -> None:
        self.params, self.momentum, self.lr = list(params), momentum, lr
        self._buffers = [torch.zeros_like(p) for p in self.params]

    def step(self) -> None:
        """One update; gradients are taken from ``.grad`` and kept."""
        with torch.no_grad():
            for p, buffer in zip(self.params, self._buffers, strict=True):
                if p.grad is not None:
                    self._update(p, buffer)

    def state(self) -> list[Tensor]:
        """The momentum of every filter."""
        return list(self._buffers)

    def restore(self, state: list[Tensor]) -> None:
        """Take over what ``state`` gave."""
        for mine, saved in zip(self._buffers, state, strict=True):
            mine.copy_(saved)

    def _update(self, p: nn.Parameter, buffer: Tensor) -> None:
        buffer.mul_(self.momentum).add_(p.grad)
        direction = p.grad.add(buffer, alpha=self.momentum)
        p.mul_(len(p) ** 0.5 / p.norm())
        p.add_(orthogonalise(direction.reshape(len(p), -1)).view_as(p), alpha=-self.lr)
