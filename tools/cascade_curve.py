"""Choose the threshold of a cascade on validation images, then measure the choice once on the test images.

Example::

    python -m tools.cascade_curve variants/cifar10 --cheap small --top fp32 --data DIR --out FILE

Everything that is timed takes turns over the same images in the same process; times are medians over rounds of the
mean time per image, ratios are medians of the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
from numpy.typing import NDArray

from edgerund.checksum import file_sha256
from edgerund.config.ladder import load_ladder
from edgerund.engines.cascade_file import KINDS
from edgerund.engines.cascade_rule import CONFIDENCE, agree, as_declared
from edgerund.ports import Array, Counting, Engine, Pipeline
from edgerund.serve.loader import load_resident
from edgerund.serve.mail import Resident
from edgerund.types import LadderPlan, VariantPlan
from tools.cascade_parts import (
    Bench,
    Point,
    Timing,
    choose,
    named,
    points,
    prepared,
    timed,
    typical,
)
from tools.cifar10.data import Part, load, split


def escalated(engine: Engine) -> float:
    """The share of the frames so far that the cheap model did not answer."""
    assert isinstance(engine, Counting)
    counted = engine.counters()
    return counted["escalated_1"] / counted["frames"]


def right(pipeline: Pipeline, outputs: Sequence[list[Array]], part: Part) -> NDArray[np.bool_]:
    """Which images were named right."""
    answers = np.array([named(pipeline, each) for each in outputs])
    return np.asarray(answers == part.labels)


def sweep(bench: Bench, loaded: Mapping[str, Resident], args: argparse.Namespace) -> Point:
    """Print the curve on the validation images and return the choice."""
    _, part = split(load(args.data, "train"))
    cheap, top, base = (loaded[name] for name in (args.cheap, args.top, args.against))
    inputs = prepared(top.pipeline, part)
    alone = [resident.engine for resident in loaded.values()]
    _, outputs, _ = timed(alone, inputs, args.rounds)
    hits = {
        name: right(top.pipeline, each, part) for name, each in zip(loaded, outputs, strict=True)
    }
    shared = agree([args.cheap, args.top], [cheap.engine.spec, top.engine.spec]).outputs[0]
    own, first = cheap.engine.spec.outputs[0], outputs[list(loaded).index(args.cheap)]
    rows = [as_declared(out[0], own, replace(shared, scale=None)).reshape(-1) for out in first]
    confidence = CONFIDENCE[args.kind](np.array(rows, np.float64))
    # quantised files were chosen on these images, so the better one of the two is what must be kept up with
    better = max(hits[args.against], hits[args.top], key=lambda each: float(each.mean()))
    found = points(hits[args.cheap], hits[args.top], better, confidence)
    best = choose(found, args.loss / 100)
    engines = [base.engine, *alone, *(bench.engine(p.at_least) for p in found)]
    timing, _, _ = timed(engines, inputs, args.rounds)
    print(f"{len(part)} validation images, {args.rounds} rounds, {args.threads} thread(s)")
    print(f"at_least  accuracy  loss +- s.e. (points)  escalated  mean ms  of {args.against}")
    for i, (name, each) in enumerate(hits.items(), start=1):
        print(f"{name:<8}  {each.mean():8.2%}  {'':21}  {'':9}  {_time(timing, i)}")
    for i, p in enumerate(found, start=1 + len(alone)):
        loss = f"{p.loss * 100:.2f} +- {p.noise * 100:.2f}"
        mark = "  <- chosen" if p is best else ""
        print(
            f"{p.at_least:<8g}  {p.accuracy:8.2%}  {loss:>21}  {p.share:9.1%}  {_time(timing, i)}{mark}"
        )
        engines[i].close()
    return best


def _time(timing: Timing, column: int) -> str:
    return f"{timing.ms(column):7.3f}  {timing.ratio(column, 0):6.3f}"


def final(
    bench: Bench, loaded: Mapping[str, Resident], at_least: float, args: argparse.Namespace
) -> Mapping[str, Any]:
    """Every figure of the choice on the test images; looked at once."""
    part = load(args.data, "test")
    pipeline = loaded[args.top].pipeline
    both = bench.engine(at_least)
    engines = [both, *(resident.engine for resident in loaded.values())]
    timing, outputs, took = timed(engines, prepared(pipeline, part), args.rounds)
    share = escalated(both)
    both.close()
    cheap = outputs[1 + list(loaded).index(args.cheap)]
    stays = [np.array_equal(a[0], b[0]) for a, b in zip(outputs[0], cheap, strict=True)]
    members = {
        name: {
            "accuracy": round(float(right(pipeline, outputs[i], part).mean()), 4),
            "mean_ms": round(timing.ms(i), 4),
            "typical_ms": round(float(np.median(took[i])), 4),
            "p99_ms": round(float(np.quantile(took[i], 0.99)), 4),
            "cascade_takes": round(timing.ratio(0, i), 4),
        }
        for i, name in enumerate(loaded, start=1)
    }
    return {
        "images": len(part),
        "threads": args.threads,
        "accuracy": round(float(right(pipeline, outputs[0], part).mean()), 4),
        "escalated": round(share, 4),
        "mean_ms": round(timing.ms(0), 4),
        "typical_ms": round(typical(took[0], np.array(stays)), 4),
        "p99_ms": round(float(np.quantile(took[0], 0.99)), 4),
        "beside": members,
    }


def variant(ladder: LadderPlan, name: str) -> VariantPlan:
    """The variant of that name."""
    for plan in ladder.variants:
        if plan.name == name:
            return plan
    raise SystemExit(f"cannot find variant {name!r}: there are {[v.name for v in ladder.variants]}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ladder", type=Path)
    parser.add_argument("--cheap", required=True, metavar="VARIANT")
    parser.add_argument("--top", required=True, metavar="VARIANT")
    parser.add_argument(
        "--against", metavar="VARIANT", help="whose accuracy and time count (the top one's)"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with CIFAR-10")
    parser.add_argument("--kind", choices=KINDS, default="softmax")
    parser.add_argument("--loss", type=float, default=0.3, help="points that may be lost (0.3)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the timing (20)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-test", action="store_true", help="leave the test images alone")
    parser.add_argument(
        "--figures", type=Path, help="write the figures as JSON, for cascade_card.py"
    )
    parser.add_argument("--out", type=Path, help="write the .cascade file beside the models")
    args = parser.parse_args()
    args.against = args.against or args.top
    ladder = load_ladder(args.ladder)
    plans = {name: variant(ladder, name) for name in (args.against, args.top, args.cheap)}
    cheap, top = plans[args.cheap], plans[args.top]
    if any((plan.input, plan.output) != (top.input, top.output) for plan in plans.values()):
        raise SystemExit("cannot join them: their input or output is prepared differently")
    loaded = {name: load_resident(ladder, plan, args.threads) for name, plan in plans.items()}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cheap, top, args.kind, args.threads)
        best = sweep(bench, loaded, args)
        if not args.no_test:
            text = json.dumps(final(bench, loaded, best.at_least, args), indent=2)
            print(text)
            if args.figures:
                args.figures.write_text(text + "\n", encoding="utf-8")
        if args.out:
            args.out.write_text(bench.text(best.at_least), encoding="utf-8")
            print(f"wrote {args.out}: sha256 {file_sha256(args.out)}")


if __name__ == "__main__":
    main()
