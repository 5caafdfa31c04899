"""Puts a finished folder where a ladder shall lie, at once: nobody ever sees half of it, nor none where one was."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from edgerund.checksum import file_sha256
from edgerund.config.ladder import LADDER_FILE
from edgerund.errors import BuildError

MARK = "build.json"
"""Says that the factory made a ladder, and which of the files in its folder are the ladder's."""

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def check_target(target: Path, *, replace: bool) -> None:
    """Raises BuildError where something lies at ``target`` that is not a ladder as the factory made it."""
    if not target.exists() or replace:
        return
    if not target.is_dir():
        raise BuildError(f"cannot put a ladder at {target}: it is no folder; choose another --out")
    if not any(target.iterdir()):
        return
    told = _mark(target)
    if told is None:
        raise BuildError(
            f"cannot overwrite {target}: the factory did not make what is in there; choose another --out, "
            "or --replace"
        )
    if _sha256(target / LADDER_FILE) != told["files"].get(LADDER_FILE):
        raise BuildError(
            f"cannot overwrite {target}: its {LADDER_FILE} was edited since it was made; choose another --out, "
            "or --replace"
        )


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A temporary folder on the same file system as ``target``; gone afterwards unless it was put in place.

    What builds that were killed left there is swept away: nobody holds the lock on such a folder any more.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.building-"
    for left in target.parent.glob(glob.escape(prefix) + "*"):
        with _lock(left) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    folder.chmod(0o755)
    with _lock(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Holds the lock on a folder, if nobody else does; the system lets go of it when a process dies."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False  # somebody took it away meanwhile
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(descriptor)


def seal(folder: Path, told: Mapping[str, Any]) -> None:
    """Write the mark: what is told of the build, and the fingerprint of each file that is there."""
    files = {
        p.relative_to(folder).as_posix(): file_sha256(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    text = json.dumps({**told, "files": files}, indent=1)
    (folder / MARK).write_text(text + "\n", encoding="utf-8")


def put(folder: Path, target: Path) -> None:
    """Make ``folder`` what lies at ``target``. Files there that are no part of a ladder stay.

    What was there is exchanged in one step where the system can do so (Linux 3.15, glibc 2.28).
    """
    if not target.exists():
        folder.rename(target)
        return
    _keep_foreign(target, folder)
    if not _exchange(folder, target):
        old = folder.with_name(folder.name + "-old")
        target.rename(old)
        folder.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _keep_foreign(old: Path, new: Path) -> None:
    """Copy what is no part of the old ladder: a README, frames, the recipe."""
    parts = _parts(old)
    for file in sorted(p for p in old.rglob("*") if p.is_file() or p.is_symlink()):
        name = file.relative_to(old)
        if name.as_posix() not in parts and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, new / name, follow_symlinks=False)


def _parts(folder: Path) -> set[str]:
    """The files of the ladder in ``folder``: what the factory wrote, else what its ``ladder.yaml`` names."""
    told = _mark(folder)
    if told is not None:
        return {MARK, *told["files"]}
    try:
        written = yaml.safe_load((folder / LADDER_FILE).read_text(encoding="utf-8"))
        golden = written.get("golden") or {}
        named = [written.get("labels_file"), golden.get("file")]
        for variant in written["variants"]:
            named += [variant.get("file"), variant.get("card")]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return set()
    return {LADDER_FILE, *(name for name in named if isinstance(name, str))}


def _mark(folder: Path) -> dict[str, Any] | None:
    try:
        told = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(told, dict) and isinstance(told.get("files"), dict)
    return told if whole else None


def _sha256(file: Path) -> str | None:
    try:
        return file_sha256(file)
    except OSError:
        return None


def _exchange(one: Path, other: Path) -> bool:
    """renameat2(2) with RENAME_EXCHANGE; False where there is no such thing."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = (os.fsencode(one), os.fsencode(other))
    done: int = call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE))
    return done == 0
