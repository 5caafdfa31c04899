"""YAML with line numbers, and pydantic errors told by file and line."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from edgerund.errors import ConfigError, Problem

Loc: TypeAlias = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_FILE_BYTES = 4 * 1024 * 1024
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Strict(BaseModel):
    """Base of every configuration model: unknown keys are mistakes, values do not change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed YAML: plain data, and the line (from 1) of every key and list item."""

    file: str
    data: Any
    lines: Mapping[Loc, int] = field(default_factory=dict)

    def line(self, loc: Loc) -> int:
        """The line of ``loc``, or of the nearest parent that is written down; 1 for the document."""
        while loc:
            if loc in self.lines:
                return self.lines[loc]
            loc = loc[:-1]
        return self.lines.get((), 1)

    def problem(self, loc: Loc, message: str) -> Problem:
        """A mistake at ``loc``."""
        return Problem(self.file, self.line(loc), dotted(loc), message)


def dotted(loc: Loc) -> str:
    """``('variants', 0, 'file')`` as ``variants[0].file``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_yaml(path: Path) -> Document:
    """Parse one YAML file.

    Raises:
        ConfigError: missing, unreadable, larger than 4 MiB, not UTF-8, not YAML, duplicate keys, aliases.
    """
    file = str(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError([Problem(file, 0, "", "cannot read it: larger than 4 MiB")])
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigError([Problem(file, 0, "", f"cannot read it: {e.strerror}")]) from e
    except UnicodeDecodeError as e:
        raise ConfigError(
            [Problem(file, 0, "", f"cannot read it: not UTF-8 at byte {e.start}")]
        ) from e
    return parse_yaml(text, file)


def parse_yaml(text: str, file: str = "<text>") -> Document:
    """Parse YAML text; see ``read_yaml``."""
    try:
        node = yaml.compose(text, Loader=_SafeLoader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 0
        raise ConfigError([Problem(file, line, "", f"cannot parse YAML: {e.problem}")]) from e
    except yaml.YAMLError as e:
        raise ConfigError([Problem(file, 0, "", f"cannot parse YAML: {e}")]) from e
    if node is None:
        return Document(file, {}, {(): 1})
    builder = _Builder(file)
    try:
        data = builder.build(node, ())
    except RecursionError as e:
        raise ConfigError([Problem(file, 0, "", "cannot parse YAML: nested too deeply")]) from e
    if builder.problems:
        raise ConfigError(builder.problems)
    return Document(file, data, builder.lines)


class _Builder:
    """Turns YAML nodes into plain data and remembers lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []
        self._constructor = yaml.constructor.SafeConstructor()
        self._open: set[int] = set()

    def build(self, node: yaml.Node, loc: Loc) -> Any:
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if id(node) in self._open:
            self._problem(node, loc, "cannot use an alias inside itself")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, loc)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*loc, i)) for i, child in enumerate(node.value)]
            return self._scalar(node, loc)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, loc)
            if not isinstance(key, Hashable):
                self._problem(key_node, loc, "cannot use a list or mapping as a key")
                continue
            child = (*loc, key if isinstance(key, (int, str)) else str(key))
            if key in data:
                self._problem(key_node, child, "cannot give the same key twice")
                continue
            self.lines[child] = key_node.start_mark.line + 1
            data[key] = self.build(value_node, child)
        return data

    def _scalar(self, node: yaml.Node, loc: Loc) -> Any:
        try:
            value = self._constructor.construct_object(node, deep=True)
        except yaml.YAMLError as e:
            problem = getattr(e, "problem", None) or str(e)
            self._problem(node, loc, f"cannot read the value: {problem}")
            return None
        except (ValueError, OverflowError) as e:
            self._problem(node, loc, f"cannot read the value: {e}")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._problem(node, loc, "cannot use a value that is not finite")
        return value

    def _problem(self, node: yaml.Node, loc: Loc, message: str) -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, dotted(loc), message))


def validate(model: type[Model], document: Document) -> Model:
    """The document as ``model``.

    Raises:
        ConfigError: every mistake, each with the line where it stands.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as e:
        problems = [
            document.problem(_clean(error["loc"], document), _message(error))
            for error in e.errors()
        ]
        raise ConfigError(sorted(problems, key=lambda problem: problem.line)) from e


def _clean(loc: Loc, document: Document) -> Loc:
    """Drop the parts that pydantic adds for unions and models, which nobody wrote; keep missing keys."""
    kept: Loc = ()
    loc = tuple(part for part in loc if part != "[key]")
    for i, part in enumerate(loc):
        if (*kept, part) in document.lines or i == len(loc) - 1:
            kept = (*kept, part)
    return kept


def _message(error: Any) -> str:
    kind, message = error["type"], error["msg"]
    if kind == "missing":
        return "this key is required"
    if kind == "extra_forbidden":
        return "unknown key: check the spelling"
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    value = error.get("input")
    if isinstance(value, (str, int, float, bool)) and kind != "value_error":
        shown = repr(value)
        return f"{message}, but it is {shown if len(shown) <= 60 else shown[:57] + '...'}"
    return str(message)
