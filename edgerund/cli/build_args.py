"""The arguments of ``edgerund build``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgerund.cli.ladder import TASKS

_IDLE_DAYS = 30.0


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "build",
        help="turn one trained model into a measured ladder",
        description="Makes every stage of a recipe (or of one made up from an ONNX model), measures what came out on "
        "this device, leaves out what something else beats, and puts a checked ladder with cards and a report into "
        "--out, at once. Interrupted builds go on where they were. Exit code 0: all went well; 17: stages failed "
        "(the ladder of the others is there if any could be made, and the report says why).",
    )
    parser.add_argument("recipe", type=Path, nargs="?", metavar="RECIPE", help="a recipe (YAML)")
    _add_model(parser.add_argument_group("without a recipe"))
    _add_run(parser)
    _add_instead(parser.add_argument_group("instead of building"))
    return parser


def _add_model(group: Any) -> None:
    group.add_argument("--onnx", type=Path, metavar="MODEL", help="a trained model, float")
    group.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="pictures (in subfolders named like the labels, if known), or .npz / .npy of the network's inputs; "
        "64 or more",
    )
    group.add_argument(
        "--validation",
        type=Path,
        metavar="DIR",
        help="to choose by; default: half of --calibration",
    )
    group.add_argument(
        "--test", type=Path, metavar="DIR", help="for the cards; default: validation"
    )
    group.add_argument("--task", choices=TASKS, help="default: guessed from the outputs")
    group.add_argument(
        "--labels", type=Path, metavar="FILE", help="a text file, one label per line"
    )
    group.add_argument("--name", help="the ladder's name; default: the model's")
    group.add_argument("--size", type=_numbers, metavar="H,W", help="of the network's input")
    group.add_argument("--layout", choices=("NCHW", "NHWC"), help="order of the input's axes")
    group.add_argument("--colour", choices=("RGB", "BGR", "GRAY"), help="order of its channels")
    group.add_argument("--scale", type=float, help="pixels (0..255) are divided by this first")
    group.add_argument("--mean", type=_numbers, metavar="R,G,B", help="subtracted after scaling")
    group.add_argument("--std", type=_numbers, metavar="R,G,B", help="divided by at last")
    group.add_argument(
        "--fit", choices=("stretch", "letterbox", "crop"), help="how a frame fills the input"
    )
    group.add_argument("--decoder", help="how outputs are read; see docs/reference/ladder.md")
    group.add_argument("--limit", type=int, metavar="N", help="use at most so many images")
    group.add_argument(
        "--max-loss",
        type=float,
        metavar="SHARE",
        help="what mixed precision may lose; default: 0.005 for classes, else 0.02",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the ladder goes; default: ./NAME"
    )
    parser.add_argument(
        "--replace", action="store_true", help="also where something else lies there"
    )
    parser.add_argument(
        "--keep-dominated", action="store_true", help="leave out nothing that was measured"
    )
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="where the data set lies; default: by the recipe"
    )
    parser.add_argument(
        "--adopt",
        action="append",
        default=[],
        metavar="STAGE=FILE",
        help="take a file made elsewhere as a stage's result; may be given again",
    )
    parser.add_argument("--seed", type=int, help="default: the recipe's")
    parser.add_argument("--threads", type=int, default=0, help="of one stage; default: every core")
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="stages at a time, and candidates that answer at a time where accuracy is counted (1)",
    )
    parser.add_argument(
        "--seconds", type=float, help="of measuring latency; default: the recipe's, else 30"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="measure briefly: latency for 2 s, each variant loaded once, no robust accuracy",
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        help="where finished stages are kept; default: $XDG_CACHE_HOME/edgerund/build",
    )


def _add_instead(group: Any) -> None:
    group.add_argument(
        "--dry-run", action="store_true", help="print what would be made and what is there"
    )
    group.add_argument(
        "--recipe-only",
        type=Path,
        metavar="FILE",
        help="with --onnx: write the made-up recipe, to be edited",
    )
    group.add_argument(
        "--clean",
        type=float,
        nargs="?",
        const=_IDLE_DAYS,
        metavar="DAYS",
        help="remove from the store what no build used for so long (30); with --dry-run only list it",
    )
    group.add_argument("--schema", action="store_true", help="print the JSON Schema of a recipe")


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
