"""Policy files: what ships, what is refused and where, schema, state on disk, words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgerund.cli import policy_test, policy_words
from edgerund.config.policy import (
    ExpectModel,
    load_policy,
    parse_policy,
    policy_schema,
    read_policy,
)
from edgerund.errors import ConfigError
from edgerund.policy import State, dump_state, initial, load_state
from edgerund.policy.explain import explain, needed
from edgerund.types import Decision, Reason, Rejection
from edgerund.types.policy import LatencyLimit, PolicyPlan, TempLimit, VariantRef
from tests.policy.build import BARE, CARDS, Loop, ladder, snapshot

FOLDER = Path(__file__).resolve().parents[2] / "policies"
SHIPPED = sorted(FOLDER.glob("*.yaml"))
RULE = "policy: p\nrules:\n- when: {}\n  then: {}"


def test_four_policies_ship() -> None:
    assert {p.stem for p in SHIPPED} >= {"default", "drone", "rover", "fixed-camera"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_policy_works_on_any_ladder_without_any_sensor(path: Path) -> None:
    plan = load_policy(path)
    for cards in (CARDS, BARE, {"tiny": CARDS["tiny"]}):
        loop = Loop(plan)
        decision = loop.run(5, lambda one, cards=cards: ladder(None, cards=cards))  # type: ignore[misc]
        assert decision.variant in cards
    assert Loop(plan).run(40).variant == ("int8" if path.stem == "fixed-camera" else "fp16")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_policy_expects_something_and_can_be_told(path: Path) -> None:
    model, _ = read_policy(path)
    assert model.expect
    words = policy_words.sentences(model.plan(FOLDER))
    assert len(words) == len(set(words))
    assert words[0].startswith(f"policy {path.stem}: ")


def problems(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse_policy(text, "p.yaml")
    return [(p.line, p.where, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "line", "where", "part"),
    [
        ("objective: {maximise: accuracy}", 1, "policy", "required"),
        ("policy: p\nconstrains: {}", 2, "constrains", "unknown key"),
        ("policy: p\nobjective: {minimise: energy}", 2, "objective", "accuracy_floor"),
        ("policy: p\nobjective:\n  maximise: speed", 3, "objective.maximise", "'speed'"),
        ("policy: p\nconstraints:\n  temp_c:\n    max: 900", 4, "constraints.temp_c.max", "900"),
        ("policy: p\nconstraints:\n  temp_c: {max: 80, margin: big}", 3, "constraints.temp_c.margin", "'big'"),
        (RULE.format("{temp: {above: 3}}", "{at_most: top}"), 3, "rules[0].when.temp", "unknown sense"),
        (RULE.format("{temp_c: {above: 3, below: 4}}", "{at_most: top}"), 3, "rules[0].when.temp_c", "exactly one"),
        (RULE.format("{temp_c: {above: 3}}", "{}"), 4, "rules[0].then", "exactly one"),
        ("policy: p\nlost: {temp_c: panic}", 2, "lost.temp_c", "'panic'"),
        ("policy: p\npolicy: q", 2, "policy", "twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(text: str, line: int, where: str, part: str) -> None:
    found = problems(text)
    assert any(f[0] == line and f[1].startswith(where) and part in f[2] for f in found), found


def test_everything_that_can_be_written_arrives_in_the_plan() -> None:
    plan = parse_policy(
        """
policy: p
objective: {maximise: accuracy, accuracy_per_watt: 0.01, accuracy_floor: 0.5}
constraints:
  latency_ms: {max: 80}
  temp_c: {max: 85, margin: 2, horizon_s: 30, sense: zone.tj-thermal.temp_c}
rules:
- when: {temp_c: {above: 70, until: 65}, on_mains: {missing: true}}
  then: {exclude: [bottom+1, {accuracy: 0.8}, int8]}
  ladders: [m]
ladders: {m: {weight: 2, latency_ms: {max: 20, chance: 0.9}}}
"""
    )
    assert plan.latency == LatencyLimit(80.0, 0.99)
    assert plan.temp == TempLimit(85.0, 2.0, 30.0, "zone.tj-thermal.temp_c")
    rule = plan.rules[0]
    assert rule.refs == (
        VariantRef("bottom", name="bottom+1", offset=-1),
        VariantRef("accuracy", accuracy=0.8),
        VariantRef("name", name="int8"),
    )
    assert (rule.verb, rule.ladders, len(rule.when)) == ("exclude", ("m",), 2)
    assert plan.ladders["m"].latency == LatencyLimit(20.0, 0.9)


def test_the_schema_is_json_and_names_the_keys() -> None:
    schema = json.loads(json.dumps(policy_schema()))
    assert {"policy", "objective", "constraints", "rules", "lost", "expect"} <= schema[
        "properties"
    ].keys()
    assert schema["additionalProperties"] is False


def test_a_state_survives_the_disk_and_a_foreign_one_is_refused() -> None:
    loop = Loop(load_policy(FOLDER / "drone.yaml"))
    loop.run(40, temp_c=60.0, power_mw=6000.0, battery_percent=80.0, battery_energy_mwh=40_000.0)
    text = json.dumps(dump_state(loop.state), allow_nan=False)
    assert load_state(json.loads(text)) == loop.state
    broken: list[dict[str, Any]] = [
        {},
        {"format": 99, "state": {}},
        {"format": 1, "state": {"at_s": "x"}},
    ]
    broken.append({"format": 1, "state": {"surprise": 1}})
    for data in broken:
        with pytest.raises(ValueError, match="cannot"):
            load_state(data)


def test_a_state_may_begin_with_a_snapshot() -> None:
    plan = PolicyPlan("p")
    assert initial(plan) == State()
    assert initial(plan, snapshot(5.0, ladder("int8"))).at_s == 5.0


def test_an_explanation_says_why_since_when_and_what_a_better_one_needs() -> None:
    reason = Reason(
        "temperature", "temp_c 84.2 C forecast to reach 91.0 C in 20 s", "temp_c", 91.0, 90.0
    )
    decision = Decision(
        "cam", "int8", reason, 400.0, since_s=100.0, rejected=(Rejection("fp16", reason),),
        headroom={"temperature": 0.1}, notes=("this machine has no battery",),
    )  # fmt: skip
    text = explain(decision)
    assert "cam: int8 serves, for 5 min" in text
    assert "because temp_c 84.2 C forecast" in text
    assert "a better one needs a forecast below 90.0 C" in text
    assert "fp16  temp_c 84.2 C" in text
    assert "temperature 10 %" in text
    assert "no battery" in text


@pytest.mark.parametrize(
    "code", ["power", "latency", "battery", "memory", "rule", "hold", "dwell", "floor", "learned"]
)
def test_every_binding_reason_names_a_need(code: str) -> None:
    bare = Decision("m", "a", Reason(code, "x", "thing"), 0.0)
    full = Decision("m", "a", Reason(code, "x", "thing", 2.0, 1.0), 0.0)
    assert needed(bare)
    assert needed(full)


def test_expectations_are_judged_by_bound_and_direction() -> None:
    expect = ExpectModel(
        scenario="calm",
        temp_over_limit_s=0,
        mission_completed=True,
        accuracy=0.7,
        swaps_per_hour=60,
    )
    figures = {
        "over_limit_s": 0.0, "mission_completed": True, "effective_accuracy": 0.69, "swaps_per_hour": 61.0,
    }  # fmt: skip
    met = {what: m for what, (_, _, m) in policy_test.judge(expect, figures).items()}
    assert met == {
        "temp_over_limit_s": True, "mission_completed": True, "accuracy": False, "swaps_per_hour": False,
    }  # fmt: skip
