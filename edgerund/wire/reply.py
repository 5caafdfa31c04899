"""Replies: exactly one for every request, a result or an error with a code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from edgerund.errors import BadRequest, InferenceFailed, RequestError, Unsupported
from edgerund.types import Reason
from edgerund.wire import header as h
from edgerund.wire.frames import Buffer, TensorHead, as_array, split

if TYPE_CHECKING:
    from edgerund.wire.frames import Array

Outcome: TypeAlias = Literal["met", "missed"]
Known: TypeAlias = Literal["met", "missed", "unknown"]

MAX_REPLY_HEADER_BYTES = 16 * 1024 * 1024
MAX_REPLY_BRACKETS = 1 << 20
MAX_MESSAGE_CHARS = 500


class Timings(NamedTuple):
    """Where the time went, in microseconds: waiting, preparing the frame, the engine, arrival to reply."""

    queue_us: int
    prepare_us: int
    infer_us: int
    total_us: int


class Failure(NamedTuple):
    """Why there is no result: ``code`` is a key of ``errors.WIRE_ERRORS``, ``message`` one sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. ``error`` None: it is a result.

    ``variant`` answered, ``reason`` tells why it is not the best one (None: it is). ``result`` is the task's JSON;
    ``tensors`` describe the ``payload`` frames. ``deadline`` is None where the request had none; ``accuracy`` tells
    whether ``variant`` is known to have the accuracy that was asked for, None where none was. ``suggested_fps`` is
    how many frames a second the daemon advises all clients of this ladder together to send, None where it does not.
    """

    id: str = ""
    variant: str = ""
    task: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    tensors: tuple[TensorHead, ...] = ()
    payload: tuple[Buffer, ...] = ()
    reason: Reason | None = None
    timings: Timings | None = None
    deadline: Outcome | None = None
    error: Failure | None = None
    accuracy: Known | None = None
    suggested_fps: float | None = None

    @property
    def ok(self) -> bool:
        """True for a result."""
        return self.error is None

    def arrays(self) -> list[Array]:
        """The tensors of the reply: read-only views of its payload frames."""
        return [
            as_array(p, t.dtype, t.shape) for t, p in zip(self.tensors, self.payload, strict=True)
        ]


def error_reply(
    error: RequestError, request_id: str = "", deadline: Outcome | None = None, variant: str = ""
) -> Reply:
    """The reply for a request that ended in ``error``."""
    failure = Failure(error.wire_code or "bad_request", str(error)[:MAX_MESSAGE_CHARS])
    return Reply(id=request_id, variant=variant, deadline=deadline, error=failure)


def encode_reply(envelope: Sequence[Buffer], reply: Reply) -> list[Buffer]:
    """The frames to send: the request's envelope, the header, the payload.

    Raises:
        InferenceFailed: ``result`` is not JSON (a value that is not finite, a type JSON does not have).
    """
    header: dict[str, Any] = {"v": h.VERSION, "ok": reply.error is None}
    if reply.id:
        header["id"] = reply.id
    if reply.error is not None:
        header["error"] = {"code": reply.error.code, "message": reply.error.message}
    if reply.variant:
        header["variant"] = reply.variant
    if reply.reason is not None:
        header["reason"] = reason_item(reply.reason)
    if reply.task:
        header["task"] = reply.task
    if reply.error is None:
        header["result"] = reply.result
    if reply.tensors:
        header["outputs"] = h.head_items(reply.tensors)
    if reply.timings is not None:
        header["timings"] = reply.timings._asdict()
    for key in ("deadline", "accuracy", "suggested_fps"):
        if getattr(reply, key) is not None:
            header[key] = getattr(reply, key)
    try:
        text = h.encode_json(header)
    except (ValueError, TypeError, RecursionError) as e:
        raise InferenceFailed(f"cannot encode the result as JSON: {e}") from e
    return [*envelope, text.encode(), *reply.payload]


def parse_reply(message: Sequence[Buffer]) -> Reply:
    """Read a message as a client receives it (envelope included). Unknown keys are ignored.

    Raises:
        BadRequest: it is no reply of this protocol.
        Unsupported: a later version of it.
    """
    parts = split(message)
    if parts is None or not parts[1]:
        raise BadRequest("cannot read a reply without an envelope and a header")
    payload = tuple(parts[1][1:])
    header = h.read_header(parts[1][0], "reply", MAX_REPLY_HEADER_BYTES, MAX_REPLY_BRACKETS)
    if header.get("v") != h.VERSION or type(header["v"]) is not int:
        raise Unsupported(f"cannot read a reply of version {h.shorten(header.get('v'))}")
    error = _read_failure(header)
    result = header.get("result", {})
    if type(result) is not dict:
        raise BadRequest("cannot read the reply's result: an object is wanted")
    deadline = header.get("deadline")
    if deadline not in (None, "met", "missed"):
        raise BadRequest(f"cannot read the reply's deadline {h.shorten(deadline)}")
    accuracy = header.get("accuracy")
    if accuracy not in (None, "met", "missed", "unknown"):
        raise BadRequest(f"cannot read the reply's accuracy {h.shorten(accuracy)}")
    return Reply(
        id=h.read_name(header, "id", "the reply"),
        variant=_read_text(header, "variant"),
        task=_read_text(header, "task"),
        result=result,
        tensors=h.read_heads(header.get("outputs", []), payload, "outputs", allow_empty=True),
        payload=payload,
        reason=_read_reason(header.get("reason")),
        timings=_read_timings(header.get("timings")),
        deadline=cast("Outcome | None", deadline),
        error=error,
        accuracy=cast("Known | None", accuracy),
        suggested_fps=_read_number(header, "suggested_fps"),
    )


def reason_item(reason: Reason) -> dict[str, Any]:
    """A reason as replies and the watch socket carry it: JSON-ready, without what is absent."""
    item: dict[str, Any] = {"code": reason.code, "text": reason.text}
    if reason.constraint:
        item["constraint"] = reason.constraint
    if reason.observed is not None:
        item["observed"] = reason.observed
    if reason.limit is not None:
        item["limit"] = reason.limit
    return item


def _read_failure(header: Mapping[str, Any]) -> Failure | None:
    ok = header.get("ok")
    if ok is True:
        return None
    error = header.get("error")
    if ok is not False or type(error) is not dict:
        raise BadRequest('cannot read a reply that has neither "ok": true nor an error')
    return Failure(_read_text(error, "code"), _read_text(error, "message"))


def _read_reason(item: object) -> Reason | None:
    if item is None:
        return None
    if type(item) is not dict:
        raise BadRequest("cannot read the reply's reason: an object is wanted")
    return Reason(
        _read_text(item, "code"),
        _read_text(item, "text"),
        _read_text(item, "constraint"),
        _read_number(item, "observed"),
        _read_number(item, "limit"),
    )


def _read_timings(item: object) -> Timings | None:
    if item is None:
        return None
    if type(item) is not dict or any(type(item.get(name)) is not int for name in Timings._fields):
        raise BadRequest("cannot read the reply's timings: four integers are wanted")
    return Timings(*(item[name] for name in Timings._fields))


def _read_text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key, "")
    if type(value) is not str:
        raise BadRequest(f"cannot read {key!r} of the reply: a string is wanted")
    return value


def _read_number(item: Mapping[str, Any], key: str) -> float | None:
    value = item.get(key)
    if value is not None and type(value) not in (int, float):
        raise BadRequest(f"cannot read {key!r} of the reply: a number is wanted")
    return cast("float | None", value)
