"""The mean of several checkpoints of one network: runs that went on from one another lie in one valley.

After Izmailov 2018 (arXiv:1803.05407).

The batch norm statistics belong to other weights and are estimated afresh. Example::

    python -m tools.cifar10.average a.pt b.pt --data DIR --out mean.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from .data import load, split
from .export import read_checkpoint
from .loop import accuracy
from .nets import ConvNet

IMAGES = 3000


def mean(models: list[ConvNet], images: Tensor) -> ConvNet:
    """A network whose weights are the mean of those of ``models``, which must have one layout."""
    result = models[0]
    with torch.no_grad():
        for own, *all_of_it in zip(
            result.parameters(), *(m.parameters() for m in models), strict=True
        ):
            own.copy_(torch.stack(all_of_it).mean(0))
    settle(result, images)
    result.eval()
    return result


def settle(model: ConvNet, images: Tensor) -> None:
    """Estimate the batch norm statistics afresh."""
    for block in model.blocks:
        block.norm.reset_running_stats()
        block.norm.momentum = None  # a plain average
    model.train()
    with torch.no_grad():
        for part in images.split(250):
            model(part)
    for block in model.blocks:
        block.norm.momentum = 0.1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Average checkpoints of one network.")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, validation = split(load(args.data, "train"))
    images = torch.from_numpy(train.images[:IMAGES]).float() / 255
    result = mean([read_checkpoint(path) for path in args.checkpoints], images)
    saved = torch.load(args.checkpoints[0], map_location="cpu", weights_only=True)
    print(f"validation: {accuracy(result, validation):.4f}")
    torch.save({"model": result.state_dict(), "layout": saved.get("layout", "top")}, args.out)


if __name__ == "__main__":
    main()
