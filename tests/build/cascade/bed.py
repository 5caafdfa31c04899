"""A recipe with two cascades, its networks and its pictures; and the ladder that comes of it."""

from __future__ import annotations

from pathlib import Path

from edgerund.build.factory import Job, open_factory
from tests.build import nets
from tests.build.beds import write_bed
from tests.build.cascade import pairs

STAGES = """\
  slow: {use: onnx, file: slow.onnx}
  quick: {use: onnx, file: quick.onnx}
  unused: {use: onnx, file: unused.onnx}
  both: {use: cascade, from: [quick, slow], max_loss: 0.1}
  other: {use: cascade, from: [unused, slow], at_least: 0.9}
"""
CHOSEN = "variants: [slow, quick, both, {stage: other, name: aside, options: {at_least: 0.8}}]\nleast_share: 0\n"


def bed(folder: Path, stages: str = STAGES, more: str = CHOSEN) -> Path:
    recipe = write_bed(folder, stages, count=80)
    nets.save(pairs.slow(), folder / "slow.onnx")
    nets.save(pairs.quick(), folder / "quick.onnx")
    nets.save(pairs.quick(seed=9), folder / "unused.onnx")
    recipe.write_text(recipe.read_text() + more)
    return recipe


def build(folder: Path) -> Path:
    """The ladder of the recipe above; returns its folder."""
    job = Job(bed(folder), folder / "out", folder / "store", keep_dominated=True, threads=1)
    made = open_factory(job).build()
    assert made.failed == {}
    return made.folder
