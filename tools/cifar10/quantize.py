"""Static INT8 quantization (QDQ, U8 activations, per-channel S8 weights), chosen on validation images.

Several ways of calibrating are tried on the same training images; the file that names most validation images right
is kept. Example::

    python -m tools.cifar10.quantize top_fp32.onnx --data DIR --out top_int8.onnx
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime import quantization as ortq

from .data import Part, load, split
from .measure import accuracy, session

CALIBRATION_IMAGES = 512


@dataclass(frozen=True)
class Way:
    """One way of quantizing: how ranges are found, 7- or 8-bit weights, and whether layer 0 stays fp32."""

    method: str
    percentile: float = 99.99
    seven_bit: bool = False
    float_first: bool = False

    def __str__(self) -> str:
        detail = f"-{self.percentile:g}" if self.method == "Percentile" else ""
        bits = "-7bit" if self.seven_bit else ""
        return self.method + detail + bits + ("-float-first" if self.float_first else "")


# The most portable first; a later one must be better. Seven-bit weights cannot overflow the 16-bit sums of x86
# processors without VNNI. The whitening layer subtracts neighbouring pixels with large weights, so its rounding
# costs more than its arithmetic: it may stay fp32.
WAYS = (
    Way("MinMax", seven_bit=True, float_first=True),
    Way("Percentile", 99.99, seven_bit=True, float_first=True),
    Way("Entropy", seven_bit=True, float_first=True),
    Way("MinMax", float_first=True),
    Way("Percentile", 99.99, float_first=True),
    Way("MinMax"),
)


class Reader(ortq.CalibrationDataReader):  # type: ignore[misc]
    """Calibration images in batches."""

    def __init__(self, images: npt.NDArray[np.float32], batch: int = 32) -> None:
        self._batches: Iterator[npt.NDArray[np.float32]] = iter(
            [images[i : i + batch] for i in range(0, len(images), batch)]
        )

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """The next batch, or None at the end (the caller's protocol)."""
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantize(source: Path, out: Path, images: npt.NDArray[np.float32], way: Way) -> None:
    """Write ``source`` quantized as ``way`` says, with ranges seen on ``images``."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        ortq.shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        ortq.quantize_static(
            str(prepared),
            str(out),
            Reader(images),
            quant_format=ortq.QuantFormat.QDQ,
            activation_type=ortq.QuantType.QUInt8,
            weight_type=ortq.QuantType.QInt8,
            per_channel=True,
            reduce_range=way.seven_bit,
            calibrate_method=ortq.CalibrationMethod[way.method],
            nodes_to_exclude=["conv0", "relu0"] if way.float_first else [],
            extra_options={"CalibPercentile": way.percentile, "CalibTensorRangeSymmetric": False},
        )
    onnx.checker.check_model(onnx.load(out), full_check=True)


def choose(
    source: Path, out: Path, calibration: Part, validation: Part, ways: tuple[Way, ...] = WAYS
) -> dict[str, float]:
    """Try ``ways``, keep the best on ``validation`` in ``out``, and return every way's accuracy."""
    images = calibration.images.astype(np.float32) / np.float32(255)
    results: dict[str, float] = {}
    for way in ways:
        trial = out.with_suffix(".trial.onnx")
        quantize(source, trial, images, way)
        figure = accuracy(session(trial, threads=2), validation)
        if figure > max(results.values(), default=-1.0):
            trial.replace(out)
        trial.unlink(missing_ok=True)
        results[str(way)] = figure
        print(f"{way}: {figure:.4f}", flush=True)
    return results


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Quantize an ONNX file to INT8.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    train, validation = split(load(args.data, "train"))
    calibration = train.take(np.arange(CALIBRATION_IMAGES))
    print(f"parent: {accuracy(session(args.source, threads=2), validation):.4f}")
    results = choose(args.source, args.out, calibration, validation)
    print(f"kept: {max(results, key=lambda way: results[way])}")


if __name__ == "__main__":
    main()
