"""Worker processes: forked from a small server that has imported the engines already, so that a restart is quick.

The supervisor itself never imports numpy or an engine, and never forks.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING

from edgerund.daemon.worker_link import WorkerLink
from edgerund.errors import StartError

if TYPE_CHECKING:
    from edgerund.serve.options import WorkerOptions
    from edgerund.serve.sockets import Listener
    from edgerund.types import LadderPlan
    from edgerund.types.policy import LearnedTerms

PRELOAD = ("edgerund.serve.worker", "edgerund.vision.preload")
SWITCH_INTERVAL_S = 0.0005
"""How long the loader may hold the interpreter while a frame waits (Python's default is 5 ms)."""


def start_fork_server(engine_modules: Sequence[str]) -> None:
    """Begin to import what workers need, in another process; returns at once.

    Raises:
        StartError: nowhere to put its socket.
    """
    # set before any import: ONNX Runtime would open a database and look up a host; OpenBLAS would start
    # threads, which a process that forks must not have
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    multiprocessing.set_forkserver_preload([*PRELOAD, *engine_modules])
    try:
        # Ctrl-C reaches the whole group of processes; what is ignored here stays ignored in the fork server,
        # which learns to do so itself only after its imports
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, before)
    except OSError as e:
        raise StartError(
            f"cannot start the fork server: {e.strerror}; it needs a writable temporary folder (TMPDIR)"
        ) from e


def spawn(
    ladder: LadderPlan,
    listeners: Sequence[tuple[str, socket.socket]],
    options: WorkerOptions,
    cpus: Sequence[int],
) -> WorkerLink:
    """Start one worker. Returns at once: what is sent before it runs, it finds in its socket.

    Raises:
        OSError: no descriptors or threads are left.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    # copies, because a reload may close the originals while the process is being made
    lent = tuple((endpoint, s.dup()) for endpoint, s in listeners)
    process = multiprocessing.get_context("forkserver").Process(
        target=worker_main,
        name=f"edgerund-{ladder.name}",
        args=(ladder, lent, theirs, options, tuple(cpus)),
        daemon=True,
    )
    return WorkerLink(_Child(process, [theirs, *(s for _, s in lent)]), ours)


def spawn_network(terms: LearnedTerms) -> tuple[_Child, socket.socket]:
    """Start the process that holds a policy's network; what is sent before it runs, it finds in its socket.

    Raises:
        OSError: no descriptors or threads are left.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    process = multiprocessing.get_context("forkserver").Process(
        target=network_main,
        name="edgerund-policy",
        args=(terms.file, terms.sha256, theirs),
        daemon=True,
    )
    return _Child(process, [theirs]), ours


class _Child:
    """A process that a thread of its own starts: a fork server that died must import everything again first."""

    def __init__(self, process: ForkServerProcess, lent: list[socket.socket]) -> None:
        self._process = process
        self._lent = lent
        self._lock = threading.Lock()
        self._doomed = False
        self._error = ""
        self._thread = threading.Thread(target=self._start, name="spawn", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        try:
            self._process.start()
        except (OSError, EOFError, ValueError) as e:
            self._error = f"cannot fork a worker: {e or type(e).__name__}"
        for s in self._lent:
            s.close()  # where nothing was forked this is the end of the worker's socket
        with self._lock:
            if self._doomed:
                self._kill()

    @property
    def pid(self) -> int | None:
        """None until it is forked."""
        return self._process.pid

    def kill(self) -> None:
        """Now, or as soon as it is there."""
        with self._lock:
            self._doomed = True
            self._kill()

    def _kill(self) -> None:
        if self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def ended(self) -> str | int | None:
        """Its socket has closed: the process is gone, or so nearly that waiting a moment is fine."""
        if self._thread.is_alive():
            return None
        if self._error:
            return self._error
        self._process.join(timeout=0.5)
        return self._process.exitcode


def _allow_many_connections() -> None:
    """Each client is a descriptor; a shell allows 1024. Without one left, no model could be opened either."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def network_main(file: str, sha256: str, supervisor: socket.socket) -> None:
    """The body of the process of a policy's network."""
    from edgerund.learned import helper

    helper.network_main(file, sha256, supervisor)


def worker_main(
    ladder: LadderPlan,
    listeners: Sequence[tuple[str, socket.socket]],
    supervisor: socket.socket,
    options: WorkerOptions,
    cpus: Sequence[int],
) -> None:
    """The body of a worker process."""
    from edgerund.serve.sockets import Listener
    from edgerund.serve.worker import Worker

    # the supervisor alone hears signals; it tells its workers, so that they can finish what waits
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _allow_many_connections()
    if cpus:
        try:
            os.sched_setaffinity(0, cpus)
        except OSError as e:
            here = sorted(os.sched_getaffinity(0))
            sys.exit(f"edgerund worker: cannot use the cores {list(cpus)} of {here}: {e.strerror}")
    # libzmq closes the descriptor that it is given: it gets its own
    lent: tuple[Listener, ...] = tuple(Listener(e, os.dup(s.fileno())) for e, s in listeners)
    code = Worker(ladder, lent, supervisor, options).run()
    # a hung or dead thread of native code must not hold the process back
    os._exit(code)
