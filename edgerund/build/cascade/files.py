"""The files of a cascade: in a stage's folder, and among the variants of a ladder, which it shares members with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgerund.checksum import file_sha256

FILE = "model.cascade"


def write_cascade(
    folder: Path, files: Sequence[Path], kind: str, output: int, at_least: Sequence[float]
) -> Path:
    """Write the ``.cascade`` of members that lie in ``folder``, cheap first, with their fingerprints."""
    members: list[dict[str, Any]] = [{"file": f.name, "sha256": file_sha256(f)} for f in files]
    for member, threshold in zip(members, at_least, strict=False):
        rule = {"kind": kind, "at_least": threshold}
        member["accept"] = rule if not output else {"output": output, **rule}
    path = folder / FILE
    path.write_text(_text(members), encoding="utf-8")
    return path


def lay_out_cascade(
    source: Path, target: Path, there: Mapping[str, str], more: Mapping[str, Any]
) -> None:
    """Copy a cascade into a ladder's folder, and those of its members that are not there yet.

    Args:
        source: the ``.cascade`` with its members beside it.
        target: its file in the ladder's folder.
        there: sha256 to the name of a file of the ladder: a member that is a variant too is one file for both.
        more: what the ladder says of every member (``backend``, ``options``).
    """
    members = json.loads(source.read_text(encoding="utf-8"))["members"]
    for number, member in enumerate(members, start=1):
        own = source.parent / member["file"]
        name = there.get(member["sha256"])
        if name is None:
            name = f"{target.stem}-member-{number}{own.suffix}"
            shutil.copyfile(own, target.parent / name)
        member["file"] = name
        member.update(more)
    target.write_text(_text(members), encoding="utf-8")


def _text(members: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"members": members}, indent=2) + "\n"
