from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.config.policy import ExpectModel
from edgerund.errors import ConfigError, UsageError
from edgerund.sim.expect import check
from tests.sim.cases import PLAN

SHORT = {"duration_s": 120, "ambient_c": 25}


def test_claims_are_kept_or_not() -> None:
    expect = ExpectModel(
        scenario=SHORT, seeds=2, temp_over_limit_s=0, accuracy=0.99, gap_percent=50, late_share=0.5
    )
    verdicts = list(check(PLAN, [expect]))
    assert {(v.seed, v.claim): v.kept for v in verdicts} == {
        (seed, claim): claim != "accuracy"
        for seed in (0, 1)
        for claim in ("temp_over_limit_s", "gap_percent", "late_share", "accuracy")
    }


def test_a_reserve_without_a_battery_is_not_kept() -> None:
    (verdict,) = check(PLAN, [ExpectModel(scenario=SHORT, reserve_percent_left=10)])
    assert verdict.found is None
    assert not verdict.kept


def test_a_scenario_file_beside_the_policy_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("duration_s: 60\n")
    (verdict,) = check(PLAN, [ExpectModel(scenario="mine.yaml", mission_completed=True)], tmp_path)
    assert verdict.scenario == "mine"
    assert verdict.kept


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        list(check(PLAN, [ExpectModel(scenario={"duration": 60})]))
    with pytest.raises(UsageError, match="cannot find scenario"):
        list(check(PLAN, [ExpectModel(scenario="nowhere")]))
