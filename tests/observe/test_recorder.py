from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgerund.clock import ManualClock, SystemClock
from edgerund.errors import StartError
from edgerund.observe.record_reader import RecordReader
from edgerund.observe.recorder import Recorder, parts_of
from edgerund.types import Decision, NoData, Reading, Reason, Sense, Snapshot
from tests.observe.strategies import several, snapshots
from tests.waiting import wait_for

TEMP = "/sys/class/thermal/thermal_zone0/temp"


def tick(n: int) -> tuple[Snapshot, dict[str, Decision]]:
    senses: dict[str, Sense] = {
        "temp_c": Reading("temp_c", 40 + n / 7, "C", 0.25, TEMP),
        "power_mw": NoData("power_mw", "absent", "no rail"),
    }
    decision = Decision("cam", "int8", Reason("best", "nothing binds"), at_s=float(n))
    return Snapshot(float(n), 1e9 + n, senses), {"cam": decision}


def record(path: Path, ticks: range, **options: int) -> None:
    recorder = Recorder(path, ManualClock(), **options)  # type: ignore[arg-type]
    for n in ticks:
        recorder.record(*tick(n))
        if n % 32 == 31:
            wait_for(lambda: not recorder._queue, what="an empty queue")
    recorder.close()


def seconds(path: Path) -> list[float]:
    return [r.snapshot.now_s for r in RecordReader(path)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(snapshots, several), max_size=5))
def test_what_was_recorded_is_read_back_exactly(
    tmp_path: Path, ticks: list[tuple[Snapshot, dict[str, Decision]]]
) -> None:
    path = tmp_path / "flight.jsonl"
    path.unlink(missing_ok=True)
    recorder = Recorder(path, ManualClock())
    for snapshot, decisions in ticks:
        recorder.record(snapshot, decisions)
    recorder.close()
    reader = RecordReader(path)
    assert [(r.snapshot, r.decisions) for r in reader] == ticks
    assert reader.skipped == 0


def test_a_line_cut_off_anywhere_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    record(path, range(5))
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(last, len(whole) - 1):
        path.write_bytes(whole[:end])
        reader = RecordReader(path)
        assert [r.snapshot.now_s for r in reader] == [0, 1, 2, 3]
        assert reader.skipped == (end > last)


def test_after_a_power_cut_the_recording_goes_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    record(path, range(3))
    path.write_bytes(path.read_bytes()[:-9])
    record(path, range(10, 13))
    reader = RecordReader(path)
    assert [r.snapshot.now_s for r in reader] == [0, 1, 10, 11, 12]
    assert reader.skipped == 1
    assert len(reader.heads) == 2


def test_junk_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    record(path, range(4))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b"\x00\xff" * 30 + b"\n"
    path.write_bytes(b"".join(lines))
    reader = RecordReader(path)
    assert [r.snapshot.now_s for r in reader] == [0, 1, 3]
    assert reader.skipped == 1


def test_all_parts_together_stay_within_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    bound = 4 * 65_536
    record(path, range(4000), max_bytes=bound, files=4)
    sizes = [p.stat().st_size for p in tmp_path.iterdir()]
    assert len(sizes) == 4
    assert sum(sizes) <= bound
    found = [s for p in reversed(parts_of(path, 4)) for s in seconds(p)]
    assert found == list(range(int(found[0]), 4000))
    assert found[0] > 0


def test_one_file_alone_starts_anew_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    record(path, range(1500), max_bytes=65_536, files=1)
    assert [p.name for p in tmp_path.iterdir()] == ["flight.jsonl"]
    assert path.stat().st_size <= 65_536
    assert seconds(path)[-1] == 1499


def test_the_head_carries_the_context(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    recorder = Recorder(path, ManualClock(), context={"policy": {"objective": "accuracy"}})
    recorder.close()
    reader = RecordReader(path)
    assert list(reader) == []
    assert reader.heads[0]["context"] == {"policy": {"objective": "accuracy"}}


def test_each_later_part_tells_the_state_before_its_first_tick(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    recorder = Recorder(
        path, ManualClock(), max_bytes=4 * 65_536, files=4, dump_before=lambda n: {"tick": n}
    )
    for n in range(1500):
        recorder.record(*tick(n), before=n)
        if n % 32 == 31:
            recorder.flush()
    recorder.close()
    parts = [p for p in parts_of(path, 4) if p.exists()]
    assert len(parts) > 2
    for part in parts[:-1]:
        reader = RecordReader(part)
        first = next(iter(reader)).snapshot.now_s
        assert reader.heads[0]["before"] == {"tick": first}


def test_another_policy_begins_a_new_head(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    recorder = Recorder(path, ManualClock(), context={"policy": "a"})
    recorder.record(*tick(0))
    recorder.restart({"policy": "b"})
    for n in range(1, 3):
        recorder.record(*tick(n))
    recorder.close()
    reader = RecordReader(path)
    seen = [(r.snapshot.now_s, reader.heads[-1]["context"]["policy"]) for r in reader]
    assert seen == [(0, "a"), (1, "b"), (2, "b")]


def test_a_full_disk_stops_the_recording_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "flight.jsonl"
    recorder = Recorder(path, ManualClock())
    recorder.record(*tick(0))
    wait_for(lambda: not recorder._queue, what="an empty queue")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # the kernel refuses to let the file grow, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, old[1]))
        with caplog.at_level(logging.ERROR):
            for n in range(1, 5):
                recorder.record(*tick(n))
            wait_for(lambda: recorder.failed, what="the failure")
            recorder.record(*tick(9))
            recorder.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    assert len([r for r in caplog.records if "cannot go on recording" in r.message]) == 1
    assert seconds(path) == [0]


def test_a_recorder_that_cannot_open_its_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot record into"):
        Recorder(tmp_path / "missing" / "flight.jsonl", ManualClock())
    with pytest.raises(StartError, match="64 KiB"):
        Recorder(tmp_path / "f", ManualClock(), max_bytes=100)


@pytest.mark.parametrize("text", ["", "hello\n", "{}\n", '{"edgerund_record": "x"}\n', "[1]\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(ValueError, match="no recording"):
        RecordReader(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"edgerund_record": 99, "fields": {}}\n')
    with pytest.raises(ValueError, match="newer"):
        RecordReader(path)


def test_a_killed_process_loses_no_line_it_had_written(tmp_path: Path) -> None:
    path = tmp_path / "flight.jsonl"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from edgerund.clock import SystemClock\n"
        "from edgerund.observe.recorder import Recorder\n"
        "from tests.observe.test_recorder import tick\n"
        "r = Recorder(Path(sys.argv[1]), SystemClock())\n"
        "n = 0\n"
        "while True:\n"
        "    r.record(*tick(n)); n += 1; time.sleep(0.001)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[2]
    )
    try:
        wait_for(lambda: path.exists() and path.stat().st_size > 8000, what="some ticks")
    finally:
        child.kill()
        child.wait()
    found = seconds(path)
    assert found == list(range(len(found)))
    assert len(found) > 20


def test_a_slow_disk_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    pipe = tmp_path / "flight.jsonl"
    os.mkfifo(pipe)  # takes 64 KiB and then keeps the writer waiting
    fd = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    recorder = Recorder(pipe, SystemClock())
    for n in range(3000):
        recorder.record(*tick(n))
    assert recorder.dropped > 0
    closing = threading.Thread(target=recorder.close)
    closing.start()
    while closing.is_alive():
        with contextlib.suppress(BlockingIOError):
            os.read(fd, 65536)
        closing.join(0.001)
    os.close(fd)
