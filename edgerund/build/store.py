"""The store: what each stage gave, found again by its key. A killed build leaves nothing half in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgerund.build.keys import folder_digest
from edgerund.build.technique import Artifact, Kind

_ENTRY = "entry.json"
_FILES = "files"


@dataclass(frozen=True)
class Entry:
    """One kept result. ``digest`` is the fingerprint of all its files; ``adopted`` says it was made elsewhere."""

    key: str
    stage: str
    artifact: Artifact
    digest: str
    took_s: float
    adopted: bool = False


@dataclass(frozen=True)
class Workplace:
    """Where one stage works: ``folder`` is empty and becomes the entry, ``scratch`` survives an interruption."""

    key: str
    folder: Path
    scratch: Path


@dataclass(frozen=True)
class Removed:
    """What ``clean`` takes away: its key, the stage it was made for, bytes, and days without use."""

    key: str
    stage: str
    size_bytes: int
    idle_days: float


@dataclass
class Store:
    """A folder of entries. Any number of builds may use it at once.

    ::

        entries/KEY/entry.json, entries/KEY/files/...   whole, or not there: put in place by one rename
        work/KEY/files, work/KEY/scratch                a stage that runs, or was interrupted
        answers/KEY/answers.jsonl                       what a candidate said to the test images: see profile.answered
        locks/KEY                                       held by whoever works on KEY; the system lets go of it
    """

    folder: Path
    clock: Callable[[], float] = field(default=time.time)

    def __post_init__(self) -> None:
        for name in ("entries", "work", "answers", "locks"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> Entry | None:
        """The entry of that key, its files whole; None where there is none, or where it is damaged."""
        place = self.folder / "entries" / key
        try:
            told = json.loads((place / _ENTRY).read_text(encoding="utf-8"))
            entry = _read(key, told, place)
            if folder_digest(place / _FILES) != entry.digest:
                return None
            os.utime(place, (self.clock(), self.clock()))  # when it was last of use: see clean
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry

    @contextlib.contextmanager
    def work(self, key: str, waits: Callable[[], None]) -> Iterator[Workplace]:
        """A workplace that nobody else has. ``waits`` is called if another build works on the same key.

        What a killed build left in ``folder`` is thrown away, what it left in ``scratch`` is there again.
        """
        with self._locked(key, waits):
            place = self.folder / "work" / key
            shutil.rmtree(place / _FILES, ignore_errors=True)
            (place / _FILES).mkdir(parents=True)
            (place / "scratch").mkdir(exist_ok=True)
            try:
                yield Workplace(key, place / _FILES, place / "scratch")
            finally:
                shutil.rmtree(place / _FILES, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self, key: str, waits: Callable[[], None]) -> Iterator[None]:
        with (self.folder / "locks" / key).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waits()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def keep(
        self, place: Workplace, stage: str, made: Artifact, took_s: float, adopted: bool = False
    ) -> Entry:
        """Make what lies in ``place.folder`` the entry of its key, at once and whole. Raises OSError."""
        work = place.folder.parent
        told = {
            "stage": stage,
            "kind": made.kind,
            "file": made.path.resolve().relative_to(place.folder.resolve()).as_posix(),
            "digest": folder_digest(place.folder),
            "facts": dict(made.facts),
            "how": list(made.how),
            "took_s": round(took_s, 3),
            "adopted": adopted,
        }
        text = json.dumps(told, indent=1, sort_keys=True, default=_number)
        (work / _ENTRY).write_text(text, encoding="utf-8")
        shutil.rmtree(place.scratch, ignore_errors=True)
        for file in (work / _ENTRY, *(p for p in place.folder.rglob("*") if p.is_file())):
            _sync(file)
        final = self.folder / "entries" / place.key
        shutil.rmtree(
            final, ignore_errors=True
        )  # a damaged one, else there is none: the key is locked
        work.rename(final)
        _sync(final.parent)
        return _read(place.key, json.loads(text), final)

    def clean(self, idle_days: float, *, remove: bool) -> list[Removed]:
        """Entries and interrupted work that no build used for so long; removed only if told to."""
        found = []
        for kind in ("entries", "work", "answers"):
            for place in sorted((self.folder / kind).iterdir()):
                idle = (self.clock() - place.stat().st_mtime) / 86400
                if idle >= idle_days and not self._busy(place.name):
                    found.append(Removed(place.name, _stage_of(place), _size(place), idle))
                    if remove:
                        shutil.rmtree(place, ignore_errors=True)
        return found

    def _busy(self, key: str) -> bool:
        with (self.folder / "locks" / key).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def usual_store() -> Path:
    """``$XDG_CACHE_HOME/edgerund/build``."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "edgerund" / "build"


def _read(key: str, told: Mapping[str, Any], place: Path) -> Entry:
    kind: Kind = told["kind"]
    path = place / _FILES / told["file"]
    artifact = Artifact(path, kind, told["facts"], tuple(told["how"]))
    return Entry(key, told["stage"], artifact, told["digest"], told["took_s"], told["adopted"])


def _number(value: Any) -> Any:
    """Facts may hold numpy's numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"cannot keep a {type(value).__name__} among the facts of a stage")


def _stage_of(place: Path) -> str:
    try:
        return str(json.loads((place / _ENTRY).read_text(encoding="utf-8"))["stage"])
    except (OSError, ValueError, KeyError):
        return "answers" if place.parent.name == "answers" else "interrupted work"


def _size(place: Path) -> int:
    return sum(p.stat().st_size for p in place.rglob("*") if p.is_file())


def _sync(path: Path) -> None:
    """To the disk: a rename must not survive a power cut that what it names does not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
