"""Owns the flight recording: what the daemon saw and decided, tick by tick, in bounded JSONL files.

A file is a head line and one line per tick. A restart appends a new head; a torn line (power cut) is skipped at
reading. Lines go to the kernel at once, so a crash of the daemon loses nothing; they are forced to the flash every
``sync_s`` and right after a swap, so a power cut loses at most that: 17,000 syncs a day wear out no eMMC in
its lifetime, one per tick on an SD card would. All of it happens in a thread of its own: a sync can take 100 ms.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from edgerund.clock import Clock
from edgerund.errors import StartError
from edgerund.observe.codec import SCHEMA, Table, compact, encode
from edgerund.types import Decisions, Snapshot

_log = logging.getLogger("edgerund.observe")

FORMAT = 1
MOST_WAITING = 64
_Tick: TypeAlias = tuple[Snapshot, Decisions, object]


@dataclass(frozen=True, slots=True)
class _Head:
    context: Mapping[str, Any]
    before: object


class Recorder:
    """Writes ``path``, and older parts beside it as ``path.1`` (newest) to ``path.<files - 1>``.

    Args:
        path: the newest file; its folder must exist.
        clock: for the time between syncs.
        max_bytes: bound on all files together.
        files: how many parts there are; the oldest one is dropped as a new one begins.
        sync_s: seconds between two syncs.
        context: put into each head (the policy and version in force), for whoever replays it.
        dump_before: makes plain data of what ``record`` is given as ``before``, for the heads of later parts.

    Raises:
        StartError: the file cannot be written, or the bounds make no sense.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        max_bytes: int = 64 * 1024 * 1024,
        files: int = 8,
        sync_s: float = 5.0,
        context: Mapping[str, Any] | None = None,
        dump_before: Callable[[Any], Any] | None = None,
    ) -> None:
        if files < 1 or max_bytes < 65_536 * files:
            raise StartError(
                f"cannot record into {files} files of {max_bytes} bytes: give each 64 KiB"
            )
        self._path, self._clock, self._files, self._sync_s = path, clock, files, sync_s
        self._part_bytes = max_bytes // files
        self._context = dict(context or {})
        self._dump_before = dump_before
        self._queue: deque[_Tick | _Head] = deque()
        self._cond = threading.Condition()
        self._closing = False
        self._idle = True
        self.dropped = 0
        self.failed: str | None = None
        self._table = Table()
        try:
            self._fd = self._open()
        except OSError as e:
            raise StartError(f"cannot record into {path}: {e.strerror}; give another place") from e
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, snapshot: Snapshot, decisions: Decisions, before: object = None) -> None:
        """Hand over one tick; never waits. If the disk is too slow the oldest waiting ticks are dropped.

        ``before`` is the controller's state before this decision (frozen, so that it may be handed to a thread):
        it stands in the head of a part that begins with this tick, and lets that part be replayed alone.
        """
        self._put((snapshot, decisions, before))

    def restart(self, context: Mapping[str, Any], before: object = None) -> None:
        """The controller goes on from another state here (another policy): a new head with this context.

        ``before`` is that state, None: a clean one.
        """
        self._put(_Head(dict(context), before))

    def _put(self, item: _Tick | _Head) -> None:
        with self._cond:
            if self.failed is not None or self._closing:
                return
            if len(self._queue) >= MOST_WAITING:
                self._drop_one()
            self._queue.append(item)
            self._idle = False
            self._cond.notify_all()

    def _drop_one(self) -> None:
        """The oldest tick; a head stays, or what follows would be read under the wrong policy."""
        oldest = next((i for i, item in enumerate(self._queue) if isinstance(item, tuple)), 0)
        del self._queue[oldest]
        self.dropped += 1

    def flush(self) -> None:
        """Wait until everything handed over so far is written: for whoever is faster than a disk."""
        with self._cond:
            self._cond.wait_for(lambda: self._idle or self.failed is not None)

    def close(self) -> None:
        """Write what waits, sync, and close. Closing twice is allowed."""
        with self._cond:
            self._closing = True
            self._cond.notify_all()
        self._thread.join()

    # ------------------------------------------------------------------ the thread
    def _run(self) -> None:
        try:
            self._write_all()
            os.fdatasync(self._fd)
        except OSError as e:
            with self._cond:
                self.failed = e.strerror or str(e)
                self._cond.notify_all()
            _log.error(
                "cannot go on recording into %s: %s; the daemon runs on", self._path, self.failed
            )
        if self._fd >= 0:
            os.close(self._fd)

    def _write_all(self) -> None:
        synced_s = self._clock.monotonic_s()
        while True:
            with self._cond:
                while not self._queue and not self._closing:
                    self._idle = True
                    self._cond.notify_all()
                    self._cond.wait()
                if not self._queue:
                    return
                item = self._queue.popleft()
            if not isinstance(item, tuple):
                self._context = dict(item.context)
                self._head(item.before)
                continue
            self._write(*item)
            now_s = self._clock.monotonic_s()
            if now_s - synced_s >= self._sync_s or any(d.changed for d in item[1].values()):
                os.fdatasync(self._fd)
                synced_s = now_s

    def _write(self, snapshot: Snapshot, decisions: Decisions, before: object) -> None:
        line = self._line(snapshot, decisions)
        if self._size + len(line) > self._part_bytes:
            self._rotate(before)
            line = self._line(snapshot, decisions)  # the new part has a table of its own
        self._append(line)

    def _line(self, snapshot: Snapshot, decisions: Decisions) -> bytes:
        body = {"s": encode(snapshot, self._table), "d": encode(decisions, self._table)}
        fresh = self._table.take_fresh()
        return compact({"new": fresh, **body} if fresh else body).encode() + b"\n"

    def _append(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        self._size += len(line)

    def _open(self, before: object = None) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, 0o640)
        self._size = os.fstat(self._fd).st_size
        if self._size and os.pread(self._fd, 1, self._size - 1) != b"\n":
            self._append(b"\n")  # the last line of a run that lost its power
        self._head(before)
        return self._fd

    def _head(self, before: object = None) -> None:
        self._table = Table()
        head: dict[str, Any] = {
            "edgerund_record": FORMAT,
            "wall_s": self._clock.wall_s(),
            "fields": SCHEMA,
            "context": self._context,
        }
        if before is not None and self._dump_before is not None:
            head["before"] = self._dump_before(before)
        self._append(compact(head).encode() + b"\n")

    def _rotate(self, before: object) -> None:
        os.fdatasync(self._fd)
        os.close(self._fd)
        self._fd = -1
        parts = parts_of(self._path, self._files)
        if self._files == 1:
            self._path.unlink()
        for older, newer in zip(reversed(parts[1:]), reversed(parts[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)
        self._open(before)


def parts_of(path: Path, files: int = 8) -> list[Path]:
    """The files of one recording, newest first, whether or not they exist."""
    return [path, *(path.with_name(f"{path.name}.{n}") for n in range(1, files))]
