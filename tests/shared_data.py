"""Data that is not part of the project: looked for beside the checkout, skipped where absent."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """The path of one file or folder of the shared data; skips the test where it is absent."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"shared data {name!r} is not beside this checkout")
    return path
