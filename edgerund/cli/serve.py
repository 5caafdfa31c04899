"""``edgerund serve``: run the daemon in the foreground; systemd and the terminal are its supervisors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """The arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "serve",
        help="run the daemon",
        description="Run the daemon until SIGTERM or Ctrl-C; SIGHUP reloads. Without --config it reads "
        "/etc/edgerund/edgerund.yaml, and where that is missing it serves the bundled ladder.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (YAML)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run it."""
    from edgerund.daemon.main import serve

    return serve(args.config)
