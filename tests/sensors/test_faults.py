"""The fault matrix: every file reader x every way in which a file of sysfs is known to go wrong, by real means.

Whatever happens: no exception, no wrong value, absent within two periods with the right reason, and back within
two periods. ENODATA and a read that hangs need a helper library and stand in test_preloaded.py.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edgerund.clock import ManualClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading, Sense
from tests.sensors.cases import CASES, Case, write

Break = Callable[[Path, ExitStack], None]


class Bench:
    """One reader on its tree, and time."""

    def __init__(self, case: Case, root: Path) -> None:
        self.case, self.root = case, root
        self.n = 0
        self.clock = ManualClock(100.0)
        for name, text in case.static.items():
            write(root, name, text)
        write(root, case.file, case.text(0))
        self.hub = SensorHub(FileRoot(root), self.clock, [case.reader])
        self.hub.poll_due()

    @property
    def path(self) -> Path:
        return self.root / self.case.file.lstrip("/")

    def put(self) -> None:
        if self.case.folder and not (self.root / self.case.folder.lstrip("/")).exists():
            return
        write(self.root, self.case.file, self.case.text(self.n))

    def period(self, *, alive: bool) -> Sense | None:
        """One period later; the board ticks if it is alive."""
        self.n += 1
        if alive:
            self.put()
        self.clock.advance(self.case.period_s)
        self.hub.poll_due()
        sense = self.hub.senses().get(self.case.sense)
        if isinstance(sense, Reading):
            expected = self.case.value(self.n)
            assert alive, f"a value while the sensor is broken: {sense}"
            assert sense.value == pytest.approx(expected), f"a wrong value: {sense}"
        return sense

    def must_work(self, within: int = 2) -> None:
        found = [self.period(alive=True) for _ in range(within)]
        assert isinstance(found[-1], Reading), found

    def must_fail(self, reason: str) -> None:
        found: list[Sense | None] = []
        for _ in range(2):
            self.n += 1
            self.clock.advance(self.case.period_s)
            self.hub.poll_due()
            found.append(self.hub.senses()[self.case.sense])
        last = found[-1]
        assert isinstance(last, NoData), f"a value from a broken sensor: {last}"
        assert last.reason == reason, last
        assert last.detail
        assert isinstance(found[0], NoData), f"a value from a broken sensor: {found[0]}"


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[Case], Bench]:
    return lambda case: Bench(case, tmp_path / "root")


def content(text: bytes) -> Break:
    def put(path: Path, _stack: ExitStack) -> None:
        path.write_bytes(text)

    return put


def silent_pipe(path: Path, stack: ExitStack) -> None:
    """Somebody holds it open and never writes: EAGAIN for whoever will not wait."""
    path.unlink()
    os.mkfifo(path)
    stack.callback(os.close, os.open(path, os.O_RDWR | os.O_NONBLOCK))


def lonely_pipe(path: Path, _stack: ExitStack) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path, _stack: ExitStack) -> None:
    path.unlink()
    path.mkdir()


def link(target: str) -> Break:
    def put(path: Path, _stack: ExitStack) -> None:
        path.unlink()
        path.symlink_to(target if target != "self" else path.name)

    return put


def unix_socket(path: Path, stack: ExitStack) -> None:
    path.unlink()
    s = stack.enter_context(socket.socket(socket.AF_UNIX))
    here = stack.enter_context(_inside(path.parent))
    del here
    s.bind(path.name)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def no_right(path: Path, stack: ExitStack) -> None:
    path.chmod(0)
    stack.enter_context(without_root_rights())


@contextmanager
def without_root_rights() -> Iterator[None]:
    """Take CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH from this thread: a mode of 0 then stops root too."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", 0x20080522, 0)
    before = ctypes.create_string_buffer(24)
    assert libc.capget(header, before) == 0
    words = list(struct.unpack("=6I", before.raw))
    words[0] &= ~0b110
    assert libc.capset(header, struct.pack("=6I", *words)) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


