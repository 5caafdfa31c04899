"""One layer's weights as a product of smaller ones. Pure numpy; what to keep is measured on the layer's real values.

``channel``  W ~ P (P' W): outputs lie near a subspace of r directions (X. Zhang et al., arXiv:1505.06798)
``tucker``   W ~ P (P' W Q) Q': the same on the input side too (Y.-D. Kim et al., arXiv:1511.06530)
``spatial``  a column filter, then a row filter (M. Jaderberg et al., arXiv:1405.3866)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Factors:
    """Kernels ``[out, in, *sides]`` to be applied one after the other, and the bias behind the last one."""

    scheme: str
    ranks: tuple[int, ...]
    kernels: tuple[Floats, ...]
    bias: Floats
    macs: int


@dataclass(frozen=True)
class Axes:
    """The eigenvalues of a symmetric moment, largest first, and their directions ``[C, C]`` in the same order."""

    sizes: Floats
    vectors: Floats


def axes_of(moment: Floats) -> Axes:
    """Eigenvalues and directions; the free sign of each makes its largest entry positive."""
    sizes, vectors = np.linalg.eigh(moment)
    sizes, vectors = np.maximum(sizes[::-1], 0.0), vectors[:, ::-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(sizes))])
    return Axes(sizes, vectors * np.where(signs == 0, 1.0, signs))


def directions(axes: Axes, energy: float) -> Floats:
    """``[C, r]``: the fewest directions that hold ``energy`` (0..1) of the moment."""
    return axes.vectors[:, : enough(axes.sizes, energy)]


def enough(sizes: Floats, energy: float) -> int:
    """How many of the sorted sizes it takes to hold ``energy`` of their sum; at least one."""
    total = float(sizes.sum())
    if total <= 0:
        return 1
    return int(min(len(sizes), 1 + np.searchsorted(np.cumsum(sizes) / total, energy - 1e-12)))


def channel(
    weight: Floats, bias: Floats, mean: Floats, outputs: Axes, energy: float, places: int
) -> Factors:
    """Two layers: r filters of the old size, then a mix of their outputs.

    Args:
        weight: ``[O, I, *k]``.
        bias: ``[O]``.
        mean: ``[O]``, of the layer's output.
        outputs: of the covariance of the layer's output.
        energy: 0..1, share of the output's variance that is kept.
        places: positions of the output of one image.
    """
    basis = directions(outputs, energy)
    first = np.tensordot(basis.T, weight, axes=1)
    mix = basis.reshape(*basis.shape, *[1] * (weight.ndim - 2))
    shifted = basis @ (basis.T @ (bias - mean)) + mean
    macs = places * (first.size + mix.size)
    return Factors("channel", (basis.shape[1],), (first, mix), shifted, macs)


def tucker(
    weight: Floats,
    bias: Floats,
    inputs: Axes,
    mean: Floats,
    outputs: Axes,
    energy: float,
    places: tuple[int, int],
) -> Factors:
    """Three layers: fewer input channels, a smaller core, the outputs mixed.

    ``inputs`` are of the second moment of the input; ``places`` are positions of input and output.
    """
    each = 1 - (1 - energy) / 2
    inner, outer = directions(inputs, each), directions(outputs, each)
    core = np.tensordot(outer.T, weight, axes=1)
    core = np.moveaxis(np.tensordot(core, inner, axes=(1, 0)), -1, 1)
    ones = [1] * (weight.ndim - 2)
    first, last = inner.T.reshape(*inner.T.shape, *ones), outer.reshape(*outer.shape, *ones)
    shifted = outer @ (outer.T @ (bias - mean)) + mean
    macs = places[0] * first.size + places[1] * (core.size + last.size)
    ranks = (inner.shape[1], outer.shape[1])
    return Factors("tucker", ranks, (first, core, last), shifted, macs)


@dataclass(frozen=True)
class Crossed:
    """A ``[O, I, h, w]`` kernel as a sum of column filters times row filters, largest first."""

    sizes: Floats
    columns: Floats
    rows: Floats


def crossed(weight: Floats, inputs: Axes) -> Crossed:
    """The singular values of a kernel over what its input is; rows ``[O, r, 1, w]``, columns ``[r, I, h, 1]``."""
    out, ins, high, wide = weight.shape
    root, back = _roots(inputs)
    seen = np.tensordot(root, weight.transpose(1, 2, 0, 3), axes=1)  # [I, h, O, w]
    left, sizes, right = np.linalg.svd(seen.reshape(ins * high, out * wide), full_matrices=False)
    scale = np.sqrt(sizes)
    columns = np.tensordot(back, (left * scale).reshape(ins, high, len(sizes)), axes=1)
    rows = (scale[:, None] * right).reshape(len(sizes), out, wide)
    return Crossed(
        sizes, columns.transpose(2, 0, 1)[..., None], rows.transpose(1, 0, 2)[:, :, None, :]
    )


def spatial(cross: Crossed, bias: Floats, energy: float, places: tuple[int, int]) -> Factors:
    """Two layers: a column filter, then a row filter.

    ``places`` are positions between the two and of the output.
    """
    rank = enough(cross.sizes**2, energy)
    column, row = cross.columns[:rank], cross.rows[:, :rank]
    macs = places[0] * column.size + places[1] * row.size
    return Factors("spatial", (rank,), (column, row), bias, macs)


def _roots(axes: Axes) -> tuple[Floats, Floats]:
    """The symmetric square root of a moment and its inverse, kept away from zero."""
    sizes = np.maximum(axes.sizes, max(float(axes.sizes.max()), 1e-12) * 1e-6)
    vectors = axes.vectors
    return (vectors * np.sqrt(sizes)) @ vectors.T, (vectors / np.sqrt(sizes)) @ vectors.T


def product(kernels: Sequence[Floats]) -> Floats:
    """The one kernel that the factors make together, ``[O, I, *k]`` (for tests and figures)."""
    total = kernels[0]
    for kernel in kernels[1:]:
        if kernel.ndim == 4 and total.shape[2] > 1 and kernel.shape[2] == 1 < kernel.shape[3]:
            total = np.einsum("orw,rih->oihw", kernel[:, :, 0], total[..., 0])
        elif kernel.size == kernel.shape[0] * kernel.shape[1]:
            total = np.tensordot(kernel.reshape(kernel.shape[:2]), total, axes=1)
        else:
            flat = total.reshape(total.shape[:2])
            total = np.moveaxis(np.tensordot(kernel, flat, axes=(1, 0)), -1, 1)
    return total
