"""What a build tells while it runs: bars with the time left in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

EVERY_S = 10.0
"""A line of progress of one stage at most so often, where there is no terminal."""


class Reporter(Protocol):
    """Is told what happens."""

    def begin(self, stage: str, use: str) -> None:
        """A stage begins."""
        ...

    def step(self, stage: str, share: float, text: str) -> None:
        """So much of it is done."""
        ...

    def end(self, stage: str, text: str) -> None:
        """It ended, and how."""
        ...

    def say(self, text: str) -> None:
        """Anything else."""
        ...


@dataclass
class Forecast:
    """How long the rest takes, from what stages took before."""

    estimates_s: Mapping[str, float | None]
    done: set[str] = field(default_factory=set)
    shares: dict[str, float] = field(default_factory=dict)

    def left(self) -> str:
        """In words; empty where nobody knows anything."""
        rest = {n: s for n, s in self.estimates_s.items() if n not in self.done}
        known = [s * (1 - self.shares.get(n, 0.0)) for n, s in rest.items() if s is not None]
        if not known:
            return ""
        least = "" if len(known) == len(rest) else "at least "
        return f"{least}{duration(sum(known))} left in all"


@dataclass
class Lines:
    """Plain lines, for logs."""

    forecast: Forecast
    out: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    _began: dict[str, float] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def begin(self, stage: str, use: str) -> None:
        self._began[stage] = self._told[stage] = self.clock()
        known = self.forecast.estimates_s.get(stage)
        parts = [f"about {duration(known)}" if known else "", self.forecast.left()]
        self.say(f"{stage}: {', '.join(['begins: ' + use, *filter(None, parts)])}")

    def step(self, stage: str, share: float, text: str) -> None:
        self.forecast.shares[stage] = share
        now = self.clock()
        if now - self._told.get(stage, now) < EVERY_S:
            return
        self._told[stage] = now
        spent = now - self._began[stage]
        left = f", {duration(spent / share - spent)} left" if share > 0.01 else ""
        self.say(f"{stage}: {share:.0%}{left}: {text}")

    def end(self, stage: str, text: str) -> None:
        self.forecast.done.add(stage)
        self.say(f"{stage}: {text}")

    def say(self, text: str) -> None:
        print(text, file=self.out, flush=True)


class Bars:
    """One bar for each stage that runs."""

    def __init__(self, forecast: Forecast, tqdm: Any) -> None:
        self._forecast = forecast
        self._tqdm = tqdm
        self._bars: dict[str, Any] = {}

    def begin(self, stage: str, use: str) -> None:
        left = self._forecast.left()
        self._bars[stage] = self._tqdm(
            total=1.0,
            desc=f"{stage} ({use}{', ' + left if left else ''})",
            bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}{postfix}",
            leave=False,
            dynamic_ncols=True,
        )

    def step(self, stage: str, share: float, text: str) -> None:
        self._forecast.shares[stage] = share
        bar = self._bars[stage]
        bar.set_postfix_str(text, refresh=False)
        bar.n = min(1.0, max(0.0, share))
        bar.refresh()

    def end(self, stage: str, text: str) -> None:
        self._forecast.done.add(stage)
        bar = self._bars.pop(stage, None)
        if bar is not None:
            bar.close()
        self.say(f"{stage}: {text}")

    def say(self, text: str) -> None:
        self._tqdm.write(text, file=sys.stderr)


def reporter(forecast: Forecast) -> Reporter:
    """Bars in a terminal where tqdm is installed, else lines."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            return Lines(forecast)
        return Bars(forecast, tqdm)
    return Lines(forecast)


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
