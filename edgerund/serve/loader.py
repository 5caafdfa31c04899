"""The loader thread: loads, warms, verifies and closes engines while another thread serves."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edgerund.checksum import file_sha256
from edgerund.errors import EdgerundError, EngineError
from edgerund.mailbox import Mailbox
from edgerund.ports import Backend, LoadOptions, PipelineFactory
from edgerund.registry import resolve
from edgerund.serve.golden import check_golden
from edgerund.serve.mail import (
    AgentMail,
    CloseDone,
    CloseJob,
    CompareJob,
    LoadDone,
    LoaderMail,
    LoadFailed,
    LoadJob,
    Resident,
    ThreadEnded,
)
from edgerund.serve.shadow import compare
from edgerund.types import LadderPlan, VariantPlan

MAX_REASON_CHARS = 2000
NICENESS = 5
"""The loader yields to the serving thread: a load may take longer, a frame may not."""


class Loader(threading.Thread):
    """Does one job at a time and reports each to the agent's mailbox."""

    def __init__(
        self, ladder: LadderPlan, threads: int, cache_dir: Path | None, agent: Mailbox[AgentMail]
    ) -> None:
        super().__init__(name="loader", daemon=True)
        self.inbox: Mailbox[LoaderMail] = Mailbox()
        self._ladder = ladder
        self._threads = threads
        self._cache_dir = cache_dir
        self._agent = agent
        self._poller = select.poll()
        self._poller.register(self.inbox.fileno(), select.POLLIN)

    def run(self) -> None:
        """Work until None arrives; a job that fails is an answer, not the end."""
        error = ""
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
            while self._turn():
                pass
        except Exception as e:  # noqa: BLE001 - outermost: the agent must learn that nobody loads any more
            error = f"cannot go on loading: {type(e).__name__}: {e}"
        self._agent.put(ThreadEnded("loader", error))

    def _turn(self) -> bool:
        self._poller.poll()
        for job in self.inbox.drain():
            if job is None:
                return False
            self._agent.put(self._do(job))
        return True

    def _do(self, job: LoadJob | CloseJob | CompareJob) -> AgentMail:
        if isinstance(job, CompareJob):
            return compare(self._ladder, job)
        return self._close(job) if isinstance(job, CloseJob) else self._load(job)

    def _close(self, job: CloseJob) -> CloseDone:
        name = job.resident.plan.name
        try:
            job.resident.engine.close()
        except Exception as e:  # noqa: BLE001 - a plug-in's mistake: the variant is out of use all the same
            print(f"edgerund worker: cannot close {name!r}: {e}", file=sys.stderr)  # noqa: T201
        give_memory_back()
        return CloseDone(name)

    def _load(self, job: LoadJob) -> LoadDone | LoadFailed:
        try:
            resident = load_resident(self._ladder, job.plan, self._threads, self._cache_dir)
        except EdgerundError as e:
            give_memory_back()
            return LoadFailed(job.plan.name, clip(str(e)))
        except MemoryError:
            give_memory_back()
            return LoadFailed(job.plan.name, "cannot load it: out of memory")
        except Exception as e:  # noqa: BLE001 - a plug-in's own mistake condemns the variant, not the worker
            give_memory_back()
            return LoadFailed(job.plan.name, clip(f"cannot load it: {type(e).__name__}: {e}"))
        return LoadDone(resident)


def load_resident(
    ladder: LadderPlan,
    plan: VariantPlan,
    threads: int,
    cache_dir: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Resident:
    """Load one variant, build its pipeline, warm it and check it on the golden input.

    Raises:
        EngineError: wrong checksum, a file that does not load, a plan that does not fit the engine, or
            outputs that are not the golden ones. PluginError where backend or task cannot be imported.
    """
    start_s, start_bytes = clock(), resident_bytes()
    path = Path(plan.file)
    _verify_file(plan, path)
    backend: Backend = resolve("engines", plan.backend)()
    options = LoadOptions(threads=threads, cache_dir=cache_dir, extra=plan.options)
    engine = backend.load(path, options, lambda _share, _text: None)
    try:
        build: PipelineFactory = resolve("tasks", ladder.task)
        pipeline = build(ladder, plan, engine.spec)
        check_golden(ladder, plan, engine, pipeline)  # the first inference allocates: it warms
        wrong = check_golden(ladder, plan, engine, pipeline)
        if wrong:
            raise EngineError(f"cannot use {plan.name!r}: {wrong}")
    except BaseException:
        engine.close()
        raise
    load_ms = (clock() - start_s) * 1e3
    grown = max(0, resident_bytes() - start_bytes)
    return Resident(plan, engine, pipeline, load_ms, grown, ladder.golden is not None)


def _verify_file(plan: VariantPlan, path: Path) -> None:
    try:
        found = file_sha256(path) if plan.sha256 else None
    except OSError as e:
        raise EngineError(f"cannot read {path}: {e.strerror}") from e
    if found != plan.sha256:
        raise EngineError(
            f"cannot use {plan.name!r}: the sha256 of {path.name} is {str(found)[:12]}..., the ladder "
            f"says {str(plan.sha256)[:12]}...: the file is damaged or was replaced"
        )


def clip(text: str) -> str:
    """A backend may say very much; a packet to the supervisor holds so much, and people read the beginning."""
    return text if len(text) <= MAX_REASON_CHARS else text[:MAX_REASON_CHARS] + " ..."


def resident_bytes() -> int:
    """The resident set of this process in bytes; 0 where /proc is absent."""
    try:
        with open("/proc/self/statm", "rb") as f:  # noqa: PTH123 - three times faster than Path, asked often
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def give_memory_back() -> None:
    """Trim the heap: glibc keeps what engines freed (210 MB stay after closing one; 53 MB after this)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
