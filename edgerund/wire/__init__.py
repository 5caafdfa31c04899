"""The wire: frames of a ZeroMQ message to and from requests and replies. Bytes only, no sockets.

``docs/protocol.md`` describes every byte. The server's turn is ``split``, ``parse_request``, ``encode_reply``;
the client's is ``encode_request``, ``parse_reply``.
"""

from __future__ import annotations

from edgerund.wire.frames import (
    DTYPES,
    Buffer,
    TensorHead,
    as_array,
    pack,
    split,
)
from edgerund.wire.header import MAX_HEADER_BYTES, VERSION
from edgerund.wire.reply import (
    Failure,
    Known,
    Outcome,
    Reply,
    Timings,
    encode_reply,
    error_reply,
    parse_reply,
    reason_item,
)
from edgerund.wire.request import (
    ENCODINGS,
    MAX_BYTES,
    OPS,
    Request,
    encode_request,
    parse_request,
    salvage_id,
)

__all__ = [
    "DTYPES",
    "ENCODINGS",
    "MAX_BYTES",
    "MAX_HEADER_BYTES",
    "OPS",
    "VERSION",
    "Buffer",
    "Failure",
    "Known",
    "Outcome",
    "Reply",
    "Request",
    "TensorHead",
    "Timings",
    "as_array",
    "encode_reply",
    "encode_request",
    "error_reply",
    "pack",
    "parse_reply",
    "parse_request",
    "reason_item",
    "salvage_id",
    "split",
]
