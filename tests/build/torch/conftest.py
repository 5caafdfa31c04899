"""Everything here needs torch: `pip install 'edgerund[train]'`, or `TRAIN=1 tools/test`."""

from __future__ import annotations

import importlib.util

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [p for p in ("torch", "torch_pruning") if importlib.util.find_spec(p) is None]
    if missing:
        reason = f"{' and '.join(missing)} not installed: TRAIN=1 tools/test"
        for item in items:
            if "tests/build/torch/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=reason))
