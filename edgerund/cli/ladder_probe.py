"""Run one variant in a process of its own: a model that crashes or hangs is a finding, not the end of the check."""

from __future__ import annotations

import multiprocessing
import os
import signal
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from edgerund.errors import EdgerundError
from edgerund.types import LadderPlan, VariantPlan

_WARM_RUNS = 5


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of one variant: ``reason`` is None if the daemon would serve it.

    ``figures``: ``load_ms``, ``infer_ms``, ``memory_bytes``; ``golden`` says whether its outputs were compared,
    ``asked`` whether it was run at all.
    """

    name: str
    reason: str | None
    golden: bool = False
    asked: bool = False
    runtime: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def probe(plan: LadderPlan, variant: VariantPlan, threads: int, timeout_s: float) -> Probed:
    """Load ``variant`` as the daemon does, in a fresh process, and report."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, plan, variant, threads), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(timeout_s):
            return Probed(variant.name, f"cannot use it: no answer within {timeout_s:g} s")
        told: Probed = ours.recv()
    except EOFError:
        process.join(timeout_s)
        return Probed(variant.name, f"cannot use it: {_end(process.exitcode)}")
    else:
        return told
    finally:
        process.kill()
        process.join()
        ours.close()


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process died of {signal.Signals(-code).name} while loading or running it"
    return f"its process ended with code {code}"


def _child(answer: Connection, plan: LadderPlan, variant: VariantPlan, threads: int) -> None:
    # libraries print what they like on loading; what matters comes back over the pipe
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        told = _load(plan, variant, threads)
    except EdgerundError as e:
        told = Probed(variant.name, str(e))
    except MemoryError:
        told = Probed(variant.name, "cannot use it: out of memory")
    except Exception as e:  # noqa: BLE001 - outermost of this process: a plug-in's own mistake is a finding
        told = Probed(variant.name, f"cannot use it: {type(e).__name__}: {e}")
    answer.send(told)


def _load(plan: LadderPlan, variant: VariantPlan, threads: int) -> Probed:
    from edgerund.registry import resolve
    from edgerund.serve.golden import made_up, read_golden
    from edgerund.serve.loader import load_resident

    runtime = resolve("engines", variant.backend)().version()
    resident = load_resident(plan, variant, threads)
    stored = read_golden(Path(plan.golden.file)) if plan.golden else None
    golden = stored or made_up(variant, resident.engine.spec)
    figures: dict[str, Any] = {
        "load_ms": resident.load_ms,
        "memory_bytes": resident.memory_bytes,
    }
    if golden is not None:
        figures["infer_ms"] = _time(golden, resident)
    return Probed(
        variant.name,
        None,
        golden=stored is not None and variant.name in stored.expected,
        asked=golden is not None,
        runtime=runtime,
        figures=figures,
    )


def _time(golden: Any, resident: Any) -> float:
    from edgerund.ports import Incoming

    inputs = list(golden.inputs)
    if golden.frame is not None:
        inputs, _ = resident.pipeline.prepare(Incoming(arrays=(golden.frame,)))
    took_ms = []
    for _ in range(_WARM_RUNS):
        start_s = time.perf_counter()
        resident.engine.infer(inputs)
        took_ms.append((time.perf_counter() - start_s) * 1e3)
    return statistics.median(took_ms)
