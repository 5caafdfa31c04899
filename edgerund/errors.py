"""Every error that edgerund raises on purpose.

::

    EdgerundError                  exit  wire
    ├── UsageError                   2    -            a command line or a call that makes no sense
    ├── ConfigError                 10    -            settings, policy or ladder file is wrong (file:line)
    ├── LadderError                 11    -            a ladder with no usable variant
    ├── PluginError                 12    -            a backend, sensor or decoder that cannot be loaded
    ├── StartError                  13    -            a socket, folder or process that cannot be set up
    ├── ControlError                14    -            the daemon refused or did not answer a command
    ├── EngineError                 15  engine         a variant that failed to load or to infer
    ├── BuildError                  17    -            a stage of the ladder factory that cannot be done
    └── RequestError                16    -            one request that gets an error reply
        ├── BadRequest              16  bad_request    header, encoding, dtype, shape or payload is wrong
        ├── TooLarge                16  too_large      more bytes or pixels than the ladder accepts
        ├── Busy                    16  busy           the queue is full: send less, or later
        ├── Expired                 16  expired        the deadline passed before an answer was ready
        ├── Unavailable             16  unavailable    no engine is live (starting, or every variant failed)
        ├── InferenceFailed         16  engine         the live engine failed on this input
        ├── Unsupported             16  unsupported    protocol version or operation not known here
        └── NoAnswer                16    -            client side: nothing came within the time-out

Messages begin with "cannot", name the thing, and say what to do. ``exit_code`` is what the command
line returns; ``wire_code`` is what a reply carries. ``docs/reference/errors.md`` is generated from this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class EdgerundError(Exception):
    """Base of every error that edgerund raises on purpose."""

    exit_code = 1
    wire_code = ""


class UsageError(EdgerundError):
    """A command line, or a call of the client library, that makes no sense."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that somebody wrote.

    ``line`` counts from 1; 0 means that the mistake has no line (a missing file).
    """

    file: str
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"
        )


class ConfigError(EdgerundError):
    """Settings, policy or ladder file is wrong; carries every mistake found, not only the first."""

    exit_code = 10

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class LadderError(EdgerundError):
    """A ladder with no usable variant."""

    exit_code = 11


class PluginError(EdgerundError):
    """A backend, sensor or decoder that cannot be loaded."""

    exit_code = 12


class StartError(EdgerundError):
    """A socket, folder or process that cannot be set up."""

    exit_code = 13


class ControlError(EdgerundError):
    """The daemon refused or did not answer a command."""

    exit_code = 14


class EngineError(EdgerundError):
    """A variant that failed to load or to infer."""

    exit_code = 15
    wire_code = "engine"


class BuildError(EdgerundError):
    """A stage of the ladder factory that cannot be done."""

    exit_code = 17


class RequestError(EdgerundError):
    """One request that gets an error reply."""

    exit_code = 16
    wire_code = "bad_request"


class BadRequest(RequestError):
    """Header, encoding, dtype, shape or payload is wrong."""


class TooLarge(RequestError):
    """More bytes or pixels than the ladder accepts."""

    wire_code = "too_large"


class Busy(RequestError):
    """The queue is full: send less, or later."""

    wire_code = "busy"


class Expired(RequestError):
    """The deadline passed before an answer was ready."""

    wire_code = "expired"


class Unavailable(RequestError):
    """No engine is live: starting, or every variant failed."""

    wire_code = "unavailable"


class InferenceFailed(RequestError):
    """The live engine failed on this input."""

    wire_code = "engine"


class Unsupported(RequestError):
    """Protocol version or operation not known here."""

    wire_code = "unsupported"


class NoAnswer(RequestError):
    """Client side: nothing came within the time-out."""

    wire_code = ""


WIRE_ERRORS: dict[str, type[RequestError]] = {
    cls.wire_code: cls
    for cls in (BadRequest, TooLarge, Busy, Expired, Unavailable, InferenceFailed, Unsupported)
}
