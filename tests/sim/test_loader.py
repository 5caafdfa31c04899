from __future__ import annotations

from collections.abc import Sequence

from edgerund.sim.cards import truths
from edgerund.sim.loader import RESTART_TICKS, Loader
from edgerund.sim.scenario import EngineFault
from tests.sim.cases import camera

PLENTY = 10**10
CAMERA = camera()
TRUTHS = {t.name: t for t in truths(CAMERA)}


def loader(faults: Sequence[EngineFault] = ()) -> Loader:
    return Loader(list(TRUTHS.values()), [v.card for v in CAMERA.variants], faults)


def steps(
    x: Loader, wanted: str, count: int, start_s: float = 0.0, memory: int = PLENTY
) -> list[str]:
    live = []
    for i in range(count):
        x.step(start_s + i, wanted, (), memory, memory)
        live.append(x.live)
    return live


def test_the_old_variant_serves_until_the_new_one_is_loaded() -> None:
    x = loader()
    live = steps(x, "int8", TRUTHS["int8"].load_ticks)
    assert set(live[:-1]) == {"nano-320"}
    assert live[-1] == "int8"
    assert x.swaps == 1


def test_a_resident_variant_is_live_within_one_tick() -> None:
    x = loader()
    steps(x, "int8", 9)
    assert steps(x, "nano-320", 1) == ["nano-320"]
    assert steps(x, "int8", 1) == ["int8"]


def test_a_failed_load_quarantines_the_variant_for_a_while() -> None:
    x = loader([EngineFault(variant="int8", from_s=0, to_s=20, quarantine_s=30)])
    assert set(steps(x, "int8", 10)) == {"nano-320"}
    state = next(v for v in x.states() if v.name == "int8")
    assert state.quarantined == "load failed"
    assert steps(x, "int8", 40, start_s=30.0)[-1] == "int8"


def test_a_worker_that_no_longer_fits_is_killed_and_comes_back_on_the_cheapest() -> None:
    x = loader()
    steps(x, "fp16", 10)
    x.step(20.0, "fp16", (), 500_000_000, 500_000_000)
    assert x.live == "nano-320"
    assert "killed" in x.event
    assert x.away_ticks == RESTART_TICKS


def test_where_both_do_not_fit_it_breaks_before_it_makes() -> None:
    x = loader()
    room = TRUTHS["int8"].memory_bytes + TRUTHS["nano-320"].memory_bytes
    steps(x, "int8", 9, memory=room)
    live = steps(x, "int8-pruned", 9, start_s=9.0, memory=room)
    assert live[0] == "nano-320"
    assert live[-1] == "int8-pruned"
    assert x.resident_bytes() <= room


def test_what_can_never_fit_is_not_loaded() -> None:
    x = loader()
    assert set(steps(x, "fp16", 20, memory=600_000_000)) == {"nano-320"}


def test_warm_variants_are_loaded_when_nothing_else_is() -> None:
    x = loader()
    for t in range(6):
        x.step(float(t), "nano-320", ("int8",), PLENTY, PLENTY)
    assert next(v for v in x.states() if v.name == "int8").resident
