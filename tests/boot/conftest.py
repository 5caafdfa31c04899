"""One machine for all boot tests: booting is quick, installing is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.boot.machine import Machine, why_not


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"cannot boot systemd: {reason}")
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        machine.boot()
        machine.install()
        yield machine
    finally:
        machine.off()


@pytest.fixture
def machine(installed: Machine) -> Iterator[Machine]:
    """The machine with the service stopped, before and after."""
    yield installed
    installed.run("systemctl", "stop", "edgerund", ok=False)
    installed.run("systemctl", "reset-failed", "edgerund", ok=False)
