"""Worker processes: forked from a small server that has imported the engines already, so that a restart is quick.

The supervisor itself never imports numpy or an engine, and never forks with threads running.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import TYPE_CHECKING

from edgerund.errors import StartError

if TYPE_CHECKING:
    from edgerund.serve.options import WorkerOptions
    from edgerund.serve.sockets import Listener
    from edgerund.types import LadderPlan

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
        forkserver.ensure_running()
    except OSError as e:
        raise StartError(
            f"cannot start the fork server: {e.strerror}; it needs a writable temporary folder (TMPDIR)"
        ) from e


def spawn(
    ladder: LadderPlan,
    listeners: Sequence[tuple[str, socket.socket]],
    options: WorkerOptions,
    cpus: Sequence[int],
) -> tuple[ForkServerProcess, socket.socket]:
    """Start one worker; returns the process and the supervisor's end of its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    context = multiprocessing.get_context("forkserver")
    process = context.Process(
        target=worker_main,
        name=f"edgerund-{ladder.name}",
        args=(ladder, tuple(listeners), theirs, options, tuple(cpus)),
        daemon=True,
    )
    process.start()
    theirs.close()
    ours.setblocking(False)
    return process, ours


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
    if cpus:
        os.sched_setaffinity(0, cpus)
    # libzmq closes the descriptor that it is given: it gets its own
    lent: tuple[Listener, ...] = tuple(Listener(e, os.dup(s.fileno())) for e, s in listeners)
    code = Worker(ladder, lent, supervisor, options).run()
    # a hung or dead thread of native code must not hold the process back
    os._exit(code)
