"""Slowdown, chance, power, battery, heat: one by one, against worlds whose truth is known."""

from __future__ import annotations

import math
import random

import pytest

from edgerund.policy import battery, outlook, power, slowdown, thermal
from edgerund.policy.battery import BatteryMemory, Gauge
from edgerund.policy.chance import chance_within
from edgerund.policy.power import PowerMemory, energies_mj
from edgerund.policy.slowdown import LatencyForecast, LatencyMemory
from edgerund.types import Card
from edgerund.types.policy import BatteryLimit
from tests.policy.build import CARDS, served
from tests.shared_data import shared
from tools import forecast_error


# ------------------------------------------------------------------ slowdown and chance
def test_the_slowdown_follows_contention_within_three_windows_and_back() -> None:
    memory = LatencyMemory()
    for _ in range(20):
        memory = slowdown.observe(memory, served("int8"), CARDS)
    for _ in range(3):
        memory = slowdown.observe(memory, served("int8", slow=1.8), CARDS)
    assert memory.mean == pytest.approx(1.8, rel=0.05)
    for _ in range(3):
        memory = slowdown.observe(memory, served("int8"), CARDS)
    assert memory.mean == pytest.approx(1.0, rel=0.05)


def test_what_one_variant_taught_holds_for_another() -> None:
    memory = LatencyMemory()
    for _ in range(10):
        memory = slowdown.observe(memory, served("int8", slow=1.5), CARDS)
    expected = slowdown.forecast(memory, "fp16", CARDS["fp16"])
    assert expected is not None
    assert expected.mean_ms == pytest.approx(60.0, rel=0.05)


def test_a_surprise_just_after_a_swap_belongs_to_the_variant() -> None:
    memory = LatencyMemory()
    for _ in range(20):
        memory = slowdown.observe(memory, served("int8"), CARDS)
    for _ in range(10):
        memory = slowdown.observe(memory, served("tiny", slow=2.0), CARDS)
    tiny = slowdown.forecast(memory, "tiny", CARDS["tiny"])
    int8 = slowdown.forecast(memory, "int8", CARDS["int8"])
    assert tiny is not None
    assert int8 is not None
    assert tiny.mean_ms == pytest.approx(16.0, rel=0.1)
    assert int8.mean_ms < 28.0


def test_the_chance_agrees_with_draws_from_the_forecast() -> None:
    rng = random.Random(1)
    draws = [rng.gauss(40.0, 6.0) for _ in range(20_000)]
    share = sum(d <= 50.0 for d in draws) / len(draws)
    assert chance_within(LatencyForecast(40.0, 6.0), 50.0) == pytest.approx(share, abs=0.01)
    assert chance_within(LatencyForecast(40.0, 0.0), 40.0) == 1.0
    assert chance_within(LatencyForecast(40.0, 0.0), 39.9) == 0.0


