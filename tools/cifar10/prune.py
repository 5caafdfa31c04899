"""Cut whole channels out of a trained network: a start for a student that is better than chance.

A channel is worth what the next layer makes of it: the spread of its activation times the norm of the weights
that read it. What is left is meant to be fine-tuned with distill.py ``--start``. Example::

    python -m tools.cifar10.prune top.pt --layout medium --data DIR --out start.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .data import load, split
from .export import read_checkpoint
from .loop import accuracy
from .nets import LAYOUTS, ConvNet

IMAGES = 1000


def worth(model: ConvNet, images: Tensor) -> list[Tensor]:
    """One score per output channel of every block."""
    scores = []
    with torch.no_grad():
        x = torch.relu(model.whiten(model.normalize(images)))
        for i, block in enumerate(model.blocks):
            x = block(x)
            last = i + 1 == len(model.blocks)
            readers = model.head.weight if last else model.blocks[i + 1].conv.weight.flatten(2)
            norms = readers.norm(dim=0) if last else readers.norm(dim=(0, 2))
            scores.append(x.std(dim=(0, 2, 3)) * norms)
    return scores


def prune(model: ConvNet, layout: str, images: Tensor) -> ConvNet:
    """The channels of ``model`` that are worth most, as many as ``layout`` has; the stems must be alike."""
    small = ConvNet(LAYOUTS[layout])
    if (small.layout.stem_width, small.layout.stem_size) != (
        model.layout.stem_width,
        model.layout.stem_size,
    ):
        raise ValueError(f"cannot prune to {layout!r}: its stem differs")
    if [pool for _, pool in small.layout.layers] != [pool for _, pool in model.layout.layers]:
        raise ValueError(f"cannot prune to {layout!r}: its layers differ in more than width")
    small.whiten.load_state_dict(model.whiten.state_dict())
    kept = torch.arange(model.layout.stem_width)
    with torch.no_grad():
        for source, target, score in zip(
            model.blocks, small.blocks, worth(model, images), strict=True
        ):
            width = target.conv.out_channels
            chosen = score.argsort(descending=True)[:width].sort().values
            target.conv.weight.copy_(source.conv.weight[chosen][:, kept])
            for name in ("bias", "running_mean", "running_var"):
                getattr(target.norm, name).copy_(getattr(source.norm, name)[chosen])
            kept = chosen
        small.head.weight.copy_(model.head.weight[:, kept] * len(kept) / model.head.in_features)
    return small


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
    parser = argparse.ArgumentParser(description="Cut channels out of a trained network.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, validation = split(load(args.data, "train"))
    images = torch.from_numpy(train.images[:IMAGES].astype(np.float32) / np.float32(255))
    small = prune(read_checkpoint(args.checkpoint), args.layout, images)
    settle(small, images)
    print(f"{args.layout}: {accuracy(small, validation):.4f} before fine-tuning")
    torch.save({"model": small.state_dict(), "layout": args.layout}, args.out)


if __name__ == "__main__":
    main()
