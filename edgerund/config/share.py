"""Where the files that come with edgerund lie: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

import edgerund

_PACKAGE = Path(edgerund.__file__).resolve().parent
SYSTEM_SETTINGS = Path("/etc/edgerund/edgerund.yaml")
"""Read when no settings file is named."""


def shared_file(name: str) -> Path:
    """``variants/cifar10``, ``policies/default.yaml``, ``systemd/edgerund.service`` ... The path may not exist."""
    installed = _PACKAGE / "share" / name
    return installed if installed.exists() else _PACKAGE.parent / name
