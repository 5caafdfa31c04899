"""Measure ladder files: accuracy, one-thread latency interleaved over all files, load time, memory, size.

Example::

    python -m tools.cifar10.measure variants/cifar10/*.onnx --data DIR --out figures.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from .data import Part, load

Floats = npt.NDArray[np.float32]


def session(path: Path, threads: int = 1) -> Any:
    """A plain CPU session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def logits(sess: Any, images: npt.NDArray[np.uint8], batch: int = 100) -> Floats:
    """Raw outputs for ``uint8 [N, 3, 32, 32]`` images."""
    parts = [
        sess.run(None, {"image": images[i : i + batch].astype(np.float32) / np.float32(255)})[0]
        for i in range(0, len(images), batch)
    ]
    return np.concatenate(parts)


def accuracy(sess: Any, part: Part) -> float:
    """Share of ``part`` that is named right."""
    return float((logits(sess, part.images).argmax(1) == part.labels).mean())


def latencies(paths: list[Path], rounds: int, burst: int = 10) -> dict[str, list[float]]:
    """Milliseconds of single-image runs on one thread; the files take turns in bursts.

    Runs during which the kernel gave the core to somebody else are left out: what is measured is the network, not
    its neighbours.
    """
    sessions = {path.name: session(path) for path in paths}
    image = np.random.default_rng(0).random((1, 3, 32, 32), dtype=np.float32)
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds):
        for name, sess in sessions.items():
            sess.run(None, {"image": image})
            for _ in range(burst):
                preempted = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
                began = time.perf_counter()
                sess.run(None, {"image": image})
                took_ms = (time.perf_counter() - began) * 1e3
                if resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw == preempted:
                    times[name].append(took_ms)
    return times


_PROBE = """
import json, os, sys, time
import numpy as np, onnxruntime as ort
from tools.cifar10.measure import session
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
import onnx
from onnx import TensorProto as T, helper as h
io = [h.make_tensor_value_info(n, T.FLOAT, [1, 3, 32, 32]) for n in ("image", "y")]
m = h.make_model(h.make_graph([h.make_node("Identity", ["image"], ["y"])], "empty", io[:1], io[1:]),
                 opset_imports=[h.make_opsetid("", 17)], ir_version=8)
empty = ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
x = np.zeros((1, 3, 32, 32), np.float32)
empty.run(None, {"image": x})
before = resident()
t = time.perf_counter()
s = session(sys.argv[1])
s.run(None, {"image": x})
load_ms = (time.perf_counter() - t) * 1e3
for _ in range(20):
    s.run(None, {"image": x})
print(json.dumps({"load_ms": load_ms, "memory_bytes": resident() - before}))
"""


def load_and_memory(path: Path, repeats: int = 5) -> dict[str, float]:
    """Medians over fresh processes: from file to first answer, and resident growth over an empty session."""
    command = [sys.executable, "-c", _PROBE, str(path)]
    runs = [json.loads(subprocess.check_output(command, text=True)) for _ in range(repeats)]
    return {
        key: float(np.median([run[key] for run in runs])) for key in ("load_ms", "memory_bytes")
    }


def measure(paths: list[Path], test: Part | None, rounds: int) -> dict[str, dict[str, Any]]:
    """Every figure of every file, by file name."""
    times = latencies(paths, rounds)
    figures: dict[str, dict[str, Any]] = {}
    for path in paths:
        ms = np.array(times[path.name])
        p50, p99 = np.percentile(ms, [50, 99])
        entry: dict[str, Any] = {
            "file_bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "latency_ms": round(float(p50), 4),
            "latency_p99_ms": round(float(p99), 4),
            "latency_p10_ms": round(float(np.percentile(ms, 10)), 4),
            "latency_runs": len(ms),
            "runtime": f"onnxruntime {ort.__version__}",
            **load_and_memory(path),
        }
        if test is not None:
            entry["accuracy"] = round(accuracy(session(path, threads=2), test), 4)
            entry["accuracy_images"] = len(test)
        figures[path.name] = entry
    return figures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure ONNX files of the CIFAR-10 ladder.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, help="measure accuracy on the 10,000 test images here")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    test = load(args.data, "test") if args.data else None
    text = json.dumps(measure(args.files, test, args.rounds), indent=2)
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
