"""The snippets of docs/client.md run against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import edgerund
from edgerund.client import AsyncClient, Client
from tests.client.conftest import Daemon

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_page_has_its_snippets() -> None:
    assert len(SNIPPETS) == PAGE.count("```python") == 6


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_runs_as_it_stands(
    shared_daemon: Daemon, client: Client, snippet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Client() finds its daemon as it does for a user
    home = shared_daemon.folder.parent / "home"
    home.mkdir(exist_ok=True)
    if not (home / "edgerund").exists():
        (home / "edgerund").symlink_to(shared_daemon.folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    frame = np.ones((4, 5, 3), np.uint8)
    exec(
        compile(snippet, "docs/client.md", "exec"),
        {"client": client, "frame": frame, "frames": [frame] * 6},
    )


def test_the_package_offers_what_the_page_names() -> None:
    assert edgerund.Client is Client
    assert edgerund.AsyncClient is AsyncClient
    with pytest.raises(AttributeError, match="Clinet"):
        _ = edgerund.Clinet
