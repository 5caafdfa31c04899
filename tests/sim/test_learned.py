from __future__ import annotations

import importlib.util
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from edgerund.errors import EngineError, PluginError
from edgerund.policy.shield import allowed
from edgerund.sim.learned import BOARD, VARIANT, Learned, OnnxProposer, Proposer
from edgerund.sim.plant import Plant, Row
from edgerund.sim.runner import Score, run
from edgerund.sim.scenario import Battery, MemoryPressure, Scenario, SensorFault
from edgerund.sim.terms import terms_of
from edgerund.types import Decision, Snapshot
from tests.engines.onnx_bytes import model, node, value
from tests.sim.cases import PLAN, camera, ladder

WIDTH = len(BOARD) + 7 * len(VARIANT)
HARD = Scenario(
    duration_s=600,
    ambient_c=[(0, 40), (600, 50)],
    sensor_faults=[SensorFault(sensor="temp_c", kind="nan", from_s=300, to_s=400)],
    memory_pressure=[MemoryPressure(from_s=450, to_s=500, available_bytes=900_000_000)],
)
THIRSTY = Scenario(duration_s=600, battery=Battery(capacity_wh=25, start_percent=20))
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


def test_a_forbidden_proposal_is_replaced_and_a_matter_of_taste_is_not() -> None:
    score, seen = played(Scenario(duration_s=120), bottom)
    assert score.accuracy == pytest.approx(0.541, abs=0.02)
    assert seen[-1][1]["camera"].reason.code == "learned"
    for _, decisions, _ in played(HARD, top)[1]:
        assert decisions["camera"].reason.code != "learned"


def test_what_was_taken_is_no_longer_among_the_rejected() -> None:
    for _, decisions, _ in played(HARD, chaos)[1]:
        decision = decisions["camera"]
        assert decision.variant not in {r.variant for r in decision.rejected}
        assert decision.variant in allowed(decision)


def test_two_ladders_are_proposed_for_one_by_one() -> None:
    ladders = [camera(), ladder((0.9, 20.0, 200.0), (0.7, 5.0, 30.0))]
    plant = Plant(Scenario(duration_s=120), ladders, 0)
    score = run(plant, Learned(PLAN, bottom), terms_of(PLAN, plant.world, ladders))
    assert score.effective_accuracy > 0


def policy_file(path: Path, width: int) -> Path:
    weights = np.zeros((width, 7), np.float32)
    weights[0, 6] = -1.0
    path.write_bytes(
        model(
            [node("MatMul", ["seen", "w"], ["scores"])],
            [value("seen", [1, width])],
            [value("scores", [1, 7])],
            {"w": weights},
        )
    )
    return path


@pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed"
)
def test_an_onnx_file_is_a_policy(tmp_path: Path) -> None:
    score, _ = played(
        Scenario(duration_s=90), OnnxProposer(policy_file(tmp_path / "p.onnx", WIDTH))
    )
    assert score.effective_accuracy > 0.5
    with pytest.raises(EngineError, match=f"takes 3 numbers, this ladder has {WIDTH}"):
        played(Scenario(duration_s=90), OnnxProposer(policy_file(tmp_path / "q.onnx", 3)))


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