# ------------------------------------------------------------------ power
def test_idle_and_gain_are_found_once_the_load_varies() -> None:
    rng = random.Random(2)
    memory = PowerMemory()
    for second in range(400):
        load = 6000.0 if (second // 40) % 2 else 1500.0
        memory = power.observe(memory, 3000.0 + 1.3 * load + rng.gauss(0.0, 60.0), load, 1.0)
    assert memory.gain == pytest.approx(1.3, rel=0.08)
    assert power.total_mw(memory, 4000.0) == pytest.approx(8200.0, rel=0.03)


def test_with_a_steady_load_the_cards_are_believed_and_idle_takes_the_rest() -> None:
    memory = PowerMemory()
    for _ in range(100):
        memory = power.observe(memory, 8000.0, 4000.0, 1.0)
    assert memory.gain == pytest.approx(1.0, abs=0.05)
    assert power.total_mw(memory, 4000.0) == pytest.approx(8000.0, rel=0.01)


def test_without_energy_cards_power_is_learned_from_swaps() -> None:
    cards = [Card(latency_ms=40.0), Card(latency_ms=10.0)]
    energies = energies_mj(cards, [40.0, 10.0])
    assert energies[0] == pytest.approx(4.0 * energies[1])
    memory = PowerMemory()
    for second in range(600):
        live = (second // 60) % 2
        truth = 2500.0 + 20.0 * (240.0 if live == 0 else 60.0)
        memory = power.observe(memory, truth, 20.0 * energies[live], 1.0)
    assert power.total_mw(memory, 20.0 * energies[0]) == pytest.approx(7300.0, rel=0.05)
    assert power.total_mw(memory, 20.0 * energies[1]) == pytest.approx(3700.0, rel=0.05)


def test_a_missing_energy_is_scaled_like_the_ones_that_were_measured() -> None:
    cards = [Card(latency_ms=40.0, energy_mj=400.0), Card(latency_ms=10.0)]
    assert energies_mj(cards, [40.0, 10.0])[1] == pytest.approx(100.0)


# ------------------------------------------------------------------ battery
LIMIT = BatteryLimit(reserve_percent=20.0, mission_s=3600.0)


def pace_mw(memory: BatteryMemory, limit: BatteryLimit, now_s: float) -> float | None:
    usable, left_s = battery.usable_mwh(memory, limit), battery.left_s(memory, limit, now_s)
    return battery.ceiling_mw(memory, usable, left_s)


def flown(
    seconds: int, board_mw: float, other_mw: float, full_mwh: float = 50_000.0
) -> tuple[BatteryMemory, float]:
    memory, left = BatteryMemory(), full_mwh
    for second in range(seconds):
        gauge = Gauge(100.0 * left / full_mwh, round(left, -1))
        memory = battery.observe(
            memory, LIMIT, gauge, board_mw, float(second), 1.0 if second else 0.0
        )
        left -= (board_mw + other_mw) / 3600.0
    return memory, left


def test_the_pace_is_what_is_left_over_the_time_that_is_left_less_the_motors() -> None:
    memory, left = flown(600, 8000.0, 20_000.0)
    pace = pace_mw(memory, LIMIT, 599.0)
    truth = (left - 10_000.0) * 3600.0 / (3600.0 - 599.0) - 20_000.0
    assert pace == pytest.approx(truth, rel=0.03)


def test_a_climb_is_not_taken_for_the_rest_of_the_flight() -> None:
    memory, _ = flown(900, 8000.0, 20_000.0)
    assert battery.other_mw(memory, 2000.0) == pytest.approx(20_000.0, rel=0.03)
    left = 35_000.0
    for second in range(900, 960):
        gauge = Gauge(100.0 * left / 50_000.0, left)
        memory = battery.observe(memory, LIMIT, gauge, 8000.0, float(second), 1.0)
        left -= 78_000.0 / 3600.0
    assert battery.other_mw(memory, 2000.0) < 26_000.0
    assert battery.other_mw(memory, 60.0) > 40_000.0


def test_a_lost_gauge_is_carried_on_by_the_model_and_mains_forget_the_mission() -> None:
    memory, left = flown(300, 8000.0, 0.0)
    for second in range(300, 600):
        memory = battery.observe(memory, LIMIT, Gauge(), 8000.0, float(second), 1.0)
    assert memory.energy_mwh == pytest.approx(left - 8000.0 * 300 / 3600.0, rel=0.01)
    memory = battery.observe(memory, LIMIT, Gauge(on_mains=True), 8000.0, 600.0, 1.0)
    assert battery.left_s(memory, LIMIT, 600.0) is None


def test_percent_alone_needs_the_capacity() -> None:
    bare = battery.observe(BatteryMemory(), LIMIT, Gauge(percent=80.0), 8000.0, 0.0, 0.0)
    assert pace_mw(bare, LIMIT, 0.0) is None
    told = BatteryLimit(20.0, 3600.0, capacity_mwh=50_000.0)
    known = battery.observe(BatteryMemory(), told, Gauge(percent=80.0), 8000.0, 0.0, 0.0)
    assert pace_mw(known, told, 0.0) == pytest.approx(30_000.0)


# ------------------------------------------------------------------ heat
class Oven:
    """A two-node board whose constants differ from the filters' first guess."""

    def __init__(self, heat: float = 3.0, tau_s: float = 150.0) -> None:
        self.heat, self.tau_s, self.slow, self.fast, self.air = heat, tau_s, 40.0, 0.0, 25.0

    def step(self, power_w: float) -> float:
        self.slow += (self.air + self.heat * power_w - self.slow) / self.tau_s
        self.fast += (0.6 * power_w - self.fast) * (1.0 - math.exp(-1.0 / 5.0))
        return self.slow + self.fast


def warmed(oven: Oven, seconds: int, rng: random.Random) -> tuple[thermal.ThermalMemory, float]:
    """The bank after a while of a load that changes every two minutes; returns the last power, too."""
    memory, power_w = thermal.ThermalMemory(), 6.0
    for second in range(seconds):
        before, power_w = power_w, (6.0 if (second // 120) % 2 else 9.0)
        temp_c = round(oven.step(power_w) + rng.gauss(0.0, 0.15), 1)
        if not memory.ready:
            memory = thermal.begin(temp_c, 0.0, None, None)
        memory = thermal.observe(
            memory, temp_c, 1000.0 * (power_w - before) if second else 0.0, 0.0, float(second), 1.0
        )
        memory = thermal.score(memory, temp_c, float(second), 20.0)
    return memory, power_w


def test_the_forecast_of_a_step_comes_true() -> None:
    oven = Oven()
    memory, power_w = warmed(oven, 1190, random.Random(3))
    said = outlook.forecast_c(memory, 4000.0, 30.0)
    for _ in range(30):
        truth = oven.step(power_w + 4.0)
    assert said == pytest.approx(truth, abs=1.0)


def test_the_room_is_the_power_that_just_reaches_the_limit() -> None:
    memory, _ = warmed(Oven(), 1190, random.Random(4))
    limit_c = outlook.forecast_c(memory, 0.0, 20.0) + 2.0
    (ahead,) = outlook.outlooks(memory, (20.0,))
    room = ahead.room_mw(limit_c)
    assert outlook.forecast_c(memory, room, 20.0) <= limit_c + 1e-6
    assert ahead.room_mw(limit_c + 1.0) > room


def test_the_sun_shows_as_disturbance_within_half_a_minute() -> None:
    oven = Oven()
    memory, power_w = warmed(oven, 1190, random.Random(5))
    oven.air += 15.0
    for second in range(1190, 1220):
        temp_c = oven.step(power_w)
        memory = thermal.observe(memory, temp_c, 0.0, 0.0, float(second), 1.0)
        memory = thermal.score(memory, temp_c, float(second), 20.0)
    said = outlook.forecast_c(memory, 0.0, 20.0)
    for _ in range(20):
        truth = oven.step(power_w)
    assert said == pytest.approx(truth, abs=0.7)


def test_without_readings_the_doubt_grows() -> None:
    memory, _ = warmed(Oven(), 600, random.Random(6))
    sure = outlook.doubt_c(memory, 20.0)
    for _ in range(60):
        memory = thermal.observe(memory, None, 0.0, 0.0, 600.0, 1.0)
    assert outlook.doubt_c(memory, 20.0) > sure + 0.15


def test_on_recorded_traces_the_forecast_beats_persistence() -> None:
    """At least 25 % overall and 50 % on moves of 0.5 C or more, at 30 s (figures: tools/forecast_error.py)."""
    folder = shared("traces")
    rows = [
        row
        for path in sorted(folder.glob("*.csv"))
        if (trace := forecast_error.read_trace(path)) is not None
        for row in forecast_error.compare(trace, 30)
    ]
    assert_better(rows)


def test_on_each_recorded_trace_it_does_so_from_the_second_minute_between_ordered_steps() -> None:
    """What a temperature can tell: a step that is ordered later, and a board at first sight, are no part of that."""
    for path in sorted(shared("traces").glob("*.csv")):
        trace = forecast_error.read_trace(path)
        if trace is not None:
            rows = forecast_error.compare(trace, 30)
            assert_better(forecast_error.foreseeable(rows, forecast_error.orders(path), 30))


def assert_better(rows: list[forecast_error.Errors]) -> None:
    moves = [row for row in rows if row[0] >= 0.5]
    assert len(moves) > 50
    assert sum(r[1] for r in rows) <= 0.75 * sum(r[0] for r in rows)
    assert sum(r[1] for r in moves) <= 0.50 * sum(r[0] for r in moves)
