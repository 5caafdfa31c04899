"""A variant as written, laid over the ladder's ``defaults``: plain data for the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel

from edgerund import registry
from edgerund.config.ladder_file import Common, InputFile, OutputFile, VariantFile
from edgerund.types import InputPlan, OutputPlan
from edgerund.types.plan import OptionValue

TASK_DECODER = {"classify": "logits"}


@dataclass(frozen=True, slots=True)
class Merged:
    """One variant with everything that ``defaults`` gave it."""

    name: str
    file: str
    backend: str | None
    input: InputPlan | None
    output: OutputPlan | None
    options: Mapping[str, object] = field(default_factory=dict)


def merge(defaults: Common, written: VariantFile, task: object) -> Merged:
    """Lay ``written`` over ``defaults``, key by key.

    Options of a decoder or a backend are inherited only by variants that use the same decoder or backend.
    """
    backend = written.backend or defaults.backend or backend_of(written.file)
    same_backend = defaults.backend in (None, backend)
    return Merged(
        name=written.name,
        file=written.file,
        backend=backend,
        input=_input(defaults.input, written.input),
        output=_output(defaults.output, written.output, TASK_DECODER.get(str(task))),
        options={**(defaults.options if same_backend else {}), **written.options},
    )


def backend_of(file: str) -> str | None:
    """The built-in backend whose file ending this is, or None."""
    suffix = PurePosixPath(file).suffix
    for name in registry.names_built_in("engines"):
        if suffix and suffix in (registry.suffixes(name) or ()):
            return name
    return None


def _set(model: BaseModel | None) -> dict[str, Any]:
    return model.model_dump(exclude_unset=True, exclude_none=True) if model is not None else {}


def _input(defaults: InputFile | None, written: InputFile | None) -> InputPlan | None:
    if defaults is None and written is None:
        return None
    told = {**_set(defaults), **_set(written)}
    for key in ("size", "mean", "std"):
        if key in told:
            told[key] = tuple(told[key])
    return InputPlan(**told)


def _output(
    defaults: OutputFile | None, written: OutputFile | None, usual: str | None
) -> OutputPlan | None:
    before, after = defaults or OutputFile(), written or OutputFile()
    decoder = after.decoder or before.decoder or usual
    if decoder is None:
        return None
    inherited = before.options if (before.decoder or usual) == decoder else {}
    return OutputPlan(decoder, _tuples({**inherited, **after.options}))


def _tuples(options: Mapping[str, Any]) -> dict[str, OptionValue]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
