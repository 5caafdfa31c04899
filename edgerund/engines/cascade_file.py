"""The form of a ``.cascade`` file: its members, cheap first, and when the answer of each is good enough."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgerund.engines import SUFFIXES
from edgerund.errors import EngineError

_MAX_FILE_BYTES = 1024 * 1024
_MAX_MEMBERS = 8
KINDS = ("softmax", "probability", "margin")
MEMBER_KEYS: Mapping[str, type] = {
    "file": str,
    "backend": str,
    "sha256": str,
    "options": dict,
    "accept": dict,
}
RULE_KEYS = ("output", "kind", "at_least")


@dataclass(frozen=True, slots=True)
class Rule:
    """An answer counts when its confidence, read by ``kind`` from output number ``output``, is ``at_least`` this."""

    kind: str
    at_least: float
    output: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """One model: its file's name, who runs it, and the rule by which its answer stays (None for the last)."""

    file: str
    backend: str
    sha256: str | None
    options: Mapping[str, object]
    accept: Rule | None


def read_cascade(path: Path) -> tuple[Member, ...]:
    """The members of a ``.cascade`` file, cheap first.

    Raises:
        EngineError: unreadable, larger than 1 MiB, no JSON object, or anything in it wrong; nothing is loaded yet.
    """
    where = f"cannot load {path.name}"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise EngineError(f"{where}: larger than 1 MiB")
        told = json.loads(path.read_bytes())
    except OSError as e:
        raise EngineError(f"{where}: {e.strerror}") from e
    except (ValueError, RecursionError) as e:
        raise EngineError(f"{where}: it is no JSON ({e})") from e
    if not isinstance(told, dict) or set(told) != {"members"}:
        raise EngineError(f"{where}: it must be a JSON object with one key, members")
    members = told["members"]
    if not isinstance(members, list) or not 2 <= len(members) <= _MAX_MEMBERS:
        raise EngineError(f"{where}: members must list 2 to {_MAX_MEMBERS} models, cheap first")
    last = len(members) - 1
    return tuple(
        _member(f"{where}: members[{i}]", member, is_last=i == last)
        for i, member in enumerate(members)
    )


def with_thresholds(members: Sequence[Member], given: object) -> tuple[Member, ...]:
    """The same members with the thresholds of the option ``at_least``: one number for all steps, or one each.

    Raises:
        EngineError: another count, or something that is no threshold.
    """
    steps = len(members) - 1
    values = given if isinstance(given, list) else [given] * steps
    if len(values) != steps:
        raise EngineError(
            f"cannot load: option 'at_least' has {len(values)} numbers, the cascade has {steps} steps"
        )
    numbers = [_threshold("cannot load: option 'at_least'", value) for value in values]
    changed = [
        replace(member, accept=replace(member.accept, at_least=number))
        for member, number in zip(members, numbers, strict=False)
        if member.accept is not None
    ]
    return (*changed, members[-1])


def _member(where: str, told: Any, *, is_last: bool) -> Member:
    _check_keys(where, told, tuple(MEMBER_KEYS))
    for key, value in told.items():
        if not isinstance(value, MEMBER_KEYS[key]):
            raise EngineError(f"{where}: {key} must be a {MEMBER_KEYS[key].__name__}")
    if not told.get("file"):
        raise EngineError(f"{where}: file must name a model beside the cascade")
    if ("accept" in told) == is_last:
        raise EngineError(
            f"{where}: the last member is always believed, accept has no meaning there"
            if is_last
            else f"{where}: accept must say when its answer is good enough"
        )
    sha256 = told.get("sha256")
    if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise EngineError(f"{where}: sha256 must be 64 hexadecimal digits, in lower case")
    return Member(
        told["file"],
        _backend(where, told),
        sha256,
        told.get("options", {}),
        None if is_last else _rule(f"{where}: accept", told["accept"]),
    )


def _backend(where: str, told: Mapping[str, Any]) -> str:
    file: str = told["file"]
    found = next((name for name, ends in SUFFIXES.items() if file.lower().endswith(ends)), None)
    backend: str | None = told.get("backend", found)
    if backend is None:
        raise EngineError(f"{where}: backend must be named, the ending of {file!r} tells none")
    if ":" in backend:
        # a model file may choose among what is installed, never what is imported
        raise EngineError(f"{where}: backend must be a name; module:attribute belongs in a ladder")
    if backend == "cascade":
        raise EngineError(f"{where}: a cascade cannot be a member of a cascade")
    return backend


def _rule(where: str, told: Mapping[str, Any]) -> Rule:
    _check_keys(where, told, RULE_KEYS)
    kind, output = told.get("kind"), told.get("output", 0)
    if kind not in KINDS:
        raise EngineError(f"{where}: kind knows {', '.join(KINDS)}, not {kind!r}")
    if not isinstance(output, int) or isinstance(output, bool) or output < 0:
        raise EngineError(f"{where}: output must be the number of an output, from 0")
    return Rule(kind, _threshold(f"{where}: at_least", told.get("at_least")), output)


def _threshold(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise EngineError(f"{where} must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 <= number < math.inf:
        raise EngineError(f"{where} must be 0 or more, and finite")
    return number


def _check_keys(where: str, told: Any, known: Sequence[str]) -> None:
    if not isinstance(told, dict):
        raise EngineError(f"{where} must be a JSON object")
    for key in told:
        if key not in known:
            raise EngineError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
