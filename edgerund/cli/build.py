"""``edgerund build``: one trained model in, a measured ladder out."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgerund.cli.build_args import add_parser
from edgerund.errors import BuildError, PluginError, UsageError

__all__ = ["add_parser", "run"]

if TYPE_CHECKING:
    from edgerund.build.factory import Built, Job

_NEEDED = ("onnx", "onnxruntime")


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
    for note in made.measured.notes:
        print(f"  note: {note}")
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
