"""The snippets of docs/client.md run against a real server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

import edgerund
from edgerund.client import AsyncClient, Client
from edgerund.client.watching import runtime_watch_address
from tests.client.conftest import Daemon

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


def test_the_page_has_its_snippets() -> None:
    assert len(SNIPPETS) == PAGE.count("```python") == 7


@pytest.fixture(scope="module")
def told(shared_daemon: Daemon) -> Iterator[None]:
    """What a supervisor tells those who watch, over and over."""
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.bind(runtime_watch_address(shared_daemon.folder))
    state = {"ladder": "test", "variant": "v1", "reason": None, "headroom": {"temperature": 0.05}}

    def run() -> None:
        while True:
            try:
                if socket.recv()[:1] == b"\1":
                    socket.send_multipart([b"test/", json.dumps(state).encode()])
            except zmq.ContextTerminated:
                socket.close(linger=0)
                return

    thread = threading.Thread(target=run)
    thread.start()
    yield
    context.term()
    thread.join()


@pytest.mark.parametrize("snippet", SNIPPETS)
@pytest.mark.usefixtures("told")
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
