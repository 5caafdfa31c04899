from __future__ import annotations

import itertools
from dataclasses import replace

from edgerund.policy import decide, initial
from edgerund.types import Card, Decision, Hold, LadderState, Snapshot, VariantState
from edgerund.types.policy import (
    BatteryLimit,
    Condition,
    LadderTerms,
    LatencyLimit,
    MemoryLimit,
    Objective,
    PolicyPlan,
    PowerLimit,
    Rule,
    Switching,
    TempLimit,
    VariantRef,
)
from tests.policy.build import BARE, CARDS, NAMES, Loop, ladder, served, snapshot, with_serving

PLAIN = PolicyPlan("plain")
WARM = PolicyPlan("warm", temp=TempLimit(80.0))


def codes(decision: Decision) -> dict[str, str]:
    return {r.variant: r.reason.code for r in decision.rejected}


def test_without_sensors_and_limits_the_best_variant_serves() -> None:
    decision = Loop(PLAIN).tick()
    assert decision.variant == "fp16"
    assert decision.reason.code == "best"
    assert codes(decision) == {"int8": "best", "tiny": "best", "nano": "best"}


def test_every_other_variant_is_rejected_with_a_sentence() -> None:
    decision = Loop(WARM).run(3, temp_c=60.0, power_mw=8000.0)
    assert [r.variant for r in decision.rejected] == [n for n in NAMES if n != decision.variant]
    assert all(len(r.reason.text) > 10 for r in decision.rejected)


def test_cards_without_figures_keep_the_ladder_order_as_quality() -> None:
    loop = Loop(PLAIN)
    decision = loop.run(3, lambda one: ladder(loop.live, cards=BARE))
    assert decision.variant == "fp16"


def test_latency_of_a_variant_without_a_card_is_learned_and_then_obeyed() -> None:
    loop = Loop(PolicyPlan("p", latency=LatencyLimit(30.0)))

    def bare(_: LadderState) -> LadderState:
        ms = CARDS[loop.live].latency_ms if loop.live else None
        return ladder(loop.live, cards=BARE, since_s=loop.since_s, serving=served(loop.live, ms=ms))

    decision = loop.run(60, bare)
    assert decision.variant == "int8"
    assert codes(decision)["fp16"] == "latency"


def test_a_variant_that_is_too_slow_for_the_deadline_is_never_taken() -> None:
    decision = Loop(PolicyPlan("p", latency=LatencyLimit(30.0))).tick()
    assert decision.variant == "int8"
    assert decision.reason.code == "latency"
    assert decision.reason.limit == 30.0
    assert "30 ms" in decision.reason.text


def test_contention_brings_a_faster_variant_within_two_ticks_and_goes_back_after_it() -> None:
    loop = Loop(PolicyPlan("p", latency=LatencyLimit(60.0)))
    assert loop.run(20).variant == "fp16"
    slow = loop.run(2, lambda one: replace(one, serving=served(loop.live, slow=2.0)))
    assert slow.variant in ("int8", "tiny")
    assert slow.reason.code == "latency"
    assert not loop.swaps()[-1].voluntary
    assert loop.run(60).variant == "fp16"


def test_a_client_deadline_tightens_the_limit() -> None:
    loop = Loop(PolicyPlan("p", latency=LatencyLimit(60.0)))
    decision = loop.run(
        2, lambda one: replace(one, serving=replace(served(loop.live or "fp16"), deadline_ms=15.0))
    )
    assert decision.variant == "tiny"


def test_when_no_variant_is_fast_enough_the_likeliest_serves() -> None:
    decision = Loop(PolicyPlan("p", latency=LatencyLimit(1.0))).tick()
    assert decision.variant == "nano"
    assert decision.reason.code == "latency"


def test_over_the_temperature_limit_the_cheapest_serves_at_once() -> None:
    loop = Loop(WARM)
    loop.run(30, temp_c=50.0, power_mw=8000.0)
    decision = loop.tick(temp_c=81.0, power_mw=8000.0)
    assert decision.variant == "nano"
    assert decision.reason.code == "temperature"
    assert not decision.voluntary
    assert decision.headroom["temperature"] == 0.0


def test_a_rising_temperature_is_forecast_before_the_limit_is_reached() -> None:
    loop = Loop(WARM)
    loop.run(20, temp_c=60.0, power_mw=8000.0)
    assert loop.live == "fp16"
    temp_c = 60.0
    while loop.live == "fp16":
        temp_c += 0.25
        decision = loop.tick(temp_c=temp_c, power_mw=8000.0)
    assert temp_c < 78.5
    assert decision.reason.constraint == "temp_c"
    assert decision.reason.observed is not None
    assert "forecast to reach" in decision.reason.text


