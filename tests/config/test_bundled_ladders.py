"""Every ladder that ships is free of mistakes, carries measured cards, and answers its golden question."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.config.ladder import read_ladder
from edgerund.errors import PluginError
from edgerund.registry import resolve
from edgerund.serve.golden import read_golden
from edgerund.serve.loader import load_resident
from edgerund.types import LadderPlan

LADDERS = sorted((Path(__file__).resolve().parents[2] / "variants").glob("*/ladder.yaml"))
pytestmark = pytest.mark.skipif(not LADDERS, reason="no ladder is bundled with this checkout")


@pytest.fixture(params=LADDERS, ids=lambda file: file.parent.name)
def plan(request: pytest.FixtureRequest) -> LadderPlan:
    reading = read_ladder(request.param, hashes=True)
    assert reading.problems == ()
    assert reading.warnings == ()
    assert reading.plan is not None
    return reading.plan


def test_its_cards_hold_what_the_controller_needs(plan: LadderPlan) -> None:
    for variant in plan.variants:
        card = variant.card
        measured = (
            card.accuracy,
            card.latency_ms,
            card.memory_bytes,
            card.load_ms,
            card.file_bytes,
        )
        assert None not in measured, variant.name
        assert variant.sha256, variant.name


def test_every_variant_answers_its_golden_question(plan: LadderPlan) -> None:
    assert plan.golden is not None
    assert set(read_golden(Path(plan.golden.file)).expected) == {v.name for v in plan.variants}
    for variant in plan.variants:
        try:
            resolve("engines", variant.backend)().version()
        except PluginError as e:
            pytest.skip(str(e))
        load_resident(plan, variant, threads=1).engine.close()
