"""A daemon of its own for one measurement: real processes, a runtime folder that vanishes afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgerund.client.control import ControlClient
from edgerund.errors import ControlError, StartError

START_S = 60.0


@contextmanager
def own_daemon(settings: Mapping[str, Any], log: Path | None = None) -> Iterator[Path]:
    """Run ``edgerund serve`` with ``settings`` (without ``runtime_dir``); yields the runtime folder once ready.

    Raises:
        StartError: it ended, or was not ready within a minute; the message carries its last words.
    """
    import yaml

    with tempfile.TemporaryDirectory(prefix="edgerund-") as name:
        folder = Path(name)
        file = folder / "edgerund.yaml"
        file.write_text(yaml.safe_dump({**settings, "runtime_dir": str(folder)}), encoding="utf-8")
        words = folder / "log" if log is None else log
        with words.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "edgerund", "serve", "--config", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            try:
                _wait_ready(process, folder, words)
                yield folder
            finally:
                process.terminate()
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _wait_ready(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    until_s = time.monotonic() + START_S
    with ControlClient(folder, timeout_s=5.0) as control:
        while time.monotonic() < until_s:
            if process.poll() is not None:
                said = log.read_text(errors="replace").strip()
                raise StartError(
                    f"cannot start the daemon: it ended with {process.returncode}\n{said}"
                )
            try:
                if control.call("ping", timeout_s=1.0)["ready"]:
                    return
            except ControlError:
                pass  # not there yet
            time.sleep(0.02)
    raise StartError(f"cannot start the daemon: not ready within {START_S:g} s, see {log}")