def test_the_power_limit_counts_what_a_variant_would_draw() -> None:
    policy = PolicyPlan("p", power=PowerLimit(5000.0))
    loop = Loop(policy, live="nano")
    # idle 2000 mW and 20 inferences a second: fp16 would draw 6000, int8 3800
    for _ in range(40):
        energy = CARDS[loop.live or "nano"].energy_mj or 0.0
        decision = loop.tick(power_mw=2000.0 + 20.0 * energy)
    assert decision.variant == "int8"
    assert codes(decision)["fp16"] == "power"


def test_at_the_reserve_only_the_cheapest_is_left() -> None:
    policy = PolicyPlan("p", battery=BatteryLimit(reserve_percent=20.0))
    loop = Loop(policy)
    assert loop.run(3, battery_percent=50.0).variant == "fp16"
    decision = loop.tick(battery_percent=20.0)
    assert (decision.variant, decision.reason.code) == ("nano", "battery")


def test_on_mains_the_battery_does_not_count() -> None:
    policy = PolicyPlan("p", battery=BatteryLimit(reserve_percent=20.0))
    assert Loop(policy).run(3, battery_percent=5.0, on_mains=1.0).variant == "fp16"


def test_the_pace_of_a_mission_brings_a_cheaper_variant() -> None:
    policy = PolicyPlan("p", battery=BatteryLimit(reserve_percent=0.0, mission_s=3600.0))
    loop = Loop(policy)
    for _ in range(5):
        power_mw = 2000.0 + 20.0 * (CARDS[loop.live].energy_mj or 0.0) if loop.live else 2000.0
        decision = loop.tick(battery_percent=100.0, battery_energy_mwh=4000.0, power_mw=power_mw)
    assert decision.variant in ("int8", "tiny")
    assert codes(decision)["fp16"] == "battery"
    assert "end of the mission" in decision.reason.text


def test_a_variant_that_does_not_fit_into_memory_is_not_loaded() -> None:
    policy = PolicyPlan("p", memory=MemoryLimit(100_000_000))
    loop = Loop(policy, live="tiny")

    def cold(one: LadderState) -> LadderState:
        return replace(
            one, variants=tuple(replace(v, resident=v.name == "tiny") for v in one.variants)
        )

    decision = loop.run(40, cold, memory_available_bytes=350_000_000.0)
    assert decision.variant == "int8"
    assert codes(decision)["fp16"] == "memory"


def test_a_quarantined_variant_is_left_at_once_and_told() -> None:
    loop = Loop(PLAIN)
    loop.run(3)
    decision = loop.tick(lambda one: ladder(loop.live, quarantined="fp16"))
    assert decision.variant == "int8"
    assert decision.reason.code == "quarantine"
    assert "it crashed" in decision.reason.text


def test_with_everything_in_quarantine_the_live_one_stays() -> None:
    bad = tuple(VariantState(n, c, quarantined="bad") for n, c in CARDS.items())
    one = LadderState("m", bad, "tiny")
    _, found = decide(PLAIN, initial(PLAIN), snapshot(0.0, one))
    assert found["m"].variant == "tiny"


def test_a_hold_wins_over_objective_battery_and_latency_but_not_over_heat() -> None:
    policy = replace(WARM, latency=LatencyLimit(30.0))
    loop = Loop(policy)
    hold = Hold("fp16", "measuring", until_s=100.0)
    held = loop.run(5, lambda one: replace(one, hold=hold), temp_c=50.0)
    assert (held.variant, held.reason.code) == ("fp16", "hold")
    assert "measuring" in held.reason.text
    hot = loop.tick(lambda one: replace(one, hold=hold), temp_c=85.0)
    assert (hot.variant, hot.reason.code) == ("nano", "temperature")


def test_an_expired_hold_has_no_effect() -> None:
    loop = Loop(PLAIN, live="nano", now_s=50.0)
    hold = Hold("nano", "", until_s=60.0)
    assert loop.run(5, lambda one: replace(one, hold=hold)).variant == "nano"
    assert loop.run(60, lambda one: replace(one, hold=hold)).variant == "fp16"


def rule(verb: str, ref: VariantRef) -> PolicyPlan:
    when = (Condition("battery_percent", below=15.0, until=18.0),)
    return PolicyPlan("p", rules=(Rule(when, verb, (ref,), "motors first"),))  # type: ignore[arg-type]


