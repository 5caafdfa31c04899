"""Write the card of a cascade from the figures of cascade_curve.py, and measure its load time and memory.

Example::

    python -m tools.cascade_card both.cascade --figures figures.json --device "its name" --out card.yaml
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import yaml

from edgerund.checksum import file_sha256
from edgerund.engines.cascade import CascadeBackend
from edgerund.engines.cascade_file import read_cascade
from edgerund.ports import Backend, Engine, LoadOptions
from edgerund.registry import resolve
from edgerund.serve.loader import resident_bytes

DATASET = "CIFAR-10 test images (Krizhevsky 2009)"
RUNS = 20


def probe(file: Path) -> tuple[float, float]:
    """Milliseconds from the file to the first answer, and growth of resident memory; in a fresh process.

    Whoever loads a second model has paid for the library already, so the cheap member is loaded first, and stays.
    """
    cheap = read_cascade(file)[0]
    backend: Backend = resolve("engines", cheap.backend)()
    first = _loaded(backend, file.parent / cheap.file, LoadOptions(extra=cheap.options))
    _run(first, RUNS)
    before_bytes = resident_bytes()
    began_s = time.perf_counter()
    engine = _loaded(CascadeBackend(), file, LoadOptions())
    _run(engine, 1)
    load_ms = (time.perf_counter() - began_s) * 1e3
    _run(engine, RUNS)
    return load_ms, float(resident_bytes() - before_bytes)


def _loaded(backend: Backend, file: Path, options: LoadOptions) -> Engine:
    return backend.load(file, options, lambda _share, _text: None)


def _run(engine: Engine, times: int) -> None:
    inputs = [np.zeros([n or 1 for n in t.shape], t.dtype) for t in engine.spec.inputs]
    for _ in range(times):
        engine.infer(inputs)


def card(file: Path, figures: dict[str, Any], device: str, repeats: int = 5) -> dict[str, Any]:
    """The card, in the form of edgerund's card files."""
    spawn = multiprocessing.get_context("spawn")
    probed = []
    for _ in range(repeats):
        with ProcessPoolExecutor(1, mp_context=spawn) as fresh:
            probed.append(fresh.submit(probe, file).result())
    load_ms, memory_bytes = (statistics.median(column) for column in zip(*probed, strict=True))
    members = read_cascade(file)
    versions = {resolve("engines", member.backend)().version() for member in members}
    rule = members[0].accept
    assert rule is not None
    return {
        "accuracy": figures["accuracy"],
        "metric": "top1",
        "images": figures["images"],
        "dataset": DATASET,
        "latency_ms": figures["typical_ms"],
        "latency_p99_ms": figures["p99_ms"],
        "load_ms": round(load_ms, 1),
        "threads": figures["threads"],
        "device": device,
        "runtime": ", ".join(sorted(versions)),
        "memory_bytes": int(memory_bytes),
        "energy_mj": "not measured",
        "file_bytes": file.stat().st_size,
        "sha256": file_sha256(file),
        "made_by": "tools/cascade_curve.py",
        "how": [
            f"{members[0].file} answers; below {rule.kind} {rule.at_least:g} the frame goes on to {members[1].file}",
            "latency_ms is the mean of both ways by their shares of the test images (medians of each way)",
            "threshold chosen on 2,000 validation images, never on the test images",
        ],
        "measured_at": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "extra": {key: figures[key] for key in ("escalated", "mean_ms", "beside")},
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--device", required=True, help="the computer that the figures are of")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    figures = json.loads(args.figures.read_text(encoding="utf-8"))
    content = card(args.file.resolve(), figures, args.device)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    args.out.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
