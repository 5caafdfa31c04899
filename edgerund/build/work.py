"""Makes one stage, in whatever process: found in the store, or run in a workplace of its own and kept."""

from __future__ import annotations

import random
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgerund.build.plan import Stage
from edgerund.build.store import Entry, Store, Workplace
from edgerund.build.technique import Artifact, Context, Data, Progress
from edgerund.checksum import file_sha256
from edgerund.errors import BuildError, EdgerundError


@dataclass(frozen=True)
class Order:
    """One stage to be made: what it is, from what, and under which key the result is kept."""

    stage: Stage
    parents: tuple[Artifact, ...]
    key: str
    seed: int
    threads: int
    adopt: Path | None = None


@dataclass(frozen=True)
class Result:
    """What became of it: the entry, or the reason why there is none."""

    stage: str
    entry: Entry | None = None
    reused: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Bench:
    """What every stage works with."""

    store: Store
    data: Data
    functions: Mapping[str, Any]


def make(order: Order, bench: Bench, progress: Progress) -> Result:
    """Make one stage, or find it made.

    A technique that fails is an answer; a disk that is full is the end of the build (OSError).
    """
    name = order.stage.name
    try:
        found = None if order.adopt else bench.store.find(order.key)
        if found:
            return Result(name, found, reused=True)
        with bench.store.work(order.key, _waiting(progress)) as place:
            found = None if order.adopt else bench.store.find(order.key)
            if found:
                return Result(name, found, reused=True)  # another build made it meanwhile
            return Result(name, _kept(order, bench, place, progress))
    except EdgerundError as e:
        return Result(name, reason=str(e))
    except MemoryError:
        return Result(name, reason="cannot go on: out of memory")
    except OSError:
        raise
    except Exception as e:  # noqa: BLE001 - a technique's own mistake ends its stage, not the build
        log = bench.store.folder / "work" / order.key / "error.txt"
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return Result(name, reason=f"cannot go on: {type(e).__name__}: {_line(e)} (see {log})")


def _waiting(progress: Progress) -> Callable[[], None]:
    return lambda: progress(0.0, "waits: another build is making this very stage")


def _kept(order: Order, bench: Bench, place: Workplace, progress: Progress) -> Entry:
    start_s = time.monotonic()
    adopt = order.adopt
    made = _adopted(order, place, adopt) if adopt else _run(order, bench, place, progress)
    took_s = time.monotonic() - start_s
    return bench.store.keep(place, order.stage.name, made, took_s, adopted=order.adopt is not None)


def _run(order: Order, bench: Bench, place: Workplace, progress: Progress) -> Artifact:
    _seed(order.seed)
    stage = order.stage
    context = Context(
        folder=place.folder,
        scratch=place.scratch,
        data=bench.data,
        seed=order.seed,
        threads=order.threads,
        progress=progress,
        torch=bench.functions if stage.trains else {},
    )
    made = stage.technique.run(order.parents, stage.params, context)
    if made.kind != stage.technique.gives or not made.path.is_file():
        raise BuildError(f"cannot use what {stage.use} gave: {made.path.name} ({made.kind})")
    if not made.path.resolve().is_relative_to(place.folder.resolve()):
        raise BuildError(f"cannot use what {stage.use} gave: {made.path} lies outside its folder")
    return made


def _adopted(order: Order, place: Workplace, file: Path) -> Artifact:
    copy = place.folder / f"model{file.suffix}"  # its name elsewhere says nothing of what it is
    shutil.copyfile(file, copy)
    print_of = file_sha256(copy)
    # what begins a chain has only a teacher, whose story is not its own
    own = order.parents if order.stage.technique.takes else ()
    before = own[0].how if own else ()
    said = f"adopted: made elsewhere, sha256 {print_of}"
    facts = {"adopted": {"file": file.name, "sha256": print_of}}
    return Artifact(copy, order.stage.technique.gives, facts, (*before, said))


def _seed(seed: int) -> None:
    """Whoever draws from a global generator gets the same, whatever ran before in this process."""
    random.seed(seed)
    np.random.seed(seed)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
