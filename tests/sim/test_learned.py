from __future__ import annotations

import importlib.util
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgerund.checksum import file_sha256
from edgerund.errors import EngineError, PluginError
from edgerund.sim import bundled
from edgerund.sim.controllers import Decider
from edgerund.sim.learned import Learned, Proposer
from edgerund.sim.plant import Plant, Row
from edgerund.sim.recording import Recording, Tape
from edgerund.sim.replay import replay, replay_otherwise
from edgerund.sim.runner import Score, run
from edgerund.sim.scenario import Battery, MemoryPressure, Scenario, SensorFault, load_scenario
from edgerund.sim.terms import terms_of
from edgerund.types import Decision, Proposal, Snapshot
from edgerund.types.policy import LearnedTerms, Objective, PolicyPlan, Switching
from tests.learned.networks import best_allowed, likes
from tests.sim.cases import PLAN, camera, fresh, ladder

HARD = Scenario(
    duration_s=600,
    ambient_c=[(0, 40), (600, 50)],
    sensor_faults=[SensorFault(sensor="temp_c", kind="nan", from_s=300, to_s=400)],
    memory_pressure=[MemoryPressure(from_s=450, to_s=500, available_bytes=900_000_000)],
)
EAGER = replace(PLAN, switching=Switching(dwell_s=1.0, max_per_hour=3600.0, cost_s=0.0))
THRIFTY_PLAN = replace(EAGER, objective=Objective("energy", accuracy_floor=0.3))
THIRSTY = Scenario(duration_s=600, battery=Battery(capacity_wh=25, start_percent=20))
needs_ort = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed"
)
has_gym = importlib.util.find_spec("gymnasium") is not None


Ticks = list[tuple[Snapshot, Mapping[str, Decision], Row]]


def played(scenario: Scenario, propose: Proposer) -> tuple[Score, Ticks]:
    plant = Plant(scenario, [camera()], 0)
    seen: Ticks = []
    score = run(
        plant,
        Learned(PLAN, propose),
        terms_of(PLAN, plant.world, [camera()]),
        lambda s, d, r: seen.append((s, d, r)),
    )
    return score, seen


def top(seen: Sequence[float]) -> list[float]:
    return [7.0 - i for i in range(7)]


def greedy(seen: Sequence[float]) -> list[float]:
    """The hungriest variant that the shield lets through, at every tick."""
    return [seen[5 + 5 * i + 3] * (7.0 - i) for i in range(7)]


def bottom(seen: Sequence[float]) -> list[float]:
    return [float(i) for i in range(7)]


def chaos(seen: Sequence[float]) -> list[float]:
    rng = random.Random(str(seen))
    return [rng.random() for _ in range(7)]


@pytest.mark.parametrize("scenario", [HARD, THIRSTY])
@pytest.mark.parametrize("propose", [top, chaos])
def test_no_proposer_breaks_a_limit(scenario: Scenario, propose: Proposer) -> None:
    score, _ = played(scenario, propose)
    assert score.over_limit_s == 0
    assert score.mission_completed


@pytest.mark.parametrize("name", ["sun-on-case", "sensor-frozen"])
@pytest.mark.parametrize("propose", [greedy, chaos])
def test_the_temperature_holds_with_an_adversary_as_it_does_without(
    name: str, propose: Proposer
) -> None:
    scenario = load_scenario(bundled.scenario_path(name))
    for plan in (EAGER, THRIFTY_PLAN):
        plant, terms = fresh(scenario, [camera()], plan=plan)
        score = run(plant, Learned(plan, propose), terms)
        assert score.over_limit_s == 0
        assert score.peak_c < 80.0


def test_a_forbidden_proposal_is_replaced_and_a_matter_of_taste_is_not() -> None:
    score, seen = played(Scenario(duration_s=120), bottom)
    assert score.accuracy == pytest.approx(0.545, abs=0.02)
    assert seen[-1][1]["camera"].reason.code == "learned"
    for _, decisions, _ in played(HARD, top)[1]:
        assert decisions["camera"].reason.code != "learned"


def test_what_was_taken_is_no_longer_among_the_rejected() -> None:
    taken = 0
    for _, decisions, _ in played(HARD, chaos)[1]:
        decision = decisions["camera"]
        assert decision.variant not in {r.variant for r in decision.rejected}
        taken += decision.reason.code == "learned"
    assert taken > 0


def test_two_ladders_are_proposed_for_one_by_one() -> None:
    ladders = [camera(), ladder((0.9, 20.0, 200.0), (0.7, 5.0, 30.0))]
    plant = Plant(Scenario(duration_s=120), ladders, 0)
    score = run(plant, Learned(PLAN, bottom), terms_of(PLAN, plant.world, ladders))
    assert score.effective_accuracy > 0


