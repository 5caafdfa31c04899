"""The daemon's settings file: which ladders, which policy, which sockets, how much memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from edgerund.config.source import Document, Strict, read_yaml, validate
from edgerund.errors import StartError
from edgerund.rundir import SYSTEM_DIR

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def _octal(value: Any) -> Any:
    """YAML 1.1 reads 0660 as octal, but 0o660 as text."""
    if isinstance(value, str):
        try:
            value = int(value, 8)
        except ValueError:
            raise ValueError(f"cannot read the permissions {value!r}: write 0660") from None
    if isinstance(value, int) and not 0 <= value <= 0o777:
        raise ValueError(f"cannot use the permissions {value}: write them in octal, such as 0660")
    return value


def _known_transport(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    for e in endpoints:
        if not e.startswith(("ipc://", "tcp://")) or len(e) < 8:
            raise ValueError(f"cannot listen on {e!r}: write ipc:///path or tcp://address:port")
    return endpoints


Endpoints = Annotated[tuple[str, ...], AfterValidator(_known_transport)]


class LadderSettings(Strict):
    """One ladder that the daemon serves."""

    path: Path = Field(
        description="Folder with a ladder.yaml, or the file itself; relative to the settings file."
    )
    endpoints: Endpoints = Field(
        default=(),
        description="Further ZeroMQ endpoints beside <runtime_dir>/<ladder>.sock, such as tcp://127.0.0.1:5571.",
    )
    threads: int = Field(default=1, ge=1, le=256, description="Threads that one inference may use.")
    cpus: tuple[int, ...] = Field(
        default=(), description="Cores of this ladder's worker; empty: all of them."
    )
    max_queue: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Requests that may wait; one more is answered 'busy'.",
    )


class MetricsSettings(Strict):
    """The Prometheus endpoint."""

    address: str = Field(
        default="127.0.0.1", description="Address to listen on; loopback unless you say otherwise."
    )
    port: int = Field(
        default=9820, ge=1, le=65535, description="TCP port; scrape http://address:port/metrics."
    )


class SensorSettings(Strict):
    """What is read from the machine."""

    sysroot: Path = Field(
        default=Path("/"), description="Root of /sys and /proc: another board, or a simulated one."
    )
    enabled: tuple[str, ...] | None = Field(
        default=None, description="Readers by name; unset: every built-in one."
    )
    options: dict[str, dict[str, object]] = Field(
        default_factory=dict, description="Options per reader."
    )


class RecorderSettings(Strict):
    """The flight recorder."""

    file: Path = Field(description="Where snapshots and decisions go, as JSON lines.")
    max_mb: int = Field(
        default=32,
        ge=1,
        le=100_000,
        description="Size of all files together; the oldest goes first.",
    )


class Settings(Strict):
    """The whole file. Every key has a default but ``ladders``."""

    ladders: tuple[LadderSettings, ...] = Field(min_length=1, description="What is served.")
    policy: Path | None = Field(
        default=None, description="Policy file, or the name of a bundled one; unset: 'default'."
    )
    runtime_dir: Path | None = Field(
        default=None,
        description="Folder of the sockets; unset: systemd's, /run/edgerund as root, else $XDG_RUNTIME_DIR/edgerund.",
    )
    socket_mode: Annotated[int, BeforeValidator(_octal)] = Field(
        default=0o660,
        description="Permissions of the sockets, in octal.",
        json_schema_extra={"default": "0660"},
    )
    watch_endpoints: Endpoints = Field(
        default=(),
        description="Further ZeroMQ endpoints beside <runtime_dir>/watch.sock for those who follow changes.",
    )
    tick_s: float = Field(default=1.0, ge=0.05, le=60, description="Time between two decisions.")
    hang_s: float = Field(
        default=10.0, ge=0.5, le=600, description="A worker silent for so long is killed."
    )
    drain_s: float = Field(
        default=2.0, ge=0, le=60, description="How long a stopping worker answers what waits."
    )
    memory_budget_mb: int | None = Field(
        default=None,
        ge=8,
        description="Memory for resident variants; unset: half of MemAvailable at start.",
    )
    cache_dir: Path | None = Field(
        default=None, description="Where backends keep what they build; unset: nowhere."
    )
    metrics: MetricsSettings | None = Field(default=None, description="Unset: no port is opened.")
    sensors: SensorSettings = SensorSettings()
    actuators: dict[str, dict[str, object]] = Field(
        default_factory=dict,
        description="Options per actuator that a policy may use, such as nvpmodel: {modes: [0, 2]}.",
    )
    recorder: RecorderSettings | None = Field(
        default=None, description="Unset: nothing is recorded."
    )


def load_settings(path: Path) -> tuple[Settings, Document]:
    """Read and check one settings file. Raises ConfigError with every mistake."""
    document = read_yaml(path)
    return validate(Settings, document), document


def default_runtime_dir() -> Path:
    """Where the sockets live when nobody says otherwise: where clients look. Raises StartError."""
    given = os.environ.get("RUNTIME_DIRECTORY")  # set by systemd for RuntimeDirectory=
    if given:
        return Path(given.split(":")[0])
    if os.geteuid() == 0:
        return SYSTEM_DIR
    user = os.environ.get("XDG_RUNTIME_DIR")
    if not user:
        raise StartError(
            "cannot choose a runtime folder: set runtime_dir in the settings, or XDG_RUNTIME_DIR"
        )
    return Path(user) / "edgerund"
