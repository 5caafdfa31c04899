"""Requests: what a client may ask, and every way in which a message can fail to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from edgerund.errors import BadRequest, RequestError, TooLarge, Unsupported
from edgerund.wire import header as h
from edgerund.wire.frames import Buffer, TensorHead, as_array

if TYPE_CHECKING:
    from edgerund.wire.frames import Array

Op: TypeAlias = Literal["infer", "describe", "ping"]
Encoding: TypeAlias = Literal["raw", "jpeg"]
Colour: TypeAlias = Literal["RGB", "BGR", "GRAY"]

OPS: frozenset[str] = frozenset(("infer", "describe", "ping"))
ENCODINGS: frozenset[str] = frozenset(("raw", "jpeg"))
COLOURS: frozenset[str] = frozenset(("RGB", "BGR", "GRAY"))
MAX_BYTES = 256 * 1024 * 1024
MAX_DEADLINE_MS = 86_400_000.0
MAX_PRIORITY = 255


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    ``tensors`` describe the ``payload`` frames of encoding ``raw``, one each; a ``jpeg`` has one payload frame and
    no tensor. ``deadline_ms`` counts from arrival at the server. ``stream`` and ``priority`` are carried, and have
    no effect in version 1. ``colour`` None: GRAY for frames without three channels, else RGB. ``min_accuracy`` is
    the accuracy (0..1) that the client needs.
    """

    op: Op = "infer"
    id: str = ""
    encoding: Encoding = "raw"
    tensors: tuple[TensorHead, ...] = ()
    payload: tuple[Buffer, ...] = ()
    colour: Colour | None = None
    deadline_ms: float | None = None
    stream: str = ""
    priority: int = 0
    min_accuracy: float | None = None

    def arrays(self) -> list[Array]:
        """The tensors of a raw request, none of a jpeg: read-only views of its payload frames."""
        return [
            as_array(p, t.dtype, t.shape) for t, p in zip(self.tensors, self.payload, strict=False)
        ]


def parse_request(body: Sequence[Buffer], *, max_bytes: int = MAX_BYTES) -> Request:
    """Read the body (header and payload frames) that ``split`` returned.

    Raises:
        BadRequest: anything wrong with header or payload.
        Unsupported: a protocol version, operation or encoding that this server does not know.
        TooLarge: header above 16 KiB, or payload above ``max_bytes``.
    """
    if not body:
        raise BadRequest("cannot read a request without a header frame")
    header = h.read_header(body[0], "request", h.MAX_HEADER_BYTES, h.MAX_BRACKETS)
    _check_version(header)
    op = header.get("op")
    if type(op) is not str or op not in OPS:
        raise Unsupported(f"cannot do op {h.shorten(op)}: known are infer, describe, ping")
    payload = tuple(body[1:])
    identity = h.read_name(header, "id", "the request")
    if op != "infer":
        if payload:
            raise BadRequest(f"cannot take payload frames with op {op}: send the header alone")
        return Request(cast("Op", op), identity)
    _check_size(payload, max_bytes)
    encoding = header.get("encoding", "raw")
    if type(encoding) is not str or encoding not in ENCODINGS:
        raise Unsupported(f"cannot take encoding {h.shorten(encoding)}: known are raw, jpeg")
    if encoding == "jpeg":
        _check_jpeg(payload)
        tensors: tuple[TensorHead, ...] = ()
    else:
        tensors = _read_tensors(header, payload)
    colour = header.get("colour")
    if colour is not None and (type(colour) is not str or colour not in COLOURS):
        raise BadRequest(f"cannot take colour {h.shorten(colour)}: known are RGB, BGR, GRAY")
    return Request(
        "infer",
        identity,
        cast("Encoding", encoding),
        tensors,
        payload,
        cast("Colour | None", colour),
        _read_deadline(header),
        h.read_name(header, "stream", "the request"),
        _read_priority(header),
        _read_accuracy(header),
    )


