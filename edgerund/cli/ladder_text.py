"""The text of a first ``ladder.yaml``: what variants share in ``defaults``, each guess with its remark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgerund.config.ladder_guess import Guess, Value

_REMARK_COLUMN = 34


@dataclass(frozen=True, slots=True)
class Draft:
    """One variant to be."""

    name: str
    file: str
    backend: str
    sha256: str
    guess: Guess


def ladder_text(name: str, drafts: Sequence[Draft], labels_file: str | None) -> str:
    """The whole file. ``drafts`` come best first and are at least one."""
    first = drafts[0].guess
    lines = [
        "# Written by `edgerund ladder init`. What was guessed says CHECK; the form is in docs/ladder.md.",
        f"ladder: {name}",
        _line("task", first.task, first.remarks.get("task")),
        *_labels(first, labels_file),
        "# golden: {file: golden.npz}      # written by `edgerund ladder golden`",
        "",
        "defaults:",
        *_section("  ", first, {}, None),
        "",
        "# Best (most accurate) first. CHECK the order: it is by file size, for want of measured cards.",
        "variants:",
    ]
    for draft in drafts:
        lines += [
            f"  - name: {draft.name}",
            f"    file: {_text(draft.file)}",
            f"    sha256: {draft.sha256}",
            f"    backend: {draft.backend}",
            "    # card: cards/" + draft.name + ".yaml",
        ]
        if draft.guess is not first:
            lines += _section("    ", draft.guess, first.input, first.decoder)
    return "\n".join(lines) + "\n"


def _labels(first: Guess, labels_file: str | None) -> list[str]:
    if labels_file is not None:
        return [f"labels_file: {_text(labels_file)}"]
    if first.task == "tensor":
        return []
    count = f"{first.classes} labels" if first.classes else "labels"
    return [f"# labels_file: labels.txt         # {count}, one per line, in the network's order"]


def _section(
    indent: str, guessed: Guess, given: dict[str, Value], decoder: str | None
) -> list[str]:
    """The input and output of one variant, less what ``defaults`` give already."""
    keys = {k: v for k, v in guessed.input.items() if given.get(k) != v}
    lines = [f"{indent}input:"] if keys else []
    lines += [indent + _line(f"  {k}", _value(v), guessed.remarks.get(k)) for k, v in keys.items()]
    if guessed.decoder and guessed.decoder != decoder:
        lines.append(f"{indent}output:")
        lines.append(indent + _line("  decoder", guessed.decoder, guessed.remarks.get("decoder")))
    return lines or ([f"{indent}# raw tensors in, raw tensors out"] if not given else [])


def _line(key: str, value: str, remark: str | None) -> str:
    text = f"{key}: {value}"
    return f"{text:<{_REMARK_COLUMN}}# {remark}" if remark else text


def _value(value: Value) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _text(name: str) -> str:
    """A file name as YAML: plain where that is safe, else in quotes."""
    safe = name.replace(".", "").replace("_", "").replace("-", "").replace("/", "").isalnum()
    if safe and name[0].isalpha():
        return name
    return "'" + name.replace("'", "''") + "'"
