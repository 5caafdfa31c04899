"""The keys of settings, policy, ladder and card files, from their JSON Schemas."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from edgerund.build.recipe import recipe_schema
from edgerund.config.card import card_schema
from edgerund.config.ladder_file import ladder_schema
from edgerund.config.policy import policy_schema
from edgerund.config.settings import Settings
from tools.reference.markdown import table

Schema: TypeAlias = "dict[str, Any]"
_IN_LADDER = {"Common": "ladder.md", "InputFile": "ladder.md", "OutputFile": "ladder.md"}
BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


def settings() -> str:
    """The settings file."""
    return _page(Settings.model_json_schema())


def policy() -> str:
    """A policy file."""
    return _page(policy_schema())


def ladder() -> str:
    """A ladder file."""
    return _page(ladder_schema(), elsewhere={"CardFile": "card.md"})


def card() -> str:
    """A card file."""
    return _page(card_schema())


def keys_of(schema: Schema) -> str:
    """The keys of a schema, with those of the parts that it names."""
    return _page(schema)


def prose(text: str) -> str:
    """A docstring as one paragraph."""
    return _prose(text)


def recipe() -> str:
    """A recipe of the ladder factory."""
    return _page(recipe_schema(), elsewhere=_IN_LADDER)


def _page(schema: Schema, elsewhere: dict[str, str] | None = None) -> str:
    definitions: Schema = schema.get("$defs", {})
    writer = _Writer(definitions, elsewhere or {})
    parts = [writer.keys(schema)]
    for name in writer.seen:  # grows while it is walked: a part names further parts
        part = definitions[name]
        parts.append(f"## {_title(name)}")
        if "description" in part:
            parts.append(_prose(part["description"]))
        parts.append(writer.keys(part))
    return "\n\n".join(parts)


def _title(name: str) -> str:
    return name.removesuffix("Model").removesuffix("Settings").removesuffix("File")


def _prose(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


class _Writer:
    """Turns properties into rows, and remembers the parts that they name."""

    def __init__(self, definitions: Schema, elsewhere: dict[str, str]) -> None:
        self._definitions = definitions
        self._elsewhere = elsewhere
        self.seen: list[str] = []

    def keys(self, schema: Schema) -> str:
        required = schema.get("required", ())
        rows = []
        for key, prop in schema.get("properties", {}).items():
            default = "required" if key in required else _default(prop)
            rows.append((f"`{key}`", self.form(prop), default, self._meaning(prop)))
        return table(("key", "value", "default", "meaning"), rows)

    def _meaning(self, prop: Schema) -> str:
        """The key's own description, else that of the part that stands there."""
        text = prop.get("description", "")
        for option in (prop, *prop.get("anyOf", ())):
            if not text and "$ref" in option:
                text = self._definitions[option["$ref"].rpartition("/")[2]].get("description", "")
        return _prose(text)

    def form(self, prop: Schema) -> str:
        """What may be written, in words."""
        if "$ref" in prop:
            return self._part(prop["$ref"].rpartition("/")[2])
        for word in ("anyOf", "oneOf"):
            if word in prop:
                kinds = [self.form(p) for p in prop[word] if p.get("type") != "null"]
                return " or ".join(dict.fromkeys(kinds))
        if "const" in prop:
            return f"`{_plain(prop['const'])}`"
        if "enum" in prop:
            return " or ".join(f"`{_plain(v)}`" for v in prop["enum"])
        return self._typed(prop)

    def _part(self, name: str) -> str:
        part = self._definitions[name]
        if name in self._elsewhere:
            return f"[{_title(name)}]({self._elsewhere[name]})"
        if part.get("type") != "object":
            return self.form(part)
        if name not in self.seen:
            self.seen.append(name)
        return f"[{_title(name)}](#{_title(name).lower()})"

    def _typed(self, prop: Schema) -> str:
        kind = prop.get("type")
        if kind == "array":
            items = prop.get("items") or {}
            return f"list of {self.form(items)}" if items else "list"
        if kind == "object":
            patterns = list(prop.get("patternProperties", {}).values())
            inner = patterns[0] if patterns else prop.get("additionalProperties")
            return f"name: {self.form(inner)}" if isinstance(inner, dict) and inner else "mapping"
        word = {
            "string": "text",
            "integer": "whole number",
            "number": "number",
            "boolean": "true or false",
        }
        bounds = [f"{sign} {prop[key]}" for key, sign in BOUNDS.items() if key in prop]
        shown = "path" if prop.get("format") == "path" else word.get(str(kind), "any")
        return ", ".join([shown, *bounds])


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _default(prop: Schema) -> str:
    value = prop.get("default")
    if value is None or value in ({}, [], ""):
        return "-"
    if isinstance(value, dict):
        return "see there"
    return f"`{_plain(value)}`"
