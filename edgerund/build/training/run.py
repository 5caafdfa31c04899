"""Calls the recipe's ``fit``: with its seed and threads set, its checkpoint in the stage's scratch folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from edgerund.build.technique import Context
from edgerund.build.training.teacher import Teacher
from edgerund.errors import BuildError


@dataclass(frozen=True)
class Training:
    """One call of ``fit``: how long, from where in its schedule, and the recipe's own options for it."""

    epochs: int
    start: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


def fit(
    model: nn.Module,
    training: Training,
    context: Context,
    teacher: Teacher | None = None,
    name: str = "fit",
    part: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Train ``model`` in place, going on from the checkpoint ``name`` where an earlier attempt left one.

    ``part`` is the share of the stage's progress that this call fills.

    Raises:
        BuildError: the recipe's function does not take what it was given.
    """
    from edgerund.build.training.loop import fit as own

    if training.epochs == 0:
        return
    begin, end = part

    def progress(share: float, sentence: str) -> None:
        context.progress(begin + (end - begin) * share, sentence)

    torch.manual_seed(context.seed)
    model.train()
    try:
        context.torch.get("fit", own)(
            model,
            context.data,
            epochs=training.epochs,
            seed=context.seed,
            threads=context.threads,
            start=training.start,
            teacher=teacher,
            checkpoint=context.scratch / f"{name}.pt",
            progress=progress,
            **training.options,
        )
    except TypeError as e:
        if "unexpected keyword" not in str(e):
            raise
        raise BuildError(f"cannot train: the recipe's fit does not know an option: {e}") from e
    finally:
        model.eval()