def test_a_rule_lowers_the_variant_until_its_condition_is_cleared() -> None:
    loop = Loop(rule("at_most", VariantRef("bottom", offset=-1, name="bottom+1")))
    assert loop.run(3, battery_percent=16.0).variant == "fp16"
    low = loop.tick(battery_percent=14.0)
    assert (low.variant, low.reason.code) == ("tiny", "rule")
    assert "motors first" in low.reason.text
    assert loop.run(30, battery_percent=17.0).variant == "tiny"
    assert loop.run(60, battery_percent=19.0).variant == "fp16"


def test_a_rule_that_names_no_variant_of_the_ladder_is_noted_and_ignored() -> None:
    decision = Loop(rule("exactly", VariantRef("name", name="huge"))).run(3, battery_percent=10.0)
    assert decision.variant == "fp16"
    assert any("huge" in note for note in decision.notes)


def test_the_way_up_is_one_leap_where_there_is_room() -> None:
    loop = Loop(PolicyPlan("p", switching=Switching(dwell_s=10.0)), live="nano")
    loop.run(20)
    assert [(d.variant, d.at_s, d.voluntary) for d in loop.swaps()] == [("fp16", 10.0, True)]


def test_near_a_limit_the_way_up_goes_one_step_at_a_time_with_dwell_between() -> None:
    loop = Loop(
        PolicyPlan("p", temp=TempLimit(80.0), switching=Switching(dwell_s=10.0)), live="nano"
    )
    temp_c = 72.5
    for _ in range(200):
        loop.tick(
            temp_c=temp_c, power_mw=2000.0 + 20.0 * (CARDS[loop.live or "nano"].energy_mj or 0.0)
        )
    up = [d for d in loop.swaps() if d.voluntary]
    assert [d.variant for d in up][:2] == ["tiny", "int8"]
    assert all(b.at_s - a.at_s >= 10.0 for a, b in itertools.pairwise(up))


def test_while_waiting_the_reason_tells_for_how_long() -> None:
    loop = Loop(PolicyPlan("p", switching=Switching(dwell_s=30.0)))
    loop.run(5)
    loop.tick(lambda one: ladder(loop.live, quarantined="fp16"))
    decision = loop.tick()
    assert decision.variant == "int8"
    assert decision.reason.code == "dwell"
    assert "29 s to wait" in decision.reason.text


def test_the_bucket_bounds_voluntary_swaps_per_hour() -> None:
    policy = PolicyPlan(
        "p", switching=Switching(dwell_s=1.0, max_per_hour=12.0), latency=LatencyLimit(60.0)
    )
    loop = Loop(policy)
    loop.run(5)
    for second in range(3600):
        slow = 2.5 if second % 40 < 3 else 1.0
        loop.tick(lambda one, slow=slow: replace(one, serving=served(loop.live, slow=slow)))  # type: ignore[misc]
    up = [d for d in loop.swaps() if d.voluntary]
    assert 1 <= len(up) <= 12


def test_least_energy_at_a_floor_takes_the_cheapest_above_it() -> None:
    policy = PolicyPlan("p", objective=Objective("energy", accuracy_floor=0.84))
    assert Loop(policy).run(30).variant == "tiny"
    close = PolicyPlan("p", objective=Objective("energy", accuracy_loss_max=0.02))
    decision = Loop(close).run(30)
    assert decision.variant == "int8"
    assert codes(decision) == {"fp16": "energy", "tiny": "floor", "nano": "floor"}


def test_a_price_on_power_chooses_less_than_the_best() -> None:
    policy = PolicyPlan("p", objective=Objective("accuracy", accuracy_per_watt=0.02))
    assert Loop(policy).run(60).variant == "int8"


def test_two_ladders_share_the_power_by_weight() -> None:
    policy = PolicyPlan(
        "p",
        power=PowerLimit(7000.0),
        ladders={"a": LadderTerms(weight=10.0), "b": LadderTerms(weight=1.0)},
    )
    state, lives = initial(policy), {"a": "nano", "b": "nano"}
    for t in range(200):
        load = sum(20.0 * (CARDS[v].energy_mj or 0.0) for v in lives.values())
        snap = snapshot(
            float(t), *(ladder(v, name=n) for n, v in lives.items()), power_mw=2000.0 + load
        )
        state, found = decide(policy, state, snap)
        lives = {n: d.variant for n, d in found.items()}
    # 5000 mW to share: fp16 takes 4000, tiny 600; nano 200
    assert lives == {"a": "fp16", "b": "tiny"}
    assert found["b"].reason.code in ("power", "budget")


