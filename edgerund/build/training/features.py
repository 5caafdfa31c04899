"""A student beside its teacher: how far its features are from the teacher's, as a penalty on the training."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from edgerund.build.training import figures
from edgerund.errors import BuildError


class Matched(nn.Module):  # type: ignore[misc]
    """The student; in training, every call also leaves ``penalty``, the mean distance of the features."""

    penalty: Tensor | float

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        pairs: Mapping[str, str],
        weight: float,
        example: tuple[Tensor, ...],
    ) -> None:
        super().__init__()
        self.student, self.penalty = student, 0.0
        self._teacher = [
            teacher.eval().requires_grad_(False)
        ]  # a list: no part of the state, not trained
        self._weight = weight
        self._mine = _Outputs(student, list(pairs))
        self._theirs = _Outputs(teacher, list(pairs.values()))
        training = student.training
        student.eval()
        with torch.no_grad():
            student(*example)
            teacher(*example)
        student.train(training)
        widths = zip(self._mine.take(), self._theirs.take(), strict=True)
        self.projections = nn.ModuleList(nn.Conv2d(a.shape[1], b.shape[1], 1) for a, b in widths)
        self._fresh = [p.weight.detach().clone() for p in self.projections]

    def forward(self, *images: Tensor) -> Any:
        """What the student answers."""
        output = self.student(*images)
        if self.training:
            with torch.no_grad():
                self._teacher[0](*images)
            pairs = zip(self.projections, self._mine.take(), self._theirs.take(), strict=True)
            distances = [_distance(project(mine), theirs) for project, mine, theirs in pairs]
            self.penalty = self._weight * torch.stack(distances).mean()
        return output

    def was_learnt(self) -> bool:
        """Whether training moved the projections: nothing but the penalty does."""
        now = (p.weight.detach() for p in self.projections)
        return any(not torch.equal(a, b) for a, b in zip(self._fresh, now, strict=True))

    def part(self) -> None:
        """The student is alone again."""
        self._mine.close()
        self._theirs.close()


class _Outputs:
    """What some layers of a network gave when it was last called; copied together with the network."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        self._last: dict[int, Tensor] = {}
        self._hooks = []
        for i, name in enumerate(names):
            try:
                layer = model.get_submodule(name)
            except AttributeError as e:
                raise BuildError(
                    f"cannot match features of layer {name!r}: the network has none"
                ) from e
            self._hooks.append(layer.register_forward_hook(partial(self._keep, i)))

    def _keep(self, i: int, _: nn.Module, __: Any, output: Any) -> None:
        self._last[i] = figures.first(output)

    def take(self) -> list[Tensor]:
        """Features ``[N, C, H, W]``, in the order of the names."""
        return [_as_map(self._last[i]) for i in range(len(self._last))]

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()


def _as_map(features: Tensor) -> Tensor:
    return features if features.dim() == 4 else features.flatten(1)[:, :, None, None]


def _distance(mine: Tensor, theirs: Tensor) -> Tensor:
    """Mean squared difference of features that are normalised per image, on the smaller of the two grids."""
    side = min(mine.shape[-2:], theirs.shape[-2:])
    a, b = (nn.functional.adaptive_avg_pool2d(x.float(), side).flatten(1) for x in (mine, theirs))
    return (
        (nn.functional.normalize(a, dim=1) - nn.functional.normalize(b, dim=1))
        .square()
        .sum(1)
        .mean()
    )
