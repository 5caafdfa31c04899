"""Frozen dataclasses and named tuples to plain data and back, by their annotations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def to_plain(value: Any) -> Any:
    """Dataclasses and mappings as dicts, tuples as lists; the rest as it is.

    A named tuple with defaults stands by name too, so that it may grow; one without is a list.
    """
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and getattr(value, "_field_defaults", None):
        return {name: to_plain(getattr(value, name)) for name in type(value).__annotations__}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


@lru_cache(maxsize=64)
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def from_plain(kind: Any, data: Any) -> Any:
    """``data`` as ``kind``: a dataclass, a named tuple, tuple[X, ...], Mapping[str, X], X | None, or a scalar.

    Raises:
        ValueError: the data does not fit.
    """
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if data is None else from_plain(_only(kind), data)
    if isinstance(kind, type) and hasattr(kind, "_fields") and not isinstance(data, dict):
        return kind(*_tuple(tuple(_hints(kind).values()), data))
    if isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields")):
        return _by_name(kind, data)
    if origin is tuple:
        return _tuple(get_args(kind), data)
    if origin is not None and isinstance(data, dict):
        item = get_args(kind)[1]
        return {str(key): from_plain(item, value) for key, value in data.items()}
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and isinstance(data, kind):
        return data
    raise ValueError(f"cannot read {data!r} as {kind}")


def _only(kind: Any) -> Any:
    """The one type of ``X | None``."""
    (inner,) = (arg for arg in get_args(kind) if arg is not type(None))
    return inner


def _by_name(kind: type, data: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"cannot read {data!r} as {kind.__name__}")
    hints = _hints(kind)
    unknown = data.keys() - hints.keys()
    if unknown:
        raise ValueError(f"cannot read {kind.__name__}: unknown {', '.join(sorted(unknown))}")
    known = {name: from_plain(hints[name], value) for name, value in data.items()}
    try:
        return kind(**known)
    except TypeError as e:
        raise ValueError(f"cannot read {data!r} as {kind.__name__}: {e}") from e


def _tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if not isinstance(data, (list, tuple)):
        raise ValueError(f"cannot read {data!r} as a tuple")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(from_plain(kinds[0], item) for item in data)
    if len(kinds) != len(data):
        raise ValueError(f"cannot read {data!r} as a tuple of {len(kinds)}")
    return tuple(from_plain(k, item) for k, item in zip(kinds, data, strict=True))
