from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.sim.heat import Chain, Heat, start_temperatures, two_nodes
from edgerund.sim.scenario import Device

DEVICE = Device()


def settle(power_w: float, ambient_c: float, *, fan_works: bool, sun_w: float = 0.0) -> Heat:
    heat = Heat(two_nodes(DEVICE), DEVICE, [ambient_c, ambient_c])
    for _ in range(5000):
        heat.step(power_w, ambient_c, sun_w, fan_works)
    return heat


def test_without_a_fan_it_settles_where_power_times_resistance_says() -> None:
    heat = settle(9.0, 20.0, fan_works=False)
    assert heat.die_c == pytest.approx(20 + 9.0 * (DEVICE.die_k_per_w + 1 / DEVICE.still_w_per_k))


def test_the_fan_cools_and_draws_power() -> None:
    with_fan, without = settle(9.0, 20.0, fan_works=True), settle(9.0, 20.0, fan_works=False)
    assert with_fan.die_c < without.die_c - 3
    assert with_fan.fan_power_w() > 0 == without.fan_power_w()


def test_the_firmware_throttles_when_too_hot_and_lets_go_only_when_cooler() -> None:
    heat = settle(25.0, 40.0, fan_works=True)
    assert heat.throttled
    while heat.die_c > DEVICE.throttle_c - 2:
        heat.step(0.0, 40.0, 0.0, True)
    assert heat.throttled
    while heat.die_c > DEVICE.throttle_c - 4:
        heat.step(0.0, 40.0, 0.0, True)
    assert not heat.throttled


def test_the_start_is_nearly_steady() -> None:
    chain = two_nodes(DEVICE)
    start = start_temperatures(chain, DEVICE.idle_w, 25.0)
    heat = Heat(chain, DEVICE, start)
    for _ in range(600):
        heat.step(DEVICE.idle_w, 25.0, 0.0, True)
    assert heat.die_c == pytest.approx(start[0], abs=3.0)


@given(
    st.lists(st.floats(0, 30), min_size=3, max_size=40),
    st.floats(0, 10),
    st.floats(-20, 50),
)
def test_more_power_is_never_cooler(powers_w: list[float], more_w: float, ambient_c: float) -> None:
    less, more = (
        Heat(two_nodes(DEVICE), DEVICE, start_temperatures(two_nodes(DEVICE), 5.0, ambient_c))
        for _ in range(2)
    )
    for power_w in powers_w:
        less.step(power_w, ambient_c, 0.0, False)
        more.step(power_w + more_w, ambient_c, 0.0, False)
        assert more.die_c >= less.die_c - 1e-9


@given(st.floats(-20, 120), st.floats(30, 100))
def test_the_leakage_tangent_is_never_above_the_leakage(die_c: float, touch_c: float) -> None:
    chain = Chain((1.0,), (), 1.0, 0.0, leak_w=0.5)
    offset, slope = chain.leakage_floor(touch_c)
    assert offset + slope * die_c <= chain.leakage_w(die_c) + 1e-9
