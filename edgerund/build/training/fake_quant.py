"""Rounding that can be trained through: what INT8 does to a value, with gradients as if it did not.

The gradient passes straight through the rounding (Bengio 2013) and stops where the range clips. The scale of an
activation learns as in LSQ (Esser 2020, arXiv:1902.08153), by its logarithm so that it stays positive: the
logarithm is given the gradient with which plain descent changes it by the same share as in LSQ.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Round(torch.autograd.Function):  # type: ignore[misc]
    """``(clamp(round(x / scale) + zero) - zero) * scale`` for one scale, which learns."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, log_scale: Tensor, zero: int, low: int, high: int) -> Tensor:
        scale = log_scale.exp()
        ratio = x / scale
        rounded = ratio.round()
        q = rounded.clamp(low - zero, high - zero)
        inside = q == rounded
        # d(q * scale)/d(scale) = q where clipped, q - x / scale inside
        ctx.save_for_backward(inside, torch.where(inside, q - ratio, q))
        ctx.gentle = (x.numel() / len(x) * max(1, high - zero)) ** -0.5 / scale
        return q * scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inside, slope = ctx.saved_tensors
        gradient = gradients[0]
        scale = (gradient * slope).sum() * ctx.gentle
        return gradient * inside, scale, None, None, None


def activation(x: Tensor, log_scale: Tensor, zero: int, low: int, high: int) -> Tensor:
    """``x`` as an integer type with this scale (one number, its logarithm) and zero point holds it."""
    y: Tensor = _Round.apply(x.float(), log_scale, zero, low, high)
    return y


def weight(w: Tensor, scale: Tensor, zero: Tensor, low: int, high: int) -> Tensor:
    """``w`` on the grid of ``scale`` (already in a shape that broadcasts); gradients pass to ``w`` alone."""
    with torch.no_grad():
        q = ((w / scale).round() + zero).clamp(low, high) - zero
        off = q * scale - w
    return w + off
