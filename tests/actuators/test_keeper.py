"""The keeper: saves before it writes, reads back, restores, and minds other programs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerund.actuators.keeper import FILE, Keeper
from edgerund.actuators.load import left_capped
from tests.actuators.cases import CASES, CPU, GPU

MAX0, MAX4 = CPU.format(0) + "scaling_max_freq", CPU.format(4) + "scaling_max_freq"
NAMES = ("cpu_freq", "gpu_freq", "nvpmodel")


class Bench:
    """A folder for the keeper and a tree with every actuator."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self.root.mkdir()
        self.actuators = {name: CASES[name].make(self.root) for name in NAMES}
        self.was = self.now()

    def keeper(self) -> Keeper:
        return Keeper(self.folder, self.actuators)

    def now(self) -> dict[str, Mapping[str, str]]:
        return {name: dict(a.read()) for name, a in self.actuators.items()}

    def set(self, knob: str, value: int) -> None:
        (self.root / knob.lstrip("/")).write_text(f"{value}\n")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="edgerund-") as name:
        yield Bench(Path(name))


def test_caps_are_written_and_everything_is_put_back(bench: Bench) -> None:
    keeper = bench.keeper()
    keeper.want({"cpu_freq": 0.65, "gpu_freq": 0.5})
    assert bench.now()["cpu_freq"] == {MAX0: "1200000", MAX4: "1200000"}
    assert bench.now()["gpu_freq"] == {GPU + "max_freq": "408000000"}
    keeper.want({"gpu_freq": 0.9})
    assert bench.now()["cpu_freq"] == bench.was["cpu_freq"]
    assert bench.now()["gpu_freq"] == {GPU + "max_freq": "816000000"}
    keeper.restore()
    assert bench.now() == bench.was
    assert not (bench.folder / FILE).exists()
    assert not keeper.left()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_killed_process_left_the_next_one_restores(bench: Bench, name: str) -> None:
    bench.keeper().want({name: 0.5})
    assert bench.now() != bench.was
    assert left_capped(bench.folder) == [name]
    assert bench.keeper().recover() == [name]
    assert bench.now() == bench.was
    assert left_capped(bench.folder) == []


def test_a_process_killed_between_saving_and_writing_leaves_nothing_to_do(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    was = bench.was["cpu_freq"]
    saved = {"cpu_freq": {"was": was, "put": {**was, MAX0: "1200000"}}}
    (bench.folder / FILE).write_text(json.dumps(saved))
    bench.keeper().recover()
    assert bench.now() == bench.was
    assert "another program" not in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cpu_freq": 7}', '{"cpu_freq": {"was": 1}}'])
def test_a_broken_file_is_told_and_does_no_harm(
    bench: Bench, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (bench.folder / FILE).write_text(text)
    assert bench.keeper().recover() == []
    assert bench.now() == bench.was
    assert "cannot read what to restore" in caplog.text


def test_what_another_program_sets_is_its_own_from_then_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = bench.keeper()
    keeper.want({"cpu_freq": 0.65})
    bench.set(MAX0, 800000)
    keeper.want({"cpu_freq": 0.5})
    assert bench.now()["cpu_freq"] == {MAX0: "800000", MAX4: "800000"}
    assert "another program set" in caplog.text
    keeper.restore()
    assert bench.now()["cpu_freq"] == {MAX0: "800000", MAX4: bench.was["cpu_freq"][MAX4]}
    bench.set(MAX0, 1900000)
    keeper.want({"gpu_freq": 0.5})
    bench.set(GPU + "max_freq", 612000000)
    keeper.restore()
    assert bench.now()["gpu_freq"] == {GPU + "max_freq": "612000000"}


def test_what_the_kernel_makes_of_a_value_counts(bench: Bench) -> None:
    real = bench.actuators["gpu_freq"]

    class Clamping:
        def probe(self) -> str | None:
            return real.probe()

        def read(self) -> Mapping[str, str]:
            return real.read()

        def plan(self, share: float, was: Mapping[str, str]) -> Mapping[str, str]:
            return real.plan(share, was)

        def write(self, knob: str, value: str) -> None:
            real.write(knob, str(max(612000000, int(value))))

    keeper = Keeper(bench.folder, {"gpu_freq": Clamping()})
    keeper.want({"gpu_freq": 0.4})
    assert keeper.status()[0]["put"] == {GPU + "max_freq": "612000000"}
    keeper.want({"gpu_freq": 0.9})
    assert bench.now()["gpu_freq"] == {GPU + "max_freq": "816000000"}
    keeper.restore()
    assert bench.now() == bench.was


def test_without_the_right_to_write_it_says_so_once_and_leaves_everything(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.folder.chmod(0o777)
    for knob in (MAX0, MAX4):
        (bench.root / knob.lstrip("/")).chmod(0o444)
    keeper = bench.keeper()
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        for share in (0.8, 0.7, 0.6):
            keeper.want({"cpu_freq": share})
    finally:
        if root:
            os.seteuid(0)
    assert bench.now() == bench.was
    assert caplog.text.count("no right to write") == 1
    assert "see docs/actuators.md" in keeper.status()[0]["trouble"]
    keeper.restore()
    assert keeper.status()[0]["trouble"] == ""


def test_hardware_that_vanishes_is_told_and_the_rest_goes_on(bench: Bench) -> None:
    keeper = bench.keeper()
    keeper.want({"cpu_freq": 0.65})
    (bench.root / (CPU.format(4) + "cpuinfo_max_freq").lstrip("/")).unlink()
    keeper.want({"cpu_freq": 0.5, "gpu_freq": 0.5})
    assert keeper.status()[0]["trouble"]
    assert bench.now()["gpu_freq"] == {GPU + "max_freq": "408000000"}
    keeper.restore()
    assert bench.now() == bench.was


def test_nothing_is_written_where_nothing_can_be_saved(bench: Bench) -> None:
    keeper = Keeper(bench.folder / "nowhere", bench.actuators)
    keeper.want({"cpu_freq": 0.5})
    assert bench.now() == bench.was


SHARE = st.sampled_from([1.0, 0.9, 0.7, 0.5, 0.4])


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["want", "kill"]),
            st.fixed_dictionaries(dict.fromkeys(NAMES[:2], SHARE)),
        ),
        max_size=12,
    )
)
def test_after_any_history_everything_is_put_back(
    history: list[tuple[str, dict[str, float]]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        bench.actuators.pop("nvpmodel")
        was, keeper = bench.now(), bench.keeper()
        for what, shares in history:
            if what == "kill":
                keeper = bench.keeper()
                keeper.recover()
                assert bench.now() == was
            keeper.want(shares)
            for name_, values in bench.now().items():
                assert all(int(v) <= int(was[name_][k]) for k, v in values.items())
                assert shares[name_] < 1.0 or values == was[name_]
        keeper.restore()
        assert bench.now() == was
