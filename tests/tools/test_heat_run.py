"""The run against heat: physics and files by themselves, then real daemons under real load, in short and in full."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.clock import SystemClock
from edgerund.config.ladder import load_ladder
from edgerund.config.policy import parse_policy
from edgerund.config.share import shared_file
from edgerund.sensors.ina3221 import Ina3221
from edgerund.sensors.power_supply import PowerSupplies
from edgerund.sensors.sysroot import FileRoot
from edgerund.sensors.thermal import ThermalZones
from edgerund.types import NoData, Reading, Sense
from tools.heat_run.arm import Trace
from tools.heat_run.board import FAULTS, Board, Fault, Story
from tools.heat_run.figures import figures
from tools.heat_run.picture import draw
from tools.heat_run.plant import Charge, Constants, Heat
from tools.heat_run.policies import holding_top, keeping
from tools.heat_run.run import KEEPING, Options, Run, carry_out

CIFAR10 = shared_file("variants/cifar10")
ZONE, RAIL = "zone.tj-thermal.temp_c", "rail.VDD_IN.power_mw"


# ------------------------------------------------------------------ physics
@given(power_w=st.floats(0, 20), sun_w=st.floats(0, 10))
def test_heat_settles_where_its_resistances_say(power_w: float, sun_w: float) -> None:
    c = Constants()
    heat = Heat(c)
    heat.step(3000.0, power_w, sun_w)
    case_c = c.air_c + (power_w + sun_w) / c.case_w_per_k
    assert heat.case_c == pytest.approx(case_c, abs=0.01)
    assert heat.die_c == pytest.approx(case_c + power_w * c.die_k_per_w, abs=0.01)


@given(power_w=st.floats(0, 20), steps=st.lists(st.floats(0.01, 5), min_size=1, max_size=20))
def test_heat_depends_on_time_and_not_on_how_often_one_looks(
    power_w: float, steps: list[float]
) -> None:
    often, once = Heat(Constants()), Heat(Constants())
    for dt_s in steps:
        often.step(dt_s, power_w)
    once.step(sum(steps), power_w)
    assert often.die_c == pytest.approx(once.die_c, abs=0.15)


def test_a_battery_gives_what_it_holds_and_no_more() -> None:
    charge = Charge(full_mwh=1000.0, start_percent=50.0)
    charge.draw(dt_s=900.0, power_w=1.0)
    assert charge.percent == pytest.approx(25.0)
    charge.draw(dt_s=9000.0, power_w=1.0)
    assert charge.percent == 0.0


# ------------------------------------------------------------------ files
def read_all(root: Path) -> dict[str, Sense]:
    senses: dict[str, Sense] = {}
    for reader in (ThermalZones, Ina3221, PowerSupplies):
        sensor = reader(FileRoot(root), SystemClock())
        if sensor.probe() is None:
            senses |= {s.name: s for s in sensor.read()}
    return senses


def value_of(sense: Sense) -> float:
    assert isinstance(sense, Reading), sense
    return sense.value


def test_readers_see_the_board_as_hardware(tmp_path: Path) -> None:
    board = Board(tmp_path, Story(battery_mwh=1000.0, start_percent=80.0))
    for n in range(100):
        board.advance(now_s=0.2 * n, dt_s=0.2, share=0.25)
    senses = read_all(tmp_path)
    assert value_of(senses[ZONE]) == pytest.approx(board.heat.die_c, abs=0.05)
    assert value_of(senses[RAIL]) == pytest.approx(6000.0, abs=50.0)
    assert board.charge is not None
    percent = next(s for n, s in senses.items() if n.endswith("percent"))
    assert value_of(percent) == pytest.approx(board.charge.percent, abs=0.6)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_broken_zone_breaks_and_comes_back(tmp_path: Path, kind: str) -> None:
    board = Board(tmp_path, Story(faults=(Fault(kind, at_s=10.0, for_s=10.0),)))
    board.advance(now_s=1.0, dt_s=1.0, share=0.5)
    before_c = value_of(read_all(tmp_path)[ZONE])
    board.advance(now_s=15.0, dt_s=14.0, share=0.5)
    broken = read_all(tmp_path).get(ZONE)
    if kind == "frozen":
        assert broken is not None
        assert value_of(broken) == before_c < board.heat.die_c - 1.0
    else:
        assert broken is None or isinstance(broken, NoData)
    board.advance(now_s=21.0, dt_s=6.0, share=0.5)
    assert value_of(read_all(tmp_path)[ZONE]) == pytest.approx(board.heat.die_c, abs=0.05)


@given(speed=st.floats(1, 60), mission_s=st.none() | st.floats(60, 7200))
def test_both_policies_are_policies(speed: float, mission_s: float | None) -> None:
    for policy in (keeping(70.0, speed, mission_s), holding_top()):
        assert parse_policy(str(policy)).name == policy["policy"]


# ------------------------------------------------------------------ figures
def row(at_s: float, variant: str, temp_c: float = 50.0) -> dict[str, Any]:
    return {
        "at_s": at_s,
        "variant": variant,
        "temp_c": temp_c,
        "share": 0.3,
        "power_w": 5.0,
        "percent": None,
    }


def frames(answered: dict[str, int], lost: int = 0) -> dict[str, Any]:
    sent = sum(answered.values()) + lost
    refused = {"Busy": lost} if lost else {}
    some = {"at_s": 1.0, "sent": sent, "skipped": 0, "right": 3, "p50_ms": 1.0, "p99_ms": 2.0}
    return {**some, "answered": answered, "lost": refused}


def trace(swaps: list[dict[str, Any]], rows: list[dict[str, Any]], name: str = KEEPING) -> Trace:
    board = {"rows": rows, "over_limit_s": 0.0, "hottest_c": max(r["temp_c"] for r in rows)}
    return Trace(
        name, board, [frames({"int8-views": 3, "tiny-int8": 1}, lost=1)], swaps, "int8-views"
    )


def swap(at_s: float, to: str) -> dict[str, Any]:
    return {"at_s": at_s, "to": to, "because": "it had to be"}


def test_a_lost_frame_counts_as_wrong() -> None:
    plan = load_ladder(CIFAR10)
    found = figures(trace([], [row(1.0, "int8-views")]), plan, Story(), fps=10.0)
    best, least = plan.variant("int8-views").card.accuracy, plan.variant("tiny-int8").card.accuracy
    assert best is not None
    assert least is not None
    assert (found.sent, found.answered, found.lost) == (5, 4, 1)
    assert found.accuracy == pytest.approx((3 * best + least) / 5)


def test_an_empty_battery_answers_no_more() -> None:
    rows = [{**row(1.0, "int8-views"), "percent": 3.0}, {**row(2.0, "int8-views"), "percent": 0.0}]
    run = trace([], rows)
    run.frames.append({**frames({"int8-views": 7}), "at_s": 3.0})
    found = figures(run, load_ladder(CIFAR10), Story(battery_mwh=100.0), fps=10.0)
    assert (found.sent, found.answered, found.lost, found.empty_s) == (12, 4, 8, 2.0)


def test_how_soon_after_a_loss_is_told_in_real_seconds() -> None:
    plan = load_ladder(CIFAR10)
    swaps = [swap(12.0, "int8"), swap(14.0, "tiny-int8"), swap(36.0, "int8")]
    rows = [
        row(11.0, "int8-views", 60.0),
        row(25.0, "tiny-int8", 64.0),
        row(35.0, "tiny-int8", 70.0),
    ]
    story = Story(speed=2.0, faults=(Fault("gone", at_s=10.0, for_s=20.0),))
    loss = figures(trace(swaps, rows), plan, story, fps=10.0).losses[0]
    assert (loss.before, loss.lower_s, loss.safe_s, loss.back_s) == ("int8-views", 1.0, 2.0, 3.0)
    assert loss.hottest_c == 64.0
    late = dataclasses.replace(story, faults=(Fault("gone", at_s=20.0, for_s=10.0),))
    again = figures(trace(swaps, rows), plan, late, fps=10.0).losses[0]
    assert (again.before, again.lower_s, again.safe_s) == ("tiny-int8", 0.0, 0.0)


def test_the_picture_names_arms_variants_and_the_limit() -> None:
    plan = load_ladder(CIFAR10)
    story = Story(sun=(5.0, 15.0, 2.0), faults=(Fault("gone", 20.0, 5.0),))
    rows = [row(float(n), "int8-views", 50.0 + n) for n in range(31)]
    traces = tuple(
        trace([swap(9.0, "tiny-int8")], rows, name) for name in (KEEPING, "always int8-views")
    )
    found = tuple(figures(t, plan, story, fps=10.0) for t in traces)
    names = tuple(v.name for v in plan.variants)
    run = Run(Options(CIFAR10, seconds=30.0), story, 10.0, names, traces, found)
    words = [e.text for e in ElementTree.fromstring(draw(run.to_json())).iter() if e.text]
    assert {
        *names,
        KEEPING,
        "always int8-views",
        "limit 70 °C",
        "sun on the case",
        "zone gone",
    } <= set(words)


# ------------------------------------------------------------------ real runs
def temp_c(status: dict[str, Any]) -> float:
    """What the daemon reads; without a value, cold."""
    return next((s["value"] for s in status["senses"] if s["name"] == "temp_c" and "value" in s), 0)


def skip_if_starved(run: Run) -> None:
    """Without CPU time there is no heat: other programs have the machine."""
    shares = [r["share"] for r in run.traces[1].board["rows"]]
    given = sum(shares) / max(1, len(shares))
    if given < 0.7 * run.options.busy:
        pytest.skip(f"the worker was given {given:.2f} of the {run.options.busy:g} cores it needs")


@pytest.mark.timeout(300)
def test_heat_lowers_the_variant_in_time_and_a_lost_zone_leaves_the_cheapest(
    tmp_path: Path,
) -> None:
    """Real daemons, cameras and boards; only the boards' time is fast."""
    fault = Fault("gone", at_s=100.0, for_s=300.0)
    options = Options(CIFAR10, seconds=400.0, speed=5.0, limit_c=65.0, faults=(fault,))
    cheapest = load_ladder(CIFAR10).variants[-1].name

    def enough(states: list[dict[str, Any]]) -> bool:
        ladder = states[0]["ladders"][0]
        safe = ladder["live"] == cheapest and ladder["reason"]["code"] == "sensor_lost"
        return safe and temp_c(states[1]) > options.limit_c + 1.0

    run = carry_out(options, tmp_path, say=print, enough=enough)
    skip_if_starved(run)
    kept, held = run.figures
    assert held.over_limit_s > 0.0
    assert kept.over_limit_s == 0.0, kept
    because = [s["because"] for s in run.traces[0].swaps]
    assert any("temp_c" in text and "forecast" in text for text in because), because
    assert kept.losses[0].safe_s is not None
    for arm in run.figures:
        assert arm.sent == arm.answered + arm.lost
        assert arm.answered > 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_ten_minutes_below_the_limit_where_the_best_variant_is_not(tmp_path: Path) -> None:
    run = carry_out(Options(CIFAR10, seconds=600.0), tmp_path, say=print)
    skip_if_starved(run)
    kept, held = run.figures
    assert held.hottest_c > run.options.limit_c + 3.0
    assert kept.over_limit_s == 0.0, kept
    assert kept.accuracy > load_ladder(CIFAR10).variants[-1].card.accuracy  # type: ignore[operator]
    assert kept.lost == 0, kept
