"""What preparing a frame and decoding an answer cost; every case once per round, so that they share the noise.

Run as ``python -m tools.bench_vision [--rounds N]``.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from edgerund.ports import Incoming
from edgerund.types import InputPlan, IOSpec, LadderPlan, OutputPlan, TensorSpec, VariantPlan
from edgerund.types.plan import Task
from edgerund.vision.classify import pipeline as classify
from edgerund.vision.detect import pipeline as detect
from edgerund.vision.fit import place
from edgerund.vision.tensor import pipeline as tensor

Case = Callable[[], object]
PLAIN = "(plain Pillow) "


def scene(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Smooth shapes with some noise: compresses about as a photograph does."""
    y, x = np.mgrid[0:height, 0:width] / 97.0
    planes = [np.sin(x * k + y) + np.cos(y * (4 - k) - x) for k in (1, 2, 3)]
    noise = np.random.default_rng(1).normal(0, 6, (height, width, 3))
    return np.clip(np.stack(planes, 2) * 55 + 127 + noise, 0, 255).astype(np.uint8)


def spec(
    inputs: tuple[int, ...], outputs: tuple[int, ...], dtype: str = "float32", **quantised: float
) -> IOSpec:
    """One input and one float32 output."""
    zero = int(quantised["zero_point"]) if quantised else None
    given = TensorSpec("x", dtype, inputs, quantised.get("scale"), zero)
    return IOSpec((given,), (TensorSpec("y", "float32", outputs),))


def plans(
    task: Task, plan: InputPlan | None, decoder: str | None = None
) -> tuple[LadderPlan, VariantPlan]:
    """A ladder of one variant."""
    output = OutputPlan(decoder) if decoder else None
    variant = VariantPlan("v", "v.onnx", "fake", input=plan, output=output)
    return LadderPlan("bench", task, (variant,)), variant


def prepare_cases() -> dict[str, Case]:
    """Frames of 1080p into 320 x 320, letterboxed, in several forms; and a tensor that fits."""
    frame = scene(1920, 1080)
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=90)
    jpeg = buffer.getvalue()
    plan = InputPlan(size=(320, 320), fit="letterbox")
    network = spec((1, 3, 320, 320), (1, 84, 2100))
    detector = detect(*plans("detect", plan, "yolov8"), network)
    int8 = detect(
        *plans("detect", InputPlan(layout="NHWC", dtype="int8", fit="letterbox"), "yolov8"),
        spec((1, 320, 320, 3), (1, 84, 2100), "int8", scale=1 / 255, zero_point=-128),
    )
    fitting = np.ascontiguousarray(scene(320, 320))
    ready = np.random.default_rng(2).random((1, 3, 224, 224), np.float32)
    raw = tensor(*plans("tensor", None), spec((1, 3, 224, 224), (1, 1000)))
    return {
        "1080p raw RGB -> 320 float32 NCHW": lambda: detector.prepare(Incoming((frame,))),
        "1080p raw BGR -> 320 float32 NCHW": lambda: detector.prepare(
            Incoming((frame,), colour="BGR")
        ),
        "1080p raw RGB -> 320 int8 NHWC": lambda: int8.prepare(Incoming((frame,))),
        f"1080p JPEG ({len(jpeg) // 1000} kB) -> 320 float32 NCHW": lambda: detector.prepare(
            Incoming(jpeg=jpeg)
        ),
        PLAIN + "1080p raw RGB -> 320 float32 NCHW": lambda: plain(frame),
        PLAIN + "1080p JPEG -> 320 float32 NCHW": lambda: plain(
            np.asarray(Image.open(io.BytesIO(jpeg)))
        ),
        "320 raw RGB -> 320 float32 NCHW": lambda: detector.prepare(Incoming((fitting,))),
        "602 kB float32 tensor, as it is": lambda: raw.prepare(Incoming((ready,))),
    }


def plain(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> object:
    """The same as a straightforward program would do it."""
    scaled = np.asarray(Image.fromarray(frame).resize((320, 180), Image.Resampling.BILINEAR))
    canvas = np.full((320, 320, 3), 114, np.uint8)
    canvas[70:250] = scaled
    return np.ascontiguousarray((canvas.astype(np.float32) / 255).transpose(2, 0, 1)[None])


def finish_cases() -> dict[str, Case]:
    """1,000 logits; a YOLOv8 output at 640 px with 40 and with 2,000 candidates."""
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(1, 1000)).astype(np.float32)
    classifier = classify(
        *plans("classify", InputPlan(), "logits"), spec((1, 3, 224, 224), (1, 1000))
    )
    network = spec((1, 3, 640, 640), (1, 84, 8400))
    detector = detect(*plans("detect", InputPlan(), "yolov8"), network)
    geometry = place((1920, 1080), (640, 640), "letterbox")
    cases: dict[str, Case] = {
        "1,000 logits -> top 5": lambda: classifier.finish([logits], None),
    }
    for candidates in (40, 2000):
        output = np.zeros((1, 84, 8400), np.float32)
        at = rng.choice(8400, candidates, replace=False)
        output[0, :2, at] = rng.uniform(100, 540, (candidates, 2))
        output[0, 2:4, at] = rng.uniform(20, 200, (candidates, 2))
        output[0, 4 + rng.integers(0, 80, candidates), at] = rng.uniform(0.3, 1, candidates)
        cases[f"YOLOv8 at 640 px, {candidates} candidates -> boxes"] = (
            lambda o=output: detector.finish([o], geometry)  # type: ignore[misc]
        )
    return cases


def main() -> None:
    """Print p50 and p99 of each case in microseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    cases = prepare_cases() | finish_cases()
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds + 3):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            times[name].append((time.perf_counter() - start) * 1e6)
    print(f"{'us per call, one thread, interleaved':52}{'p50':>10}{'p99':>10}")
    for name, spent in times.items():
        p50, p99 = np.percentile(spent[3:], [50, 99])
        print(f"{name:52}{p50:10.0f}{p99:10.0f}")


if __name__ == "__main__":
    main()
