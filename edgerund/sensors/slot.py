"""Owns one reader's life: find the hardware, read it, notice that it went, find it again, and what that costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from edgerund.clock import Clock
from edgerund.ports import Sensor
from edgerund.sensors.fields import failed
from edgerund.sensors.journal import EdgeJournal
from edgerund.types import NoData, Reading, Sense

LOOK_AGAIN_S = 15.0
"""How often hardware that was never there is looked for, and new hardware beside what is there."""
SOON_S = 300.0
"""For so long, what vanished is looked for in every period."""
MOST_NAMES = 512


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One reader for people. ``state``: ok, absent, failing, hung, starting. Costs are smoothed, per round."""

    name: str
    state: str
    detail: str
    period_s: float
    rounds: int
    wall_ms: float
    cpu_ms: float
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought. ``at_s`` is when it began: no value in it is younger."""

    at_s: float
    senses: tuple[Sense, ...] = ()


class Slot:
    """``poll`` runs in a worker thread, one at a time; everything else may be called from any thread.

    ``judge(reading, at_s)`` is the plausibility check; ``forget(name)`` tells it that a value went away.
    """

    def __init__(
        self,
        name: str,
        sensor: Sensor,
        clock: Clock,
        judge: Callable[[Reading, float], Sense],
        forget: Callable[[str], None],
    ) -> None:
        self.name = name
        self._sensor, self._clock, self._judge, self._forget = sensor, clock, judge, forget
        self._max_age_s: float | None = getattr(sensor, "max_age_s", None)
        self._report = getattr(sensor, "report", None)
        self.started_s: float | None = None
        self.due_s = 0.0
        self._found: bool | None = None
        self._looked_s = float("-inf")
        self._absent = ""
        self._missing, self._missing_s = False, 0.0
        self._round: Round | None = None
        self._known: dict[str, str] = {}
        self._rounds, self._wall_ms, self._cpu_ms = 0, 0.0, 0.0
        self._journal = EdgeJournal(name)

    @property
    def period_s(self) -> float:
        """The reader's own period, stretched so that a slow one spends at most a quarter of its time reading."""
        return max(self._sensor.period_s, 0.004 * self._wall_ms)

    @property
    def hung_after_s(self) -> float:
        """A round that takes longer than this is abandoned."""
        return max(self.period_s, 0.25)

    def poll(self) -> None:
        """One round. Nothing escapes: what a reader raises is what it did not deliver."""
        now = self._clock.monotonic_s()
        self.started_s = now
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            senses = self._take(now)
        except OSError as e:
            senses = self._all_lost(failed(self.name, e, ""))
        except (Exception, SystemExit) as e:  # noqa: BLE001  a plug-in's mistake costs its values, not the daemon
            text = f"{type(e).__name__}: {e}"
            senses = self._all_lost(NoData(self.name, "garbage", f"the reader failed with {text}"))
        self._count(1000 * (time.perf_counter() - wall), 1000 * (time.thread_time() - cpu))
        self._round = Round(now, tuple(senses))
        self._journal.tell(senses, now)
        self.started_s = None

    def next_due_s(self, now_s: float, origin_s: float) -> float:
        """The next turn, on a grid that all readers share: they wake together, not one by one."""
        period = self.period_s
        if self._found is False and not self._known:
            period = max(period, LOOK_AGAIN_S)
        return origin_s + period * (int((now_s - origin_s) / period + 1e-6) + 1)

    def senses(self, now_s: float) -> list[Sense]:
        """The latest values with their ages; NoData for a reader that hangs or fell behind."""
        latest, started = self._round, self.started_s
        if started is not None and now_s - started > self.hung_after_s:
            text = f"a read has not come back for {now_s - started:.1f} s"
            return self._all_lost(NoData(self.name, "hung", text))
        if latest is None:
            return []
        age_s = max(0.0, now_s - latest.at_s)
        if age_s > 2.5 * self.period_s + 0.5 and self._found:
            return self._all_lost(NoData(self.name, "stale", f"last read {age_s:.1f} s ago"))
        limit_s = self._max_age_s or 2.5 * self.period_s + 0.5
        return [_aged(s, age_s, limit_s) for s in latest.senses]

    def status(self, now_s: float) -> ReaderStatus:
        """What ``edgerund sensors`` shows of this reader."""
        latest, started = self._round, self.started_s
        state, detail = self._state(latest)
        if started is not None and now_s - started > self.hung_after_s:
            state, detail = "hung", f"a read has not come back for {now_s - started:.1f} s"
        return ReaderStatus(
            self.name,
            state,
            detail,
            self.period_s,
            self._rounds,
            self._wall_ms,
            self._cpu_ms,
            None if latest is None else now_s - latest.at_s,
        )

    def report(self, senses: Mapping[str, Sense]) -> None:
        """Show all senses to a reader that passes them on."""
        if self._report is not None and self.started_s is None:
            self._report(senses)

    def close(self) -> None:
        """Close the reader, unless it hangs: then its thread still holds it."""
        if self.started_s is None:
            self._sensor.close()

    def _state(self, latest: Round | None) -> tuple[str, str]:
        if latest is None:
            return "starting", "not read yet"
        if self._found is False:
            return "absent", self._absent
        lost = [s for s in latest.senses if isinstance(s, NoData)]
        if lost and len(lost) == len(latest.senses):
            return "failing", f"{lost[0].reason}: {lost[0].detail}"
        return "ok", ""

    def _take(self, now: float) -> list[Sense]:
        if now - self._looked_s >= self._look_every_s(now):
            self._look(now)
        if not self._found:
            self._missing = bool(self._known)
            return self._all_lost(NoData(self.name, "absent", self._absent))
        raw = list(self._sensor.read())
        senses = [self._judge(s, now) if isinstance(s, Reading) else s for s in raw]
        names = {s.name for s in senses}
        gone = [n for n in self._known if n not in names]
        lost = any(isinstance(s, NoData) and s.reason == "absent" for s in raw)
        self._missing = lost or bool(gone)
        for sense in raw:
            if isinstance(sense, NoData):
                self._forget(sense.name)
            if sense.name in self._known or len(self._known) < MOST_NAMES:
                self._known[sense.name] = sense.source
        senses += [NoData(n, "absent", "it is no longer there", self._known[n]) for n in gone]
        return senses

    def _look_every_s(self, now: float) -> float:
        """What vanished may be back at once, under another number; what stays away is not looked for for ever."""
        if not self._missing:
            self._missing_s = now
        return 0.0 if now - self._missing_s < SOON_S and self._missing else LOOK_AGAIN_S

    def _look(self, now: float) -> None:
        why = self._sensor.probe()
        self._found, self._absent, self._looked_s = why is None, why or "", now

    def _all_lost(self, cause: NoData) -> list[Sense]:
        known = list(self._known.items())  # a hung round may still add to it
        for name, _ in known:
            self._forget(name)
        if not known and cause.reason != "absent":
            return [
                replace(cause, name=f"reader.{self.name}")
            ]  # nobody knows what it would have said
        return [replace(cause, name=name, source=source) for name, source in known]

    def _count(self, wall_ms: float, cpu_ms: float) -> None:
        self._rounds += 1
        share = 1.0 if self._rounds == 1 else 0.2
        self._wall_ms += share * (wall_ms - self._wall_ms)
        self._cpu_ms += share * (cpu_ms - self._cpu_ms)


def _aged(sense: Sense, age_s: float, limit_s: float) -> Sense:
    if isinstance(sense, NoData):
        return sense
    age_s += sense.age_s
    if age_s > limit_s:
        return NoData(sense.name, "stale", f"last measured {age_s:.1f} s ago", sense.source)
    return replace(sense, age_s=round(age_s, 3))  # recordings keep every digit: give them few
