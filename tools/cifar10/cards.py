"""Turn measured figures into ``ladder.yaml`` and its cards.

``notes.yaml`` beside this file says which variants there are, best first, and how each was made; the figures come
from measure.py. Example::

    python -m tools.cifar10.cards figures.json --folder variants/cifar10 --device "what it was measured on"
"""

from __future__ import annotations

import argparse
import datetime
import json
from pathlib import Path
from typing import Any

import yaml

from .data import CLASSES
from .graph import params_and_macs

NOTES = Path(__file__).with_name("notes.yaml")
DATASET = "CIFAR-10 test images (Krizhevsky 2009)"


def card(model: Path, figures: dict[str, Any], how: list[str], device: str) -> dict[str, Any]:
    """The card of one file, in the form of edgerund's card files."""
    params, macs = params_and_macs(model)
    return {
        "accuracy": figures["accuracy"],
        "metric": "top1",
        "images": figures["accuracy_images"],
        "dataset": DATASET,
        "latency_ms": figures["latency_ms"],
        "latency_p99_ms": figures["latency_p99_ms"],
        "load_ms": round(figures["load_ms"], 1),
        "threads": 1,
        "device": device,
        "runtime": figures["runtime"],
        "memory_bytes": int(figures["memory_bytes"]),
        "energy_mj": "not measured",
        "file_bytes": figures["file_bytes"],
        "sha256": figures["sha256"],
        "params": params,
        "macs": macs,
        "made_by": "tools/cifar10",
        "how": how,
        "measured_at": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
    }


def ladder(variants: list[dict[str, Any]], golden: bool) -> dict[str, Any]:
    """The ladder file's content."""
    content: dict[str, Any] = {
        "ladder": "cifar10",
        "task": "classify",
        "labels": list(CLASSES),
        "top_k": 3,
        "defaults": {"input": {"size": [32, 32], "scale": 255.0, "fit": "stretch"}},
        "variants": [
            {"name": v["name"], "file": v["file"], "card": f"cards/{v['name']}.yaml"}
            for v in variants
        ],
    }
    if golden:
        content["golden"] = {"file": "golden.npz"}
    return content


def write(folder: Path, figures: dict[str, Any], device: str) -> None:
    """Write ``ladder.yaml`` and ``cards/*.yaml`` into ``folder``."""
    variants = yaml.safe_load(NOTES.read_text(encoding="utf-8"))["variants"]
    (folder / "cards").mkdir(exist_ok=True)
    for v in variants:
        content = card(folder / v["file"], figures[v["file"]], v["how"], device)
        _dump(folder / "cards" / f"{v['name']}.yaml", content)
    _dump(folder / "ladder.yaml", ladder(variants, (folder / "golden.npz").is_file()))


def _dump(path: Path, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write ladder.yaml and the cards from figures.")
    parser.add_argument("figures", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--device", required=True, help="the computer that the figures are of")
    args = parser.parse_args()
    write(args.folder, json.loads(args.figures.read_text(encoding="utf-8")), args.device)


if __name__ == "__main__":
    main()
