"""``edgerund infer``: send images, print the answers."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgerund.errors import EdgerundError, NoAnswer, UsageError

if TYPE_CHECKING:
    from edgerund.client import Answer

JPEG = b"\xff\xd8"
NPY = b"\x93NUMPY"
MAX_PIXELS = 64_000_000


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "infer",
        help="send images and print the answers",
        description="A JPEG travels as it is; other images are decoded here and travel as raw frames; "
        ".npy files travel as tensors. An image that fails is told on stderr, and the rest goes on.",
    )
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="JPEG or anything Pillow reads"
    )
    parser.add_argument("--ladder", help="which ladder to ask (needed if there are several)")
    parser.add_argument("--runtime-dir", type=Path, help="folder of the daemon's sockets")
    parser.add_argument("--endpoint", help="ZeroMQ address, instead of a ladder's name")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many results to print")
    parser.add_argument(
        "--deadline-ms", type=float, metavar="MS", help="refuse an answer later than this"
    )
    parser.add_argument(
        "--timeout-s", type=float, default=10.0, metavar="S", help="give up after this"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per image, for scripts"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Ask for each image. The exit code is that of the first one that failed, else 0."""
    from edgerund.client import Client

    if args.top < 1 or args.timeout_s <= 0:
        raise UsageError("cannot ask: --top and --timeout-s must be above 0")
    code = 0
    with Client(
        args.ladder,
        endpoint=args.endpoint,
        runtime_dir=args.runtime_dir,
        timeout_s=args.timeout_s,
    ) as client:
        for path in args.images:
            try:
                answer = client.infer(read(path), deadline_ms=args.deadline_ms)
            except NoAnswer:
                raise  # the next image would wait as long
            except EdgerundError as e:
                code = code or e.exit_code
                _tell_failure(path, e, as_json=args.json)
                continue
            print(
                json.dumps(as_data(path, answer)) if args.json else render(path, answer, args.top)
            )
    return code


def read(path: Path) -> Any:
    """What to send for a file: JPEG bytes, or an array.

    Raises:
        UsageError: no such file, or neither an image nor an array.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UsageError(f"cannot read {path}: {e.strerror}") from e
    if data.startswith(JPEG):
        return data
    if data.startswith(NPY):
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as e:
            raise UsageError(f"cannot read {path} as an array: {e}") from e
    return _decode(path)


def _decode(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UsageError(f"cannot send {path}: more than {MAX_PIXELS} pixels")
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except UnidentifiedImageError as e:
        raise UsageError(f"cannot read {path}: it is no image that Pillow knows") from e
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
        raise UsageError(f"cannot decode {path}: {e}") from e


def as_data(path: Path, answer: Answer) -> dict[str, Any]:
    """For scripts: everything but the raw outputs, of which dtype and shape are told."""
    data: dict[str, Any] = {
        "file": str(path),
        "variant": answer.variant,
        "task": answer.task,
        "result": dict(answer.result),
        "reason": asdict(answer.reason) if answer.reason else None,
        "timings": answer.timings._asdict() if answer.timings else None,
        "deadline": answer.deadline,
        "round_trip_ms": round(answer.round_trip_ms, 3),
    }
    if answer.outputs:
        data["outputs"] = [
            {"name": name, "dtype": output.dtype.name, "shape": list(output.shape)}
            for name, output in zip(answer.names, answer.outputs, strict=True)
        ]
    return data


def render(path: Path, answer: Answer, top: int) -> str:
    """For people."""
    head = f"{path}: {answer.variant}, {answer.round_trip_ms:.2f} ms"
    if answer.timings is not None:
        head += f" (engine {answer.timings.infer_us / 1e3:.2f} ms)"
    if answer.reason is not None:
        head += f", because {answer.reason.text}"
    lines = [head]
    if answer.task == "detect":
        for d in answer.detections[:top]:
            box = " ".join(f"{v:.1f}" for v in d.box)
            lines.append(f"  {d.score:.3f} {d.label} [{box}]")
        lines += ["  nothing"] if not answer.detections else []
    else:
        pairs = zip(answer.scores, answer.labels, strict=False)
        lines += [f"  {score:.3f} {label}" for score, label in list(pairs)[:top]]
    for name, output in zip(answer.names, answer.outputs, strict=True):
        lines.append(f"  {name or 'output'}: {output.dtype.name} {list(output.shape)}")
    return "\n".join(lines)


def _tell_failure(path: Path, error: EdgerundError, *, as_json: bool) -> None:
    if as_json:
        failure = {"code": error.wire_code, "exit_code": error.exit_code, "message": str(error)}
        print(json.dumps({"file": str(path), "error": failure}))
    else:
        place = "" if str(path) in str(error) else f"{path}: "
        print(f"edgerund: {place}{error}", file=sys.stderr)
