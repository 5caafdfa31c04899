"""Owns the sensor threads: reads everything on time, lets nobody wait, and outlives a read that never returns.

One scheduler wakes when readers are due and hands them to a worker. A round that takes longer than
``OVERTAKE_S`` keeps its thread; another worker goes on with the rest. So a hung reader costs one thread, which
ends when the read comes back, and there are never more threads than readers plus one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping

from edgerund import registry
from edgerund.clock import Clock
from edgerund.errors import PluginError
from edgerund.ports import Sensor, SysRoot
from edgerund.sensors import ON_REQUEST, TABLE
from edgerund.sensors.checks import Checker
from edgerund.sensors.derive import Derivation
from edgerund.sensors.slot import ReaderStatus, Slot
from edgerund.types import Reading, Sense

_log = logging.getLogger("edgerund.sensors")
OVERTAKE_S = 0.1
LONGEST_SLEEP_S = 2.0
Options = Mapping[str, Mapping[str, object]]


class SensorHub:
    """All readers of one machine.

    Args:
        root: where the machine's files are.
        clock: real time; tests that call ``poll_due`` themselves may bring a manual one.
        enabled: names of readers; None takes every built-in one that needs no settings, plus those in ``options``.
        options: keyword arguments of readers, by reader name (``period_s`` works for each); under ``derive``,
            ``total_rails``: the rails whose sum is the board's power, where their labels do not tell.

    Raises:
        PluginError: an unknown reader, one that cannot be imported, or options that it does not take.
    """

    def __init__(
        self,
        root: SysRoot,
        clock: Clock,
        enabled: Iterable[str] | None = None,
        options: Options | None = None,
    ) -> None:
        options = dict(options or {})
        self._derivation = _make_derivation(options.pop("derive", {}))
        if enabled is None:
            enabled = [n for n in TABLE if n not in ON_REQUEST or n in options]
            enabled += [n for n in options if n not in TABLE]
        enabled = tuple(dict.fromkeys(enabled))
        for name in options:
            if name not in enabled:
                raise PluginError(f"cannot use the options of sensor {name!r}: it is not enabled")
        self._clock = clock
        self._checker = Checker()
        self._derive_lock = threading.Lock()
        self._slots = [
            Slot(
                name,
                _make(name, root, clock, options),
                clock,
                self._checker.judge,
                self._checker.forget,
            )
            for name in enabled
        ]
        self._cond = threading.Condition()
        self._queue: deque[Slot] = deque()
        self._waiting: set[str] = set()
        self._idle_workers, self._workers = 0, 0
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._scheduler: threading.Thread | None = None
        self._turned_s = self._origin_s = self._wakes_s = clock.monotonic_s()
        for slot in self._slots:
            slot.due_s = self._origin_s

    # ------------------------------------------------------------------ what the daemon asks
    def start(self) -> None:
        """Start reading. The first values are there within a moment; see ``settled``."""
        self._turned_s = self._clock.monotonic_s()
        self._start_scheduler()

    def _start_scheduler(self) -> None:
        self._scheduler = threading.Thread(target=self._schedule, name="sensors", daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [self._scheduler]
        self._scheduler.start()

    def keep_alive(self) -> None:
        """Start the scheduler again if it died (a plug-in can end any thread of its process)."""
        if self._scheduler is not None and not self._scheduler.is_alive() and not self._stopping:
            _log.error("the thread that schedules sensors had ended: starting it again")
            self._start_scheduler()

    def stop(self, within_s: float = 1.0) -> None:
        """Stop reading and close the readers. A thread that hangs in a read is left behind (it is a daemon)."""
        with self._cond:
            self._stopping = True
            self._cond.notify_all()
        deadline = self._clock.monotonic_s() + within_s
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - self._clock.monotonic_s()))
        for slot in self._slots:
            slot.close()

    def senses(self) -> dict[str, Sense]:
        """The latest value of everything, with its age, and the derived senses. Never waits for hardware."""
        now = self._clock.monotonic_s()
        raw = {s.name: s for slot in self._slots for s in slot.senses(now)}
        with self._derive_lock:
            derived = self._derivation.derive(raw, now)
        return {**raw, **derived}

    def status(self) -> list[ReaderStatus]:
        """One line per reader: state, why it is absent, period and cost."""
        now = self._clock.monotonic_s()
        return [slot.status(now) for slot in self._slots]

    def costs(self) -> dict[str, float]:
        """Processor share (1 = one core) of each reader, measured."""
        return {s.name: s.cpu_ms / 1000 / s.period_s for s in self.status()}

    def settled(self) -> bool:
        """Every reader had its first round, or hangs in it."""
        return all(s.state != "starting" for s in self.status())

    def progress(self) -> bool:
        """Whether the threads are alive: for the watchdog. A hung reader is reported, not a reason to restart."""
        return self._clock.monotonic_s() - self._turned_s < 3 * LONGEST_SLEEP_S

    def poll_due(self) -> None:
        """One turn in the caller's thread, without any other: tests, and commands that read once."""
        now = self._clock.monotonic_s()
        for slot in self._slots:
            if slot.due_s <= now:
                self._run(slot)
        self.senses()

    # ------------------------------------------------------------------ threads
    def _schedule(self) -> None:
        with self._cond:
            while not self._stopping:
                now = self._clock.monotonic_s()
                self._turned_s = now
                for slot in self._slots:
                    if slot.due_s <= now and slot.name not in self._waiting:
                        self._waiting.add(slot.name)
                        self._queue.append(slot)
                if self._queue:
                    self._wake_worker()
                sleep_s = self._sleep_s(now)
                self._wakes_s = now + sleep_s
                self._cond.wait(sleep_s)

    def _sleep_s(self, now: float) -> float:
        if self._queue:
            return OVERTAKE_S
        due = [s.due_s for s in self._slots if s.name not in self._waiting]
        return min([LONGEST_SLEEP_S, *(max(0.0, d - now) for d in due)])

    def _wake_worker(self) -> None:
        """Called each time the scheduler finds work waiting: if nobody is idle, everybody is stuck or slow."""
        if self._idle_workers:
            self._cond.notify_all()
        elif self._workers <= len(self._slots):
            self._workers += 1
            thread = threading.Thread(target=self._work, name="sensors-read", daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    def _work(self) -> None:
        slot: Slot | None = None
        try:
            while (slot := self._next()) is not None:
                self._run(slot)
                self._done(slot)
        finally:
            with self._cond:
                self._workers -= 1
                if slot is not None:  # it ended this thread: another one tries it again
                    self._waiting.discard(slot.name)

    def _next(self) -> Slot | None:
        """The next reader that is due; None: this worker is not needed any more."""
        with self._cond:
            while not self._queue and not self._stopping:
                if self._idle_workers:  # one in reserve is enough
                    return None
                self._idle_workers += 1
                self._cond.wait()
                self._idle_workers -= 1
            return None if self._stopping else self._queue.popleft()

    def _done(self, slot: Slot) -> None:
        with self._cond:
            self._waiting.discard(slot.name)
            last = not self._queue
            if slot.due_s < self._wakes_s:
                self._cond.notify_all()
        if last:
            senses = self.senses()  # keeps the integrals going when nobody asks
            for reporter in self._slots:
                reporter.report(senses)

    def _run(self, slot: Slot) -> None:
        slot.poll()
        now = self._clock.monotonic_s()
        slot.due_s = slot.next_due_s(now, self._origin_s)
        for sense in slot.senses(now):
            if isinstance(sense, Reading) and _is_load(sense.name):
                self._checker.note_load(sense.name, sense.value)


def _is_load(name: str) -> bool:
    return name == "cpu.load" or (name.startswith("gpu.") and name.endswith(".load"))


def _make(name: str, root: SysRoot, clock: Clock, options: Options) -> Sensor:
    made = registry.resolve("sensors", name)
    try:
        sensor: Sensor = made(root, clock, **options.get(name, {}))
    except (TypeError, ValueError) as e:
        raise PluginError(f"cannot set up the sensor {name!r}: {e}; check its options") from e
    return sensor


def _make_derivation(options: Mapping[str, object]) -> Derivation:
    rails = options.get("total_rails", ())
    if options.keys() - {"total_rails"} or not isinstance(rails, (list, tuple)):
        raise PluginError(
            f"cannot set up the derived senses with {dict(options)}: give total_rails, a list"
        )
    return Derivation(str(rail) for rail in rails)
