"""A whole run: two arms side by side under the same load, and what they left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgerund.config.ladder import load_ladder
from edgerund.config.policy import load_policy
from edgerund.errors import UsageError
from tools.heat_run import policies
from tools.heat_run.arm import Arm, Plan, Trace, wait_until
from tools.heat_run.board import Fault, Story
from tools.heat_run.figures import Figures, figures
from tools.heat_run.plant import Constants

KEEPING = "with limits"
LAST_SHARE = 0.6
"""Of the mission, after which the best variant would have used up all but the reserve."""
COOL_C = 10.0
START_PERCENT = 90.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to run. ``fps`` None: so that the best variant takes the share ``busy`` of a core."""

    ladder: Path
    seconds: float = 600.0
    speed: float = 1.0
    fps: float | None = None
    busy: float = 0.3
    limit_c: float = 70.0
    sun: tuple[float, float, float] | None = None
    faults: tuple[Fault, ...] = ()
    battery: bool = False
    policy: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it; the arm with limits first."""

    options: Options
    story: Story
    fps: float
    variants: tuple[str, ...]
    traces: tuple[Trace, ...]
    figures: tuple[Figures, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: figures, constants and the whole trace."""
        return {
            "seconds": self.options.seconds,
            "speed": self.options.speed,
            "fps": round(self.fps, 2),
            "variants": list(self.variants),
            "reserve_percent": policies.RESERVE_PERCENT if self.options.battery else None,
            "story": asdict(self.story),
            "figures": {f.name: f.to_json() for f in self.figures},
            "traces": {t.name: t.to_json() for t in self.traces},
        }


def carry_out(
    options: Options,
    folder: Path,
    say: Callable[[str], None],
    enough: Callable[[list[dict[str, Any]]], bool] | None = None,
) -> Run:
    """Run both arms at the same time, so that whatever else the machine does befalls both.

    Args:
        options: what to run.
        folder: where logs, policies and recordings go.
        say: told what goes on.
        enough: asked every second with what ``status`` says of both; true ends the run before its time.

    Raises:
        StartError, LadderError, ConfigError: the daemon's own. UsageError: nothing to compare.
    """
    plan = load_ladder(options.ladder)
    if len(plan.variants) < 2:
        raise UsageError(f"cannot compare on ladder {plan.name!r}: it has one variant only")
    story = _story(options)
    keeping: Any = options.policy
    if keeping is None:
        mission_s = options.seconds if options.battery else None
        keeping = policies.keeping(options.limit_c, options.speed, mission_s)
    else:
        load_policy(keeping)
    top = plan.variants[0].name
    asked = [(KEEPING, keeping), (f"always {top}", policies.holding_top())]
    with ExitStack() as stack:
        arms = []
        for number, (name, policy) in enumerate(asked):
            own = folder / ("limits", "top")[number]
            own.mkdir(parents=True, exist_ok=True)
            # whoever has no limits asks no sensor: its board stays whole
            tale = replace(story, faults=()) if number else story
            arm = Arm(Plan(name, own, plan, options.ladder, policy, tale))
            arms.append(stack.enter_context(arm))
        fps = options.fps or _fps(arms[1], options.busy, top, say)
        traces = _stream(arms, options, fps, say, enough)
    found = tuple(figures(t, plan, a.plan.story, fps) for t, a in zip(traces, arms, strict=True))
    return Run(options, story, fps, tuple(v.name for v in plan.variants), traces, found)


def _story(options: Options) -> Story:
    constants, battery_mwh = Constants(), None
    if options.battery:
        constants = Constants(air_c=COOL_C)
        top_w = constants.idle_w + constants.core_w * options.busy
        usable = (START_PERCENT - policies.RESERVE_PERCENT) / 100.0
        battery_mwh = top_w * LAST_SHARE * options.seconds / options.speed / 3.6 / usable
    return Story(
        constants=constants,
        speed=options.speed,
        limit_c=options.limit_c,
        sun=options.sun,
        faults=options.faults,
        battery_mwh=battery_mwh,
        start_percent=START_PERCENT,
    )


def _fps(arm: Arm, busy: float, top: str, say: Callable[[str], None]) -> float:
    cost_ms = arm.cost_ms()
    fps = busy * 1e3 / cost_ms
    say(f"{top} takes {cost_ms:.2f} ms of CPU time a frame: {fps:.0f} frames a second")
    return fps


def _stream(
    arms: list[Arm],
    options: Options,
    fps: float,
    say: Callable[[str], None],
    enough: Callable[[list[dict[str, Any]]], bool] | None,
) -> tuple[Trace, ...]:
    origin_s = time.monotonic() + 0.5
    for arm in arms:
        arm.go(fps, origin_s)
    end_s = origin_s + options.seconds / options.speed
    while time.monotonic() < end_s:
        wait_until(min(end_s, time.monotonic() + 1.0), going=lambda: True)
        states = [arm.status() for arm in arms]
        if enough is not None and enough(states):
            break
    say(f"ran for {(time.monotonic() - origin_s) * options.speed:.0f} s of the board's time")
    return tuple(arm.stop() for arm in arms)
