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
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np

from edgerund.checksum import file_sha256
from edgerund.config.ladder import load_ladder
from edgerund.engines.cascade_file import KINDS
from edgerund.engines.cascade_rule import CONFIDENCE, agree, as_declared
from edgerund.ports import Counting, Engine
from edgerund.serve.loader import load_resident
from edgerund.serve.mail import Resident
from edgerund.types import LadderPlan, VariantPlan
from tools.cascade_parts import Bench, Point, choose, named, points, prepared, timed
from tools.cifar10.data import Part, load, split


def escalated(engine: Engine) -> float:
    """The share of the frames so far that the cheap model did not answer."""
    assert isinstance(engine, Counting)
    counted = engine.counters()
    return counted["escalated_1"] / counted["frames"]


def sweep(
    bench: Bench, cheap: Resident, top: Resident, part: Part, args: argparse.Namespace
) -> Point:
    """Print the curve on the validation images and return the choice."""
    inputs = prepared(top.pipeline, part)
    _, outputs, _ = timed([cheap.engine, top.engine], inputs, args.rounds)
    right = [
        np.array([named(top.pipeline, out) for out in each]) == part.labels for each in outputs
    ]
    shared = agree(["cheap", "top"], [cheap.engine.spec, top.engine.spec]).outputs[0]
    own = cheap.engine.spec.outputs[0]
    rows = [as_declared(out[0], own, replace(shared, scale=None)).reshape(-1) for out in outputs[0]]
    found = points(right[0], right[1], CONFIDENCE[args.kind](np.array(rows, np.float64)))
    engines = [cheap.engine, top.engine, *(bench.engine(p.at_least) for p in found)]
    timing, _, _ = timed(engines, inputs, args.rounds)
    print(f"{len(part)} validation images, {args.rounds} rounds, {args.threads} thread(s)")
    print("at_least  accuracy  loss +- s.e. (points)  escalated  mean ms  of top")
    for name, i in ((args.cheap, 0), (args.top, 1)):
        accuracy = right[i].mean()
        print(
            f"{name:<8}  {accuracy:8.2%}  {'':21}  {'':9}  {timing.ms(i):7.3f}  {timing.ratio(i, 1):6.3f}"
        )
    best = choose(found, args.loss / 100)
    for i, p in enumerate(found, start=2):
        loss = f"{p.loss * 100:.2f} +- {p.noise * 100:.2f}"
        print(
            f"{p.at_least:<8g}  {p.accuracy:8.2%}  {loss:>21}  {p.share:9.1%}  {timing.ms(i):7.3f}"
            f"  {timing.ratio(i, 1):6.3f}{'  <- chosen' if p is best else ''}"
        )
        engines[i].close()
    return best


def final(
    bench: Bench, cheap: Resident, top: Resident, part: Part, at_least: float, rounds: int
) -> Mapping[str, float]:
    """Every figure of the choice on the test images; looked at once."""
    inputs = prepared(top.pipeline, part)
    both = bench.engine(at_least)
    engines = [cheap.engine, top.engine, both]
    timing, outputs, took = timed(engines, inputs, rounds)
    share = escalated(both)
    both.close()
    accuracy = [
        float((np.array([named(top.pipeline, out) for out in each]) == part.labels).mean())
        for each in outputs
    ]
    return {
        "images": len(part),
        "accuracy": round(accuracy[2], 4),
        "accuracy_top": round(accuracy[1], 4),
        "accuracy_cheap": round(accuracy[0], 4),
        "escalated": round(share, 4),
        "mean_ms": round(timing.ms(2), 4),
        "mean_ms_top": round(timing.ms(1), 4),
        "mean_ms_cheap": round(timing.ms(0), 4),
        "of_top": round(timing.ratio(2, 1), 4),
        "p50_ms": round(float(np.median(took[2])), 4),
        "p99_ms": round(float(np.quantile(took[2], 0.99)), 4),
        "p99_ms_top": round(float(np.quantile(took[1], 0.99)), 4),
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
    ladder = load_ladder(args.ladder)
    cheap, top = variant(ladder, args.cheap), variant(ladder, args.top)
    if (cheap.input, cheap.output) != (top.input, top.output):
        raise SystemExit("cannot join them: their input or output is prepared differently")
    loaded = [load_resident(ladder, plan, args.threads) for plan in (cheap, top)]
    _, validation = split(load(args.data, "train"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cheap, top, args.kind, args.threads)
        best = sweep(bench, loaded[0], loaded[1], validation, args)
        if not args.no_test:
            test = load(args.data, "test")
            figures = final(bench, loaded[0], loaded[1], test, best.at_least, args.rounds)
            text = json.dumps({**figures, "threads": args.threads}, indent=2)
            print(text)
            if args.figures:
                args.figures.write_text(text + "\n", encoding="utf-8")
        if args.out:
            args.out.write_text(bench.text(best.at_least), encoding="utf-8")
            print(f"wrote {args.out}: sha256 {file_sha256(args.out)}")


if __name__ == "__main__":
    main()
