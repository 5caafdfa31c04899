"""docs/policy.md names every key of the model, and no other; every code a reason can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgerund.config.policy import policy_schema
from edgerund.policy import reasons

ROOT = Path(__file__).resolve().parents[2]
TEXT = re.sub(
    r"```.*?```", "", (ROOT / "docs" / "policy.md").read_text(encoding="utf-8"), flags=re.DOTALL
)


def keys(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[str]:
    """Every property name below ``node``."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        yield from keys(schema, schema["$defs"][name])
    for name, child in node.get("properties", {}).items():
        yield name
        yield from keys(schema, child)
    for word in ("anyOf", "oneOf", "allOf"):
        for child in node.get(word, []):
            yield from keys(schema, child)
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from keys(schema, node[word])


def test_every_key_is_documented() -> None:
    schema = policy_schema()
    code = " ".join(re.findall(r"`([^`]+)`", TEXT))
    words = set(re.findall(r"[a-z_]+", code))
    assert set(keys(schema, schema)) - words == set()


def test_every_documented_key_exists() -> None:
    schema = policy_schema()
    known = set(keys(schema, schema))
    reference = TEXT[TEXT.index("## Every key") : TEXT.index("## How a decision is made")]
    for row in re.findall(r"^\| (`[^|]+`) \|", reference, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", row):
            last = name.rsplit(".", 1)[-1]
            if last in ("model", "cheapest", "ignore"):  # values of `lost`
                continue
            assert last in known, name


def test_every_reason_code_is_documented() -> None:
    source = Path(reasons.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'Reason\(\s*"([a-z_]+)"', source))
    table = TEXT[TEXT.index("**Reasons.**") :]
    assert codes - set(re.findall(r"`([a-z_]+)`", table)) == set()