def encode_request(request: Request) -> list[Buffer]:
    """The frames that a DEALER sends: an empty one, the header, the payload."""
    header: dict[str, Any] = {"v": h.VERSION, "op": request.op}
    if request.id:
        header["id"] = request.id
    if request.op == "infer":
        header["encoding"] = request.encoding
    if request.encoding == "raw" and request.tensors:
        if len(request.tensors) == 1 and not request.tensors[0].name:
            header["dtype"], header["shape"] = request.tensors[0][:2]
        else:
            header["inputs"] = h.head_items(request.tensors)
    if request.colour is not None:
        header["colour"] = request.colour
    if request.deadline_ms is not None:
        header["deadline_ms"] = request.deadline_ms
    if request.stream:
        header["stream"] = request.stream
    if request.priority:
        header["priority"] = request.priority
    if request.min_accuracy is not None:
        header["min_accuracy"] = request.min_accuracy
    try:
        text = h.encode_json(header)
    except ValueError as e:
        raise BadRequest(f"cannot encode the request: {e}") from e
    return [b"", text.encode(), *request.payload]


def salvage_id(body: Sequence[Buffer]) -> str:
    """The id of a message that is no valid request, for its error reply; "" where there is none."""
    try:
        header = h.read_header(body[0], "request", h.MAX_HEADER_BYTES, h.MAX_BRACKETS)
        return h.read_name(header, "id", "the request")
    except (IndexError, RequestError):
        return ""


def _check_version(header: Mapping[str, Any]) -> None:
    version = header.get("v")
    if version is None:
        raise BadRequest('cannot read a request without "v": this server speaks version 1')
    if type(version) is not int or version != h.VERSION:
        raise Unsupported(
            f"cannot speak version {h.shorten(version)}: this server speaks version 1"
        )


def _check_size(payload: Sequence[Buffer], max_bytes: int) -> None:
    if not payload:
        raise BadRequest("cannot infer without a payload frame")
    total = sum(map(len, payload))
    if total > max_bytes:
        raise TooLarge(f"cannot take {total} payload bytes: this ladder takes at most {max_bytes}")


def _check_jpeg(payload: Sequence[Buffer]) -> None:
    if len(payload) != 1:
        raise BadRequest(f"cannot take {len(payload)} payload frames: a jpeg request has one")
    if len(payload[0]) < 4 or bytes(payload[0][:2]) != b"\xff\xd8":
        raise BadRequest("cannot read the payload as JPEG: it does not start with FF D8")


def _read_tensors(header: Mapping[str, Any], payload: Sequence[Buffer]) -> tuple[TensorHead, ...]:
    inputs = header.get("inputs")
    if inputs is not None:
        if "shape" in header or "dtype" in header:
            raise BadRequest('cannot take "inputs" beside "dtype" and "shape": send one of the two')
        return h.read_heads(inputs, payload, "inputs")
    if len(payload) != 1:
        raise BadRequest(
            f'cannot match {len(payload)} payload frames: describe each one in "inputs"'
        )
    return (
        h.read_head(
            {"dtype": header.get("dtype"), "shape": header.get("shape")}, payload[0], "the frame"
        ),
    )


def _read_deadline(header: Mapping[str, Any]) -> float | None:
    value = header.get("deadline_ms")
    if value is None:
        return None
    # the comparison also refuses NaN and infinity, and takes integers that no float can hold
    if type(value) not in (int, float) or not 0 < value <= MAX_DEADLINE_MS:
        raise BadRequest(
            f"cannot take deadline_ms {h.shorten(value)}: "
            "a number above 0 and up to 86400000 is wanted"
        )
    return float(value)


def _read_accuracy(header: Mapping[str, Any]) -> float | None:
    value = header.get("min_accuracy")
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < value <= 1:
        raise BadRequest(
            f"cannot take min_accuracy {h.shorten(value)}: a number above 0 and up to 1 is wanted"
        )
    return float(value)


def _read_priority(header: Mapping[str, Any]) -> int:
    value = header.get("priority", 0)
    if type(value) is not int or not 0 <= value <= MAX_PRIORITY:
        raise BadRequest(
            f"cannot take priority {h.shorten(value)}: an integer from 0 to 255 is wanted"
        )
    return value
