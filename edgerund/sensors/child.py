"""A reader whose library lives in a process of its own: JSON lines over pipes, restarted when it dies.

For libraries that are heavy, that may crash, or whose licence must not reach into the daemon. The child leaves
when its standard input ends, so it never outlives the daemon.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.base import FileSensor
from edgerund.types import NoData, Reading, Sense

Row: TypeAlias = tuple[str, float | None, str, float, str, str, str]
LONGEST_LINE = 65_536
_NONSENSE = ("garbage", "the helper process does not speak the JSON lines that are due")
_SHORTEST_REST_S, _LONGEST_REST_S = 0.5, 30.0


class ChildSensor(FileSensor):
    """Starts ``python -m <module> <settings as JSON>`` and hands on what it says.

    Each line of the child is ``{"at": monotonic seconds, "senses": [[name, value, unit, at, source], ...]}``,
    where a value may be ``null`` and then two texts follow, reason and detail; or ``{"failed": [reason, detail]}``.
    A sense older than ``max_age_s`` is ``stale``. ``headline`` is the sense that is missing while nothing was said.
    """

    period_s = 0.5
    max_age_s = 5.0
    module = ""
    headline = ""

    def __init__(
        self,
        root: SysRoot,
        clock: Clock,
        settings: Mapping[str, object],
        period_s: float | None = None,
    ) -> None:
        super().__init__(root, clock, period_s)
        self._settings = json.dumps(settings)
        self._child: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._latest: dict[str, Row] = {}
        self._failed = ("waiting", "the helper process has said nothing yet")
        self._rest_s, self._start_at_s = _SHORTEST_REST_S, 0.0

    def probe(self) -> str | None:
        self._keep_running()
        return None

    def read(self) -> Iterable[Sense]:
        self._keep_running()
        for line in self._lines():
            self._take(line)
        now_s = self._clock.monotonic_s()
        senses = [_sense(row, now_s, self.max_age_s) for row in self._latest.values()]
        return senses or [NoData(self.headline, *self._failed)]

    def tell(self, message: Mapping[str, object]) -> None:
        """One line to the child; lost if the child does not read."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                os.write(self._child.stdin.fileno(), json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.stdout.close()
        child.terminate()
        try:
            child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _keep_running(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._child is not None and self._child.poll() is not None:
            for line in self._lines():  # its last words
                self._take(line)
            code = self._child.returncode
            self.close()
            self._start_at_s = now_s + self._rest_s
            self._rest_s = min(_LONGEST_REST_S, 2 * self._rest_s)
            if self._failed[0] == "waiting":
                self._failed = ("io", f"the helper process ended with {code}")
        if self._child is None and now_s >= self._start_at_s:
            self._start()

    def _start(self) -> None:
        self._buffer = b""
        self._child = subprocess.Popen(
            [sys.executable, "-m", self.module, self._settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)

    def _lines(self) -> list[bytes]:
        if self._child is None or self._child.stdout is None:
            return []
        with contextlib.suppress(BlockingIOError):
            # bounded: a child that never stops talking must not keep this thread
            for _ in range(16):
                self._buffer += os.read(self._child.stdout.fileno(), LONGEST_LINE)
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > LONGEST_LINE:
            self._buffer, self._failed = b"", _NONSENSE
        return lines

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            rows = message.get("senses", ())
            self._latest.update({row[0]: row for row in map(_row, rows)})
            if "failed" in message:
                reason, detail = message["failed"]
                self._failed = (str(reason), str(detail))
            elif rows:
                self._rest_s = _SHORTEST_REST_S
        except (ValueError, TypeError, IndexError, AttributeError):
            self._failed = _NONSENSE


def say(message: Mapping[str, object]) -> None:
    """One line from the child to the daemon."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def fail(reason: str, detail: str) -> int:
    """The child's last words; its exit code."""
    say({"failed": [reason, detail]})
    return 1


def _row(row: list[Any]) -> Row:
    """One sense of a line. Raises ValueError, TypeError, IndexError for what is none."""
    name, value, unit, at_s, source = row[:5]
    why = (str(row[5]), str(row[6])) if value is None else ("", "")
    return (
        str(name),
        None if value is None else float(value),
        str(unit),
        float(at_s),
        str(source),
        *why,
    )


def _sense(row: Row, now_s: float, max_age_s: float) -> Sense:
    name, value, unit, at_s, source, reason, detail = row
    if value is None:
        return NoData(name, reason, detail, source)
    age_s = max(0.0, now_s - at_s)
    if age_s > max_age_s:
        return NoData(name, "stale", f"last heard {age_s:.1f} s ago", source)
    return Reading(name, value, unit, age_s, source)
