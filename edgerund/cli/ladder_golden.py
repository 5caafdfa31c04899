"""``edgerund ladder golden``: ask every variant about one frame and keep what it answers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from edgerund.config.ladder import read_ladder
from edgerund.errors import ConfigError, LadderError, UsageError
from edgerund.ports import Array
from edgerund.serve.golden import (
    Golden,
    ask,
    compare,
    made_up,
    made_up_frame,
    read_golden,
    write_golden,
)
from edgerund.serve.loader import load_resident
from edgerund.types import GoldenPlan, LadderPlan, VariantPlan

USUAL_FILE = "golden.npz"


def run(args: argparse.Namespace) -> int:
    """Write the file. Raises LadderError where stored outputs would change without ``--replace``."""
    reading = read_ladder(args.path, hashes=True, golden=False)
    if reading.plan is None:
        raise ConfigError(reading.problems)
    plan = reading.plan
    file = Path(plan.golden.file) if plan.golden else reading.file.parent.resolve() / USUAL_FILE
    tolerance = plan.golden.tolerance if plan.golden else GoldenPlan("").tolerance
    stored = read_golden(file) if file.is_file() else None
    golden = _question(args.frame, stored, plan)
    kept = _kept(golden, stored, args.replace, file)
    plan = replace(plan, golden=None)  # what is written here is not what it is compared with
    answers: dict[str, tuple[Array, ...]] = {}
    for variant in plan.variants:
        outputs, wrong = _answers(plan, variant, golden, kept.get(variant.name), tolerance)
        if wrong and not args.replace:
            raise LadderError(
                f"cannot replace the golden outputs of {variant.name!r}: {wrong}; use --replace if the model "
                "was changed on purpose"
            )
        answers[variant.name] = outputs
        print(f"{variant.name}: {_told(variant, kept, wrong)}")
    write_golden(file, golden, answers)
    print(f"wrote {file}")
    if reading.plan.golden is None:
        print(f"add to {reading.file}:  golden: {{file: {file.name}}}")
    return 0


def _question(frame: Path | None, stored: Golden | None, plan: LadderPlan) -> Golden:
    if frame is not None:
        try:
            with Image.open(frame) as image:
                return Golden(frame=np.asarray(image.convert("RGB")))
        except (OSError, Image.DecompressionBombError) as e:
            raise UsageError(f"cannot read the image {frame}: {e}") from e
    if stored is not None:
        return stored
    first = plan.variants[0]
    if first.input is not None:
        return Golden(frame=made_up_frame())
    resident = load_resident(replace(plan, golden=None), first, threads=1)
    golden = made_up(first, resident.engine.spec)
    resident.engine.close()
    if golden is None:
        raise LadderError(
            f"cannot make up an input for {first.name!r}: its shape is free; write an .npz with input.0 yourself"
        )
    return golden


def _kept(
    golden: Golden, stored: Golden | None, may_replace: bool, file: Path
) -> Mapping[str, tuple[Array, ...]]:
    """The stored outputs that belong to this very question."""
    if stored is None:
        return {}
    if golden is stored or (
        golden.frame is not None
        and stored.frame is not None
        and np.array_equal(golden.frame, stored.frame)
    ):
        return stored.expected
    if not may_replace:
        raise LadderError(f"cannot ask another question: {file} holds one already; use --replace")
    return {}


def _answers(
    plan: LadderPlan,
    variant: VariantPlan,
    golden: Golden,
    kept: tuple[Array, ...] | None,
    tolerance: float,
) -> tuple[tuple[Array, ...], str | None]:
    """The outputs of one variant, and how they differ from the stored ones."""
    resident = load_resident(plan, variant, threads=1)
    try:
        outputs = tuple(ask(golden, resident.engine, resident.pipeline))
        specs = resident.engine.spec.outputs
    finally:
        resident.engine.close()
    return outputs, compare(outputs, kept, specs, tolerance) if kept is not None else None


def _told(variant: VariantPlan, kept: Mapping[str, tuple[Array, ...]], wrong: str | None) -> str:
    if variant.name not in kept:
        return "stored"
    return f"replaced ({wrong})" if wrong else "stored again, within tolerance of what was there"
