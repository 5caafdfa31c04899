"""The page about the fake names every key that it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.engines.fake_answers import ANSWERS
from edgerund.engines.fake_file import KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "fake.md").read_text()


@pytest.mark.parametrize("key", [*KEYS, *ANSWERS])
def test_it_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE
