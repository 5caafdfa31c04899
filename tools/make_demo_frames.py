"""Draw the demo's frames: simple scenes of the ten CIFAR-10 classes, labelled by construction.

They belong to this project (no photograph is in them), so the demo can stream labelled frames without a data set.
Frame n of a class depends on n alone; none is left out because a network gets it wrong. Example::

    python -m tools.make_demo_frames --out variants/cifar10/frames --per-class 4
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .demo_frames.animals import bird, cat, deer, dog, frog, horse
from .demo_frames.scenes import finish
from .demo_frames.vehicles import airplane, automobile, ship, truck

SUBJECTS = (airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck)


def draw(out: Path, per_class: int, side: int) -> list[Path]:
    """Write ``<class>_<nn>.png`` files of ``side`` x ``side`` pixels; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for label, subject in enumerate(SUBJECTS):
        for n in range(per_class):
            rng = np.random.default_rng((label, n))
            picture = finish(subject(rng), side, mirror=n % 2 == 1)
            paths.append(out / f"{subject.__name__}_{n:02d}.png")
            picture.save(paths[-1], optimize=True)
    return paths


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Draw labelled frames for the demo.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--side", type=int, default=96, help="height and width in pixels")
    args = parser.parse_args()
    paths = draw(args.out, args.per_class, args.side)
    print(f"{len(paths)} frames, {sum(path.stat().st_size for path in paths)} bytes in {args.out}")


if __name__ == "__main__":
    main()
