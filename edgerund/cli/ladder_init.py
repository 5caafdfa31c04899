"""``edgerund ladder init``: a first, commented ``ladder.yaml`` from model files."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgerund.checksum import file_sha256
from edgerund.cli.ladder_text import Draft, ladder_text
from edgerund.config.ladder import LADDER_FILE, RESERVED_NAMES, read_ladder
from edgerund.config.ladder_guess import Guess, agree, guess
from edgerund.config.ladder_merge import backend_of
from edgerund.errors import ConfigError, EngineError, UsageError
from edgerund.ports import Backend, Engine, LoadOptions
from edgerund.registry import names_built_in, resolve, suffixes
from edgerund.serve.golden import made_up
from edgerund.types import VariantPlan


@dataclass(frozen=True, slots=True)
class _Source:
    path: Path
    backend: str


def run(args: argparse.Namespace) -> int:
    """Write ``ladder.yaml``. Raises UsageError where it is there already, EngineError for a bad model."""
    sources = [_source(path) for path in args.models]
    folder: Path = (args.out or args.models[0].parent).resolve()
    file = folder / LADDER_FILE
    if file.exists():
        raise UsageError(f"cannot write {file}: it is there already; choose another --out")
    guesses = agree([_read(source, args.task) for source in sources])
    tasks = {g.task for g in guesses}
    if len(tasks) > 1:
        raise UsageError(
            f"cannot make one ladder of these models: they look like {', '.join(sorted(tasks))}; say --task"
        )
    folder.mkdir(parents=True, exist_ok=True)
    drafts: list[Draft] = []
    order = sorted(range(len(sources)), key=lambda i: -sources[i].path.stat().st_size)
    for i in order:
        path = _bring(sources[i].path, folder)
        name = _name(path.stem, [d.name for d in drafts])
        inside = path.relative_to(folder).as_posix()
        drafts.append(Draft(name, inside, sources[i].backend, file_sha256(path), guesses[i]))
    labels = _bring(args.labels, folder).relative_to(folder).as_posix() if args.labels else None
    name = _name(args.name or folder.name, [])
    file.write_text(ladder_text(name, drafts, labels), encoding="utf-8")
    reading = read_ladder(file)
    print(f"wrote {file}: {len(drafts)} variants, task {drafts[0].guess.task}")
    print(f"read it (what was guessed says CHECK), then run: edgerund ladder check {folder}")
    if reading.problems:
        raise ConfigError(reading.problems)
    return 0


def _source(path: Path) -> _Source:
    if not path.is_file():
        raise UsageError(f"cannot find the model {path}")
    backend = backend_of(path.name)
    if backend is None:
        known = ", ".join(s for n in names_built_in("engines") for s in suffixes(n) or ())
        raise UsageError(f"cannot tell the backend of {path.name}: known endings are {known}")
    return _Source(path.resolve(), backend)


def _read(source: _Source, task: str | None) -> Guess:
    backend: Backend = resolve("engines", source.backend)()
    engine = backend.load(source.path, LoadOptions(), lambda _share, _text: None)
    try:
        first = guess(engine.spec, task)
        if first.task != "classify":
            return first
        return guess(engine.spec, task, _probabilities(engine, source))
    finally:
        engine.close()


def _probabilities(engine: Engine, source: _Source) -> bool | None:
    """Whether the first output sums to 1 for a made-up input; None where it cannot be run so."""
    import numpy as np

    plan = VariantPlan("", str(source.path), source.backend)
    question = made_up(plan, engine.spec)
    if question is None:
        return None
    try:
        output = engine.infer(question.inputs)[0].astype(np.float64)
    except EngineError:
        return None
    spec = engine.spec.outputs[0]
    if spec.scale:
        if spec.scale == 1 / 256 and spec.zero_point in (0, -128):
            return True  # 0..1 exactly: what quantisers give to a softmax
        output = (output - (spec.zero_point or 0)) * spec.scale
    total = float(output.sum())
    return bool(output.min() >= 0) and abs(total - 1) < 0.05


def _bring(path: Path, folder: Path) -> Path:
    """The file inside the ladder's folder: where it is, or a copy."""
    if not path.is_file():
        raise UsageError(f"cannot find the file {path}")
    path = path.resolve()
    if path.is_relative_to(folder):
        return path
    copy = folder / path.name
    if copy.exists():
        raise UsageError(f"cannot copy {path} to {copy}: there is a file of that name already")
    shutil.copyfile(path, copy)
    print(f"copied {path.name} into {folder}")
    return copy


def _name(text: str, taken: Sequence[str]) -> str:
    """A name of allowed letters that nobody has yet."""
    base = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:56] or "model"
    if base in RESERVED_NAMES:
        base += "-model"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