def named(path: Path, plan: PolicyPlan = PLAN) -> PolicyPlan:
    return replace(plan, learned=LearnedTerms(str(path), file_sha256(path)))


def recorded(plan: PolicyPlan, path: Path, duration_s: float = 120) -> Path:
    plant, terms = fresh(Scenario(duration_s=duration_s), [camera()])
    decider = Decider(plan)
    taken = Recording(path, decider)
    run(plant, decider, terms, taken.watch)
    taken.close()
    return path


@needs_ort
def test_a_policy_that_names_a_network_is_simulated_with_it(tmp_path: Path) -> None:
    plan = named(likes(tmp_path / "p.onnx", 6, 7))
    plant, terms = fresh(Scenario(duration_s=90), [camera()])
    seen: Ticks = []
    run(plant, Decider(plan), terms, lambda s, d, r: seen.append((s, d, r)))
    last = seen[-1][1]["camera"]
    assert (last.variant, last.reason.code) == (camera().variants[6].name, "learned")
    assert last.proposal == Proposal(last.variant)
    small = named(likes(tmp_path / "q.onnx", 1, 3))
    plant, terms = fresh(Scenario(duration_s=90), [camera()])
    with pytest.raises(EngineError, match="for 7 variants: it takes 20 numbers"):
        run(plant, Decider(small), terms)


@needs_ort
def test_a_policy_change_in_a_run_swaps_the_network(tmp_path: Path) -> None:
    one, other = (named(likes(tmp_path / f"{i}.onnx", i, 7)) for i in (6, 5))
    decider = Decider(one)
    plant, terms = fresh(Scenario(duration_s=240), [camera()])
    terms.reloads[120] = other
    seen: Ticks = []
    run(plant, decider, terms, lambda s, d, r: seen.append((s, d, r)))
    said = [d["camera"].proposal for _, d, _ in seen]
    names = [v.name for v in camera().variants]
    assert said[:120] == [Proposal(names[6])] * 120
    assert said[120:] == [Proposal(names[5])] * 120


@needs_ort
def test_a_recording_is_replayed_byte_for_byte_with_its_network_and_without(
    tmp_path: Path,
) -> None:
    file = likes(tmp_path / "p.onnx", 6, 7)
    path = recorded(named(file), tmp_path / "run.jsonl")
    result = replay(Tape(path), named(file), as_recorded=True)
    assert result.identical == result.ticks == 120
    assert (result.networks.asked, result.networks.same) == (120, 120)
    assert result.networks.missing == []

    likes(file, 5, 7)  # another network in its place
    result = replay(Tape(path), named(file), as_recorded=True)
    assert result.identical == 120
    assert result.networks.asked == 0
    assert "another file than the policy was read with" in result.networks.missing[0]

    file.unlink()
    tape = Tape(path)
    assert tape.plan is not None
    result = replay(tape, tape.plan, as_recorded=True)
    assert result.identical == 120
    assert "No such file" in result.networks.missing[0]


@needs_ort
def test_another_policy_with_a_network_is_tried_on_a_recording(tmp_path: Path) -> None:
    path = recorded(PLAN, tmp_path / "run.jsonl")
    result = replay_otherwise(Tape(path), named(likes(tmp_path / "p.onnx", 6, 7)))
    assert result.different > 60
    with_none = replay_otherwise(Tape(path), named(best_allowed(tmp_path / "q.onnx", 7)))
    assert with_none.different == 0


@pytest.mark.skipif(has_gym, reason="gymnasium is installed")
def test_without_gymnasium_it_says_what_to_install() -> None:
    with pytest.raises(PluginError, match=r"edgerund\[gym\]"):
        importlib.import_module("edgerund.sim.env")


@pytest.mark.skipif(not has_gym, reason="the optional extra 'gym' is not installed")
@pytest.mark.filterwarnings("default")
def test_the_environment_is_one_by_gymnasiums_own_checker() -> None:
    from gymnasium.utils.env_checker import check_env

    from edgerund.sim.env import SwapEnv

    env = SwapEnv(PLAN, [HARD, THIRSTY], camera())
    check_env(env)
    env.reset(seed=5)
    rewards, shielded, over = [], 0, False
    while not over:
        _, reward, _, over, info = env.step(0)
        rewards.append(reward)
        shielded += info["shielded"]
        assert info["die_c"] <= 80
    assert 0 < sum(rewards) / len(rewards) < 0.712
    assert shielded > 0
