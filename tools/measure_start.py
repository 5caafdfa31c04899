"""From exec to READY=1, beside the time of ``python -c "import onnxruntime"`` in the same run.

python tools/measure_start.py [--ladder DIR] [--rounds 10]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgerund.config.share import shared_file

ENVIRONMENT = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}


def import_ms() -> float:
    """One interpreter that imports ONNX Runtime and ends."""
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import onnxruntime"], check=True, env=ENVIRONMENT)
    return (time.perf_counter() - start_s) * 1e3


def ready_ms(settings: Path, folder: Path) -> float:
    """One daemon, until it tells systemd that it is ready."""
    address = folder / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(30)
        start_s = time.perf_counter()
        daemon = subprocess.Popen(
            [sys.executable, "-m", "edgerund", "serve", "--config", str(settings)],
            env={**ENVIRONMENT, "NOTIFY_SOCKET": str(address)},
            stderr=subprocess.DEVNULL,
        )
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            return (time.perf_counter() - start_s) * 1e3
        finally:
            daemon.terminate()
            daemon.wait()


def main() -> None:
    """Interleave the two and print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ladder", type=Path, default=shared_file("variants/cifar10"))
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    imports, starts = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "edgerund.yaml"
        settings.write_text(
            f"ladders: [{{path: {args.ladder.resolve()}}}]\nruntime_dir: {folder}\n"
        )
        for i in range(args.rounds + 1):
            a, b = import_ms(), ready_ms(settings, folder)
            if i:  # the first round fills the page cache
                imports.append(a)
                starts.append(b)
    print(
        f"import onnxruntime   median {statistics.median(imports):7.1f} ms   max {max(imports):7.1f} ms"
    )
    print(
        f"exec to READY=1      median {statistics.median(starts):7.1f} ms   max {max(starts):7.1f} ms"
    )
    print(f"ratio of medians     {statistics.median(starts) / statistics.median(imports):.2f}")


if __name__ == "__main__":
    main()
