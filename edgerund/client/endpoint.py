"""Where the daemon listens: one unix socket per ladder in its runtime folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from edgerund.errors import StartError, UsageError
from edgerund.rundir import RESERVED, SUFFIX, SYSTEM_DIR, ladder_socket


def runtime_dirs(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a daemon may have its sockets: the user's own one first, then the system's."""
    user = environ.get("XDG_RUNTIME_DIR")
    return [Path(user) / "edgerund", SYSTEM_DIR] if user else [SYSTEM_DIR]


def ladders(folder: Path) -> list[str]:
    """The names of the ladders that have a socket in ``folder``."""
    if not folder.is_dir():
        return []
    names = (p.name for p in folder.iterdir() if p.name not in RESERVED)
    return sorted(n[: -len(SUFFIX)] for n in names if n.endswith(SUFFIX))


def find_endpoint(
    ladder: str | None = None,
    endpoint: str | None = None,
    runtime_dir: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """The ZeroMQ address to connect to.

    A named ladder need not be there yet: the client connects as soon as it is.

    Raises:
        UsageError: ``endpoint`` beside ``ladder`` or ``runtime_dir``, or several ladders and none named.
        StartError: no ladder named, and none found.
    """
    if endpoint is not None:
        if ladder is not None or runtime_dir is not None:
            raise UsageError(
                "cannot use endpoint beside ladder or runtime_dir: give one or the other"
            )
        return endpoint
    folders = [Path(runtime_dir)] if runtime_dir is not None else runtime_dirs(environ)
    if ladder is not None:
        return _address(_folder_of(ladder, folders), ladder)
    for folder in folders:
        found = ladders(folder)
        if len(found) == 1:
            return _address(folder, found[0])
        if found:
            raise UsageError(
                f"cannot choose between the ladders {', '.join(found)} in {folder}: name one (ladder=...)"
            )
    looked = " or ".join(map(str, folders))
    raise StartError(
        f"cannot find the socket of a ladder in {looked}: start the daemon (edgerund serve), "
        "or name its runtime_dir or endpoint"
    )


def _folder_of(ladder: str, folders: list[Path]) -> Path:
    if "/" in ladder or ladder in ("", ".", ".."):
        raise UsageError(
            f"cannot use {ladder!r} as the name of a ladder: it has no slash and is not empty"
        )
    for folder in folders:
        if ladder_socket(folder, ladder).exists():
            return folder
    return next((f for f in folders if f.is_dir()), folders[-1])


def _address(folder: Path, ladder: str) -> str:
    return f"ipc://{ladder_socket(folder.absolute(), ladder)}"
