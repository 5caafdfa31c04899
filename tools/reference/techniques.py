"""The techniques of the factory and the parameters of each, from their own models."""

from __future__ import annotations

import inspect
from typing import Any

from edgerund import registry
from edgerund.build.technique import Technique
from tools.reference.schema import keys_of, prose


def techniques() -> str:
    """Every built-in technique, by name."""
    return "\n\n".join(_one(name) for name in registry.names_built_in("techniques"))


def _one(name: str) -> str:
    technique: type[Technique] = registry.resolve("techniques", name)
    parts = [f"## `{name}`", prose(inspect.getdoc(technique) or ""), _kinds(technique)]
    schema: dict[str, Any] = technique.Params.model_json_schema()
    if schema.get("properties"):
        parts.append(keys_of(schema))
    return "\n\n".join(parts)


def _kinds(technique: type[Technique]) -> str:
    words = {
        "onnx": "an ONNX file",
        "torch": "a torch model",
        "cascade": "a cascade",
        None: "nothing",
    }
    takes, gives = words[technique.takes], words[technique.gives]
    if hasattr(technique, "least_parents"):
        takes = f"{technique.least_parents} or more ONNX files"
    return f"From {takes} to {gives}."
