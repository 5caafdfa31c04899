from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.boards import BoardFixture


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[[str], BoardFixture]]:
    made: list[BoardFixture] = []

    def make(name: str) -> BoardFixture:
        made.append(BoardFixture(name, tmp_path / "board"))
        return made[-1]

    yield make
    for one in made:
        one.close()