FAULTS: dict[str, tuple[Break, str]] = {
    "a pipe that never answers (EAGAIN)": (silent_pipe, "offline"),
    "a pipe without a writer": (lonely_pipe, "garbage"),
    "no right to read it (EACCES)": (no_right, "denied"),
    "an error of the bus (EIO)": (link("/proc/self/mem"), "io"),
    "no such device (ENXIO)": (unix_socket, "offline"),
    "a folder (EISDIR)": (directory, "garbage"),
    "a link to itself (ELOOP)": (link("self"), "absent"),
    "an empty file": (content(b""), "garbage"),
    "spaces only": (content(b" \n\n"), "garbage"),
    "binary junk": (content(bytes(range(128, 256)) * 4), "garbage"),
    "zero bytes": (content(b"\0" * 64), "garbage"),
    "10 MB of digits": (content(b"1" * 10_000_000), "garbage"),
    "10 MB of lines": (content(b"45000\n" * 1_700_000), "garbage"),
    "not a number (nan)": (content(b"nan\n"), "garbage"),
    "a number in words": (content(b"forty-five\n"), "garbage"),
    "a number of 300 digits": (content(b"9" * 300), "garbage"),
    "other digits than 0-9": (content("٤٥٠٠٠".encode()), "garbage"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_file_is_absent_with_its_reason_and_comes_back(
    case: Case, fault: str, bench: Callable[[Case], Bench]
) -> None:
    b = bench(case)
    b.must_work()
    damage, reason = FAULTS[fault]
    with ExitStack() as stack:
        damage(b.path, stack)
        b.must_fail(reason)
    if b.path.is_dir() and not b.path.is_symlink():
        b.path.rmdir()
    else:
        b.path.unlink()
    b.must_work()


@pytest.mark.parametrize(
    ("case", "text", "reason"),
    [(c, text, reason) for c in CASES for text, reason in c.odd.items()],
    ids=lambda v: str(v).replace("\n", " ")[:30],
)
def test_a_number_that_cannot_be_true_is_absent(
    case: Case, text: str, reason: str, bench: Callable[[Case], Bench]
) -> None:
    b = bench(case)
    b.must_work()
    b.path.write_text(text + "\n")
    b.must_fail(reason)
    b.must_work()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_that_vanishes_is_absent_until_it_returns(
    case: Case, bench: Callable[[Case], Bench]
) -> None:
    b = bench(case)
    b.must_work()
    if case.reader == "nvpmodel":  # its catalogue still tells the default
        (b.root / "etc/nvpmodel.conf").unlink()
    b.path.unlink()
    b.must_fail("absent")
    b.must_work()


@pytest.mark.parametrize("case", [c for c in CASES if c.folder], ids=str)
def test_hardware_that_comes_back_under_another_number_is_found(
    case: Case, bench: Callable[[Case], Bench]
) -> None:
    b = bench(case)
    b.must_work()
    here = b.root / case.folder.lstrip("/")
    away = b.root / "away"
    here.rename(away)
    b.must_fail("absent")
    if case.moved:
        there = b.root / case.moved.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        away.rename(there)
        file = case.file.replace(case.folder, case.moved)
        if case.reader == "rpi":
            (there / "soc:firmware").rename(there / "soc@107c000000:firmware")
            file = file.replace("soc:firmware", "soc@107c000000:firmware")
        b.case = Case(**{**vars(case), "file": file, "folder": case.moved, "moved": ""})
    else:
        away.rename(here)
    b.must_work()
    source = b.hub.senses()[case.sense].source
    assert source.startswith(case.moved or case.folder)


@pytest.mark.parametrize("reader", ["thermal", "ina3221"])
def test_a_value_frozen_under_changing_load_is_absent_and_comes_back(
    reader: str, tmp_path: Path
) -> None:
    case = next(c for c in CASES if c.reader == reader)
    for name, text in case.static.items():
        write(tmp_path, name, text)
    clock = ManualClock()
    busy = 0
    hub = SensorHub(FileRoot(tmp_path), clock, ["load", reader])

    def second(n: int, *, frozen: bool) -> Sense:
        nonlocal busy
        busy += 90 if n % 20 < 10 else 5
        write(tmp_path, "/proc/stat", f"cpu  {busy} 0 0 {100 * n - busy + 1000} 0 0 0 0 0 0")
        if not frozen:
            write(tmp_path, case.file, case.text(n))
        clock.advance(1.0)
        hub.poll_due()
        return hub.senses()[case.sense]

    write(tmp_path, case.file, case.text(0))
    for n in range(1, 30):
        assert isinstance(second(n, frozen=False), Reading)
    frozen = [second(n, frozen=True) for n in range(30, 150)]
    assert isinstance(frozen[20], Reading), "a sensor may stand still for a while"
    last = frozen[-1]
    assert isinstance(last, NoData)
    assert last.reason == "frozen"
    assert isinstance(second(151, frozen=False), Reading)


def test_a_value_that_stands_still_with_the_load_is_believed(tmp_path: Path) -> None:
    write(tmp_path, "/sys/class/thermal/thermal_zone0/type", "tj-thermal")
    write(tmp_path, "/sys/class/thermal/thermal_zone0/temp", "45130")
    clock = ManualClock()
    hub = SensorHub(FileRoot(tmp_path), clock, ["load", "thermal"])
    for n in range(600):
        write(tmp_path, "/proc/stat", f"cpu  {10 * n} 0 0 {90 * n + 10} 0 0 0 0 0 0")
        clock.advance(1.0)
        hub.poll_due()
    assert isinstance(hub.senses()["zone.tj-thermal.temp_c"], Reading)


def test_a_step_that_stays_is_believed_in_the_end(tmp_path: Path) -> None:
    write(tmp_path, "/sys/class/thermal/thermal_zone0/type", "tj-thermal")
    clock = ManualClock()
    hub = SensorHub(FileRoot(tmp_path), clock, ["thermal"])

    def read(millidegrees: int) -> Sense:
        write(tmp_path, "/sys/class/thermal/thermal_zone0/temp", str(millidegrees))
        clock.advance(1.0)
        hub.poll_due()
        return hub.senses()["zone.tj-thermal.temp_c"]

    assert isinstance(read(40_125), Reading)
    after = [read(105_125 + 10 * n) for n in range(14)]
    assert isinstance(after[0], NoData)
    assert after[0].reason == "step"
    assert isinstance(after[-1], Reading)
    assert after[-1].value == 105.255
