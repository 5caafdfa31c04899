"""All ladders of a daemon: made from an assembly, polled together, replaced one by one at a reload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edgerund.config.assembly import Assembly
from edgerund.config.settings import LadderSettings
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.daemon.listeners import Listening, listen
from edgerund.daemon.spawn import spawn
from edgerund.daemon.worker_link import WorkerLink
from edgerund.errors import StartError
from edgerund.rundir import CONTROL_SOCKET, WATCH_SOCKET, ladder_socket
from edgerund.serve.options import WorkerOptions
from edgerund.types import LadderPlan

FALLBACK_BUDGET_BYTES = 1024 * 1024 * 1024


def control_listening(assembly: Assembly) -> Listening:
    """The control socket's listener; makes the runtime folder."""
    folder = assembly.runtime_dir
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as e:
        raise StartError(f"cannot make the runtime folder {folder}: {e.strerror}") from e
    return listen(f"ipc://{folder / CONTROL_SOCKET}", assembly.settings.socket_mode)


def watch_listenings(assembly: Assembly) -> tuple[Listening, ...]:
    """Where those listen who follow changes: the socket in the runtime folder first."""
    own = f"ipc://{assembly.runtime_dir / WATCH_SOCKET}"
    opened: list[Listening] = []
    try:
        for endpoint in (own, *assembly.settings.watch_endpoints):
            listening = listen(endpoint, assembly.settings.socket_mode)
            opened.append(listening)
    except StartError:
        for listening in opened:
            listening.close()
        raise
    return tuple(opened)


def endpoints(assembly: Assembly, plan: LadderPlan, entry: LadderSettings) -> tuple[str, ...]:
    """Where a ladder listens: its socket in the runtime folder first."""
    return (f"ipc://{ladder_socket(assembly.runtime_dir, plan.name)}", *entry.endpoints)


def budget_bytes(assembly: Assembly, available_bytes: float | None) -> int:
    """Memory for the resident variants of one ladder: the whole budget in equal shares."""
    mb = assembly.settings.memory_budget_mb
    if mb is not None:
        whole = mb * 1024 * 1024
    else:
        whole = int(available_bytes / 2) if available_bytes else FALLBACK_BUDGET_BYTES
    return whole // max(1, len(assembly.ladders))


@dataclass(slots=True)
class Fleet:
    """The ladders that run, and the listeners that outlive their workers."""

    runtimes: dict[str, LadderRuntime] = field(default_factory=dict)
    listenings: dict[str, Listening] = field(default_factory=dict)
    available_bytes: float | None = None
    """Memory that was free before anything was loaded."""

    def __iter__(self) -> Iterator[LadderRuntime]:
        return iter(self.runtimes.values())

    def open(self, assembly: Assembly, plan: LadderPlan, entry: LadderSettings) -> None:
        """Listen on a ladder's endpoints, those that are not open yet."""
        for endpoint in endpoints(assembly, plan, entry):
            if endpoint not in self.listenings:
                self.listenings[endpoint] = listen(endpoint, assembly.settings.socket_mode)

    def build(
        self, assembly: Assembly, name: str, budget: int, now_s: float, *, bound: bool = True
    ) -> LadderRuntime:
        """A runtime for one ladder; its worker starts at the first ``keep_alive``.

        ``bound`` False: the worker does not take connections before it is told to (``Open``).
        """
        plan, entry = assembly.ladders[name]
        starter = _Starter(self, assembly, plan, entry)
        hang_s = assembly.settings.hang_s
        return LadderRuntime(plan, starter, budget, hang_s, now_s, bound=bound)

    def renew(self, assembly: Assembly, name: str, budget: int) -> None:
        """A ladder that a reload leaves alone still follows the new settings."""
        plan, entry = assembly.ladders[name]
        starter = _Starter(self, assembly, plan, entry)
        self.runtimes[name].renew(starter, budget, assembly.settings.hang_s)

    def close_unused(self, assembly: Assembly | None) -> None:
        """Close the listeners that no ladder of ``assembly`` wants; None: all of them."""
        wanted = set()
        if assembly is not None:
            for plan, entry in assembly.ladders.values():
                wanted |= set(endpoints(assembly, plan, entry))
        for endpoint in set(self.listenings) - wanted:
            self.listenings.pop(endpoint).close()


@dataclass(frozen=True, slots=True)
class _Starter:
    """Spawns the workers of one ladder."""

    fleet: Fleet
    assembly: Assembly
    plan: LadderPlan
    entry: LadderSettings

    def __call__(self, bound: bool) -> WorkerLink:
        options = WorkerOptions(
            threads=self.entry.threads,
            max_queue=self.entry.max_queue,
            cache_dir=self.assembly.settings.cache_dir,
            bound=bound,
        )
        lent = [
            (e, self.fleet.listenings[e].socket)
            for e in endpoints(self.assembly, self.plan, self.entry)
        ]
        return spawn(self.plan, lent, options, self.entry.cpus)
