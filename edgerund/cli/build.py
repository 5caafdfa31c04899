"""``edgerund build``: one trained model in, a measured ladder out."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.cli.ladder import TASKS
from edgerund.errors import BuildError, PluginError, UsageError

if TYPE_CHECKING:
    from edgerund.build.factory import Built, Job

_NEEDED = ("onnx", "onnxruntime")
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
        "--max-loss", type=float, default=0.005, help="what mixed precision may lose (0.005)"
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
    parser.add_argument("--jobs", type=int, default=1, help="stages at a time (1)")
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


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    if args.clean is not None:
        return _clean(args)
    if args.schema:
        return _schema()
    if (args.recipe is None) == (args.onnx is None):
        raise UsageError("cannot build: give a recipe, or --onnx MODEL with --calibration DIR")
    if args.threads < 0 or args.jobs < 1 or (args.seconds is not None and args.seconds <= 0):
        raise UsageError(
            "cannot build with that: --jobs and --seconds must be above 0, --threads not below"
        )
    _check_installed()
    if args.recipe is not None:
        return _build(args, args.recipe)
    if args.calibration is None:
        raise UsageError("cannot build from a model alone: --calibration DIR says what it will see")
    text = _made_up(args)
    if args.recipe_only is not None:
        if args.recipe_only.exists() and not args.replace:
            raise UsageError(f"cannot write {args.recipe_only}: it is there already; or --replace")
        args.recipe_only.write_text(text, encoding="utf-8")
        print(f"wrote {args.recipe_only}: read it (what was guessed says CHECK), then build it")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(text, encoding="utf-8")
        for line in text.splitlines():
            if "# CHECK" in line:
                print(f"guessed: {' '.join(line.split())}", file=sys.stderr)
        return _build(args, recipe)


def _check_installed() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise PluginError(
            f"cannot build without {' and '.join(missing)}: install the extra build, "
            "pip install 'edgerund[build]' (and train for recipes that train)"
        )


def _made_up(args: argparse.Namespace) -> str:
    from edgerund.build.made_up import Wishes, made_up_recipe

    keys = ("size", "layout", "colour", "scale", "mean", "std", "fit", "decoder")
    said = {k: getattr(args, k) for k in keys if getattr(args, k) is not None}
    if "size" in said:
        said["size"] = [int(side) for side in said["size"] * (2 if len(said["size"]) == 1 else 1)]
    wishes = Wishes(
        task=args.task,
        labels=args.labels,
        name=args.name,
        input=said,
        validation=args.validation,
        test=args.test,
        limit=args.limit,
        max_loss=args.max_loss,
    )
    return made_up_recipe(args.onnx, args.calibration, wishes)


def _build(args: argparse.Namespace, recipe: Path) -> int:
    from edgerund.build.factory import open_factory

    factory = open_factory(_job(args, recipe))
    if args.dry_run:
        from edgerund.build.dry_run import plan_text

        print(plan_text(factory.look_ahead(factory.source.load())))
        return 0
    return _tell(factory.build())


def _job(args: argparse.Namespace, recipe: Path) -> Job:
    from edgerund.build.factory import Job

    adopt = {}
    for text in args.adopt:
        stage, found, file = text.partition("=")
        if not found or not stage or not file:
            raise UsageError(f"cannot adopt {text!r}: write --adopt STAGE=FILE")
        adopt[stage] = Path(file)
    return Job(
        recipe=recipe,
        target=args.out,
        store=args.store,
        data=args.data,
        seed=args.seed,
        threads=args.threads,
        jobs=args.jobs,
        adopt=adopt,
        keep_dominated=args.keep_dominated,
        replace=args.replace,
        seconds=args.seconds,
        quick=args.quick,
        command=shlex.join(["edgerund", *sys.argv[1:]]),
    )


def _tell(built: Built) -> int:
    made = built.assembled
    print(f"{built.folder}: {len(made.chosen)} variants, best first")
    for candidate in made.chosen:
        figures = made.measured.of(candidate.name)
        accuracy = "-" if figures.accuracy is None else f"{figures.accuracy:.2%}"
        latency = f"{figures.latency.p50_ms:.3g} ms" if figures.latency else "-"
        size = f"{(figures.file_bytes or 0) / 1000:.0f} kB"
        print(f"  {candidate.name:<16} {accuracy:>8} {latency:>10} {size:>10}  {figures.metric}")
    for name, why in made.left_out.items():
        print(f"  left out: {name}: {why}")
    for name, why in built.failed.items():
        print(f"  FAILED: {name}: {why}")
    print(
        f"read {built.folder / 'report.html'}; check it with: edgerund ladder check {built.folder}"
    )
    return BuildError.exit_code if built.failed else 0


def _clean(args: argparse.Namespace) -> int:
    from edgerund.build.store import Store, usual_store

    store = Store(args.store or usual_store())
    removed = store.clean(args.clean, remove=not args.dry_run)
    for entry in removed:
        print(
            f"{entry.stage:<24} {entry.size_bytes / 1e6:9.1f} MB, {entry.idle_days:.0f} days without use"
        )
    total_mb = sum(entry.size_bytes for entry in removed) / 1e6
    print(
        f"{'would remove' if args.dry_run else 'removed'} {len(removed)} results, {total_mb:.1f} MB"
    )
    return 0


def _schema() -> int:
    import json

    from edgerund.build.recipe import recipe_schema

    print(json.dumps(recipe_schema(), indent=2))
    return 0


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
