from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgerund.clock import ManualClock
from edgerund.errors import UsageError
from edgerund.observe.recorder import Recorder
from edgerund.sim.controllers import Decider
from edgerund.sim.plant import Row
from edgerund.sim.recording import Recording, Tape, context_of
from edgerund.sim.replay import replay, replay_otherwise
from edgerund.sim.runner import run
from edgerund.sim.scenario import Change, Scenario, SensorFault
from edgerund.types import Decision, Snapshot
from edgerund.types.policy import BatteryLimit, LatencyLimit, PolicyPlan, TempLimit
from tests.sim.cases import PLAN, camera, fresh

WARM = Scenario(
    duration_s=420,
    ambient_c=45,
    sensor_faults=[SensorFault(sensor="temp_c", kind="nan", from_s=200, to_s=230)],
)
COOLER = PolicyPlan(
    "cooler", latency=LatencyLimit(100.0), temp=TempLimit(65.0), battery=BatteryLimit(15.0)
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "run.jsonl"
    plant, terms = fresh(WARM, [camera()])
    decider = Decider(PLAN)
    taken = Recording(path, decider)
    run(plant, decider, terms, taken.watch)
    taken.close()
    return path


def test_the_same_policy_decides_the_same_byte_for_byte(recording: Path) -> None:
    tape = Tape(recording)
    assert tape.plan == PLAN
    result = replay(tape, PLAN)
    assert result.ticks == result.identical == 420
    assert result.different == 0
    assert result.recorded == result.now


def test_a_reload_in_the_midst_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "reload.jsonl"
    scenario = Scenario(duration_s=200, changes=[Change(at_s=100, temp_limit_c=60)])
    plant, terms = fresh(scenario, [camera()])
    decider = Decider(PLAN)
    taken = Recording(path, decider)
    run(plant, decider, terms, taken.watch)
    taken.close()
    assert replay(Tape(path), PLAN, as_recorded=True).identical == 200
    assert replay(Tape(path), PLAN).identical < 200


def test_the_recorded_policy_as_another_one_changes_nothing(recording: Path) -> None:
    result = replay_otherwise(Tape(recording), PLAN)
    assert result.identical == result.ticks


def test_another_policy_is_compared(recording: Path) -> None:
    result = replay_otherwise(Tape(recording), COOLER)
    assert result.different > 0
    assert result.now.energy_wh < result.recorded.energy_wh
    assert result.now.accuracy is not None
    assert result.recorded.accuracy is not None
    assert result.now.accuracy < result.recorded.accuracy
    assert result.now.over_limit_s < result.recorded.over_limit_s
    assert result.differences[0].why


def test_one_changed_number_in_the_recording_is_noticed(recording: Path, tmp_path: Path) -> None:
    text = recording.read_text()
    changed = tmp_path / "changed.jsonl"
    changed.write_text(text.replace('"best"', '"bast"', 1))
    result = replay(Tape(changed), PLAN)
    assert result.identical < result.ticks
    assert result.first_mismatch_s is not None


def test_a_restart_in_the_recording_starts_from_nothing_again(
    recording: Path, tmp_path: Path
) -> None:
    lines = recording.read_text().splitlines(keepends=True)
    twice = tmp_path / "twice.jsonl"
    twice.write_text("".join(lines) + "".join(lines))
    result = replay(Tape(twice), PLAN)
    assert result.restarts == 1
    assert result.identical == result.ticks == 840


def test_a_torn_last_line_costs_only_itself(recording: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(recording.read_bytes()[:-40])
    tape = Tape(torn)
    assert replay(tape, PLAN).identical == 419
    assert tape.skipped == 1


def test_rotated_parts_are_one_run(tmp_path: Path) -> None:
    path = tmp_path / "parts.jsonl"
    recorder = Recorder(
        path, ManualClock(), max_bytes=3 * 256 * 1024, files=3, context=context_of(PLAN)
    )
    plant, terms = fresh(WARM, [camera()])
    decider = Decider(PLAN)

    def watch(snapshot: Snapshot, decisions: Mapping[str, Decision], _row: Row) -> None:
        recorder.record(snapshot, decisions)
        recorder.flush()

    run(plant, decider, terms, watch)
    recorder.close()
    assert path.with_name("parts.jsonl.1").exists()
    result = replay(Tape(path), PLAN)
    assert result.identical == result.ticks == 420


def test_a_recording_that_does_not_tell_its_policy_has_no_plan(
    recording: Path, tmp_path: Path
) -> None:
    lines = recording.read_text().splitlines(keepends=True)
    head = json.loads(lines[0])
    head["context"] = {"policy": "default"}
    bare = tmp_path / "bare.jsonl"
    bare.write_text(json.dumps(head) + "\n" + "".join(lines[1:]))
    assert Tape(bare).plan is None


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        Tape(tmp_path / "absent")
    other = tmp_path / "other"
    other.write_text("hello\n")
    with pytest.raises(UsageError, match="no recording"):
        Tape(other)