def test_a_lost_thermometer_lets_nothing_climb() -> None:
    loop = Loop(WARM, live="tiny")
    loop.tick(temp_c=50.0)
    lost = loop.run(60, temp_c=None)
    assert lost.variant == "tiny"
    assert lost.reason.code == "sensor_lost"
    assert loop.run(60, temp_c=50.0).variant == "fp16"


def test_lost_to_cheapest_is_safe_within_six_ticks() -> None:
    loop = Loop(replace(WARM, lost={"temp_c": "cheapest"}))
    loop.run(10, temp_c=50.0)
    assert loop.run(6, temp_c=None).variant == "nano"


def test_lost_to_ignore_goes_on_as_if_it_had_never_been() -> None:
    loop = Loop(replace(WARM, lost={"temp_c": "ignore"}), live="tiny")
    loop.tick(temp_c=50.0)
    assert loop.run(60, temp_c=None).variant == "fp16"


def test_hardware_that_was_never_there_is_noted_and_its_limit_left_out() -> None:
    decision = Loop(WARM).tick()
    assert decision.variant == "fp16"
    assert any("temperature limit is not applied" in note for note in decision.notes)


def test_impossible_readings_are_losses_not_cold() -> None:
    for wrong in (-274.0, float("nan"), 500.0):
        loop = Loop(replace(WARM, lost={"temp_c": "cheapest"}))
        loop.run(10, temp_c=50.0)
        assert loop.run(7, temp_c=wrong).variant == "nano", wrong


def test_no_ladders_no_decisions() -> None:
    assert decide(WARM, initial(WARM), Snapshot(0.0))[1] == {}
    empty = LadderState("m", ())
    assert decide(WARM, initial(WARM), snapshot(0.0, empty))[1] == {}


def test_an_unserved_variant_name_in_the_figures_does_no_harm() -> None:
    loop = Loop(WARM)
    figures = replace(served("fp16"), variant="gone")
    assert loop.run(3, with_serving(figures), temp_c=50.0).variant == "fp16"


def test_the_warm_list_begins_with_the_choice_and_holds_the_cheapest() -> None:
    loop = Loop(PLAIN, live="int8")
    decision = loop.tick()
    assert decision.warm[0] == decision.variant
    assert "nano" in decision.warm
    assert len(set(decision.warm)) == len(decision.warm)


def test_a_lone_variant_is_always_chosen() -> None:
    one = LadderState("m", (VariantState("only", Card()),))
    _, found = decide(WARM, initial(WARM), snapshot(0.0, one, temp_c=200.0))
    assert found["m"].variant == "only"


def test_headroom_shrinks_towards_each_limit() -> None:
    policy = replace(WARM, latency=LatencyLimit(100.0), power=PowerLimit(12_000.0))
    loop = Loop(policy)
    cool = loop.run(30, temp_c=50.0, power_mw=6000.0).headroom
    assert set(cool) == {"temperature", "latency", "power"}
    slow = loop.run(
        3,
        lambda one: replace(one, serving=served(loop.live, slow=1.5)),
        temp_c=60.0,
        power_mw=6000.0,
    ).headroom
    assert slow["latency"] < cool["latency"]
    assert slow["temperature"] < cool["temperature"]


def test_an_outage_costs_one_swap_and_outages_without_end_no_more_than_the_bucket() -> None:
    terms = Switching(dwell_s=1.0, max_per_hour=60.0)
    policy = replace(WARM, switching=terms, lost={"temp_c": "cheapest"})
    loop = Loop(policy)
    loop.run(600, temp_c=40.0)
    full = loop.state.ladders["m"].switch.tokens or 0.0
    loop.run(12, temp_c=None)
    assert loop.live == "nano"
    assert (loop.state.ladders["m"].switch.tokens or 0.0) >= full
    loop.run(5, temp_c=40.0)
    assert loop.live == "fp16"
    assert (loop.state.ladders["m"].switch.tokens or 0.0) < full
    start = len(loop.decisions)
    for _ in range(180):
        loop.run(8, temp_c=None)
        loop.run(12, temp_c=40.0)
    swaps = [d for d in loop.decisions[start:] if d.changed]
    up = [d for d in swaps if d.reason.code != "sensor_lost"]
    assert 30 < len(up) <= 60
    assert len(swaps) - len(up) <= len(up) + 1
