"""Real daemons: processes of their own with a runtime folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edgerund.bench.daemon import own_daemon
from edgerund.client.control import ControlClient
from tests.waiting import wait_for


class Running:
    """A daemon under test."""

    def __init__(self, runtime_dir: Path, log: Path, control: ControlClient) -> None:
        self.runtime_dir = runtime_dir
        self.log = log
        self.control = control

    def status(self, ladder: str = "demo") -> dict[str, Any]:
        found = [x for x in self.control.call("status")["ladders"] if x["name"] == ladder]
        return dict(found[0])

    def wait_until_live(self, variant: str, ladder: str = "demo") -> None:
        wait_for(lambda: self.status(ladder)["live"] == variant, what=f"{variant} live")

    def wait_for_another_worker(self, pid: int, ladder: str = "demo") -> None:
        wait_for(lambda: self.status(ladder)["pid"] not in (None, pid), what="another worker")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start daemons; they end with the test."""
    with ExitStack() as stack:

        def go(settings: Mapping[str, Any]) -> Running:
            log = tmp_path / "daemon.log"
            sysroot = tmp_path / "sysroot"
            sysroot.mkdir(exist_ok=True)
            told = {"tick_s": 0.1, "sensors": {"sysroot": str(sysroot)}, **settings}
            runtime_dir = stack.enter_context(own_daemon(told, log))
            control = stack.enter_context(ControlClient(runtime_dir))
            return Running(runtime_dir, log, control)

        yield go
