"""Arguments and the connection that every client of the daemon shares."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgerund.client.control import ControlClient
from edgerund.client.endpoint import runtime_dirs
from edgerund.errors import ControlError
from edgerund.rundir import CONTROL_SOCKET


def add_daemon_arguments(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    """``--runtime-dir`` and, for scripts, ``--json``."""
    parser.add_argument("--runtime-dir", type=Path, help="folder of the daemon's sockets")
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def reach(args: argparse.Namespace) -> ControlClient | None:
    """The daemon if it runs; None where nobody named one and none is there, or it only starts.

    Raises:
        ControlError: the one that ``--runtime-dir`` names does not answer, or starts.
    """
    client = connect(args, timeout_s=2.0)
    try:
        if client.call("ping").get("starting"):
            raise ControlError(
                "cannot ask the daemon yet: it is starting; edgerund status tells what it waits for"
            )
    except ControlError:
        client.close()
        if args.runtime_dir is not None:
            raise
        return None
    return client


def connect(args: argparse.Namespace, timeout_s: float = 5.0) -> ControlClient:
    """The daemon's control client: the folder given, else the first one with a control socket."""
    return ControlClient(folder_of(args), timeout_s)


def folder_of(args: argparse.Namespace) -> Path:
    """The daemon's runtime folder: the one given, else the first one with a control socket."""
    if args.runtime_dir is not None:
        return Path(args.runtime_dir)
    candidates = runtime_dirs()
    return next((f for f in candidates if (f / CONTROL_SOCKET).is_socket()), candidates[0])
