"""Owns the exact text form of snapshots and decisions: what is read back equals what was written, to the last bit.

A dataclass becomes the list of its fields; the names of those fields stand in the head of a recording, so that a
newer edgerund reads what an older one wrote. Floats are written as ``repr`` does, which is exact.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from edgerund.types import Decisions, NoData, Reading, Snapshot, VariantState
from edgerund.types.decision import (
    Agreement,
    Decision,
    Floor,
    Proposal,
    Reason,
    Rejection,
    Shadow,
)
from edgerund.types.snapshot import Card, Hold, LadderState, ServingFigures

Json: TypeAlias = Any
Names: TypeAlias = Mapping[str, list[str]]

_CLASSES = (
    Agreement,
    Card,
    Decision,
    Floor,
    Hold,
    LadderState,
    NoData,
    Proposal,
    Reading,
    Reason,
    Rejection,
    ServingFigures,
    Shadow,
    Snapshot,
    VariantState,
)
SCHEMA: Names = {cls.__name__: [f.name for f in fields(cls)] for cls in _CLASSES}
"""Field names per class, as this version writes them."""


def dump_snapshot(snapshot: Snapshot) -> str:
    """One line of JSON."""
    return compact(encode(snapshot))


def load_snapshot(line: str) -> Snapshot:
    """What ``dump_snapshot`` wrote. Raises ValueError for anything else."""
    return cast(Snapshot, _load(Snapshot, line))


def dump_decisions(decisions: Decisions) -> str:
    """One line of JSON."""
    return compact({name: encode(d) for name, d in decisions.items()})


def load_decisions(line: str) -> dict[str, Decision]:
    """What ``dump_decisions`` wrote. Raises ValueError for anything else."""
    return cast("dict[str, Decision]", _load(Mapping[str, Decision], line))


def compact(data: Json) -> str:
    """JSON without spaces."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _load(kind: Any, line: str) -> Any:
    return Decoder(SCHEMA).decode(kind, json.loads(line))


class Table:
    """Parts that repeat from line to line, each written once and then named by its number.

    These are the fixed part of a Reading (all but value and age), a NoData, and a VariantState.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._fresh: list[Json] = []

    def number(self, data: Json) -> int:
        """The number of ``data``; new data waits in ``take_fresh``."""
        key = compact(data)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._fresh.append(data)
        return self._numbers[key]

    def take_fresh(self) -> list[Json]:
        """What was numbered since the last call, in order."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def __len__(self) -> int:
        return len(self._numbers)


def encode(value: Any, table: Table | None = None) -> Json:
    """Plain data for JSON; with a table, repeated parts as numbers."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Reading) and table is not None:
        fixed = [getattr(value, n) for n in SCHEMA["Reading"] if n not in ("value", "age_s")]
        return [table.number(fixed), value.value, value.age_s]
    if isinstance(value, (NoData, VariantState)) and table is not None:
        return table.number(encode(value))
    if isinstance(value, NoData):
        # told apart from a Reading by being an object
        return {"no": [getattr(value, n) for n in SCHEMA["NoData"]]}
    if is_dataclass(value):
        return [encode(getattr(value, n), table) for n in SCHEMA[type(value).__name__]]
    if isinstance(value, Mapping):
        return {key: encode(item, table) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item, table) for item in value]
    raise TypeError(f"cannot record a {type(value).__name__}")


class Decoder:
    """Reads what ``encode`` wrote, by the field names and the table of its recording."""

    def __init__(self, names: Names, table: list[Json] | None = None) -> None:
        self._names, self._table = names, table if table is not None else []

    def decode(self, kind: Any, data: Json) -> Any:
        """``data`` as ``kind``. Raises ValueError where it is not."""
        try:
            return self._any(kind, data)
        except (TypeError, KeyError, IndexError, AttributeError, ValueError) as e:
            raise ValueError(f"cannot read it as recorded data: {type(e).__name__}: {e}") from e

    def _any(self, kind: Any, data: Json) -> Any:
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self._union(args, data)
        if origin is tuple:
            return tuple(self._any(args[0], item) for item in data)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return {key: self._any(args[1], item) for key, item in data.items()}
        if is_dataclass(kind):
            return self._object(cast(type, kind), data)
        return data

    def _union(self, args: tuple[Any, ...], data: Json) -> Any:
        if Reading in args:
            whole = self._table[data] if isinstance(data, int) else data
            return self._object(NoData if isinstance(whole, dict) else Reading, data)
        if data is None:
            return None
        return self._any(next(a for a in args if a is not type(None)), data)

    def _object(self, cls: type, data: Json) -> Any:
        names = self._names[cls.__name__]
        if cls is Reading and len(data) == 3 and isinstance(data[0], int):
            rest = [n for n in names if n not in ("value", "age_s")]
            given = dict(zip(rest, self._table[data[0]], strict=True))
            return cls(**_known(cls, {**given, "value": data[1], "age_s": data[2]}))
        if isinstance(data, int):
            data = self._table[data]
        if isinstance(data, dict):
            data = data["no"]
        kinds = _kinds(cls)
        pairs = zip(names, data, strict=True)
        return cls(**{n: self._any(kinds[n], item) for n, item in pairs if n in kinds})


@cache
def _kinds(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cast(Any, cls))}


def _known(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    return {n: item for n, item in given.items() if n in _kinds(cls)}
