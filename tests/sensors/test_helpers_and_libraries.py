"""Readers over something else than files: NVML and jetson-stats (their libraries stood in for), and the network."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgerund.clock import ManualClock, SystemClock
from edgerund.errors import PluginError
from edgerund.sensors.child import ChildSensor
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading
from tests.sensors.cases import write
from tests.waiting import wait_for

STUBS = Path(__file__).resolve().parent / "stubs"
ROOT = Path(__file__).resolve().parents[2]


# ------------------------------------------------------------------ NVML
@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(STUBS))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    module = importlib.import_module("pynvml")
    yield module
    sys.modules.pop("pynvml", None)


def driver(root: Path) -> None:
    write(
        root, "/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.1"
    )


def test_discrete_gpus_are_read_and_a_lost_one_is_absent(tmp_path: Path, nvml: Any) -> None:
    driver(tmp_path)
    clock = ManualClock()
    hub = SensorHub(FileRoot(tmp_path), clock, ["nvml"])
    hub.poll_due()
    senses = hub.senses()
    values = {n: s.value for n, s in senses.items() if isinstance(s, Reading)}
    assert values["nvml.0.power_mw"] == 71_500
    assert values["nvml.1.temp_c"] == 39
    assert values["gpu.nvml1.load"] == 0.5
    assert values["gpu_load"] == 0.5
    assert values["temp_c"] == 39
    assert values["throttled"] == 1
    power = senses["nvml.1.power_mw"]
    assert isinstance(power, NoData)
    assert power.reason == "offline"
    total = senses["power_mw"]
    assert isinstance(total, NoData), "one of two GPUs is no total"
    nvml.lost = True
    clock.advance(1.0)
    hub.poll_due()
    gone = hub.senses()["nvml.1.temp_c"]
    assert isinstance(gone, NoData)
    assert gone.reason == "absent"
    nvml.lost = False
    hub.stop()
    assert nvml.started == 0, "the library was shut down as often as it was started"


def test_on_a_jetson_nvml_is_refused_before_it_is_imported(tmp_path: Path) -> None:
    driver(tmp_path)
    write(tmp_path, "/proc/device-tree/compatible", "nvidia,p3768-0000\0nvidia,tegra234")
    hub = SensorHub(FileRoot(tmp_path), ManualClock(), ["nvml"])
    hub.poll_due()
    (status,) = hub.status()
    assert (status.state, "pynvml" in sys.modules) == ("absent", False)
    assert "Jetson" in status.detail


def test_without_its_library_nvml_says_what_to_install(tmp_path: Path) -> None:
    if importlib.util.find_spec("pynvml") is not None:
        pytest.skip("nvidia-ml-py is installed here")
    driver(tmp_path)
    hub = SensorHub(FileRoot(tmp_path), ManualClock(), ["nvml"])
    hub.poll_due()
    assert "pip install 'edgerund[nvml]'" in hub.status()[0].detail


# ------------------------------------------------------------------ jetson-stats
@pytest.fixture
def jtop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUBS), str(ROOT)]))


def jtop_hub(root: Path) -> SensorHub:
    options = {"jetson_stats": {"interval_s": 0.1, "period_s": 0.1}}
    return SensorHub(FileRoot(root), SystemClock(), ["jetson_stats"], options)


@pytest.mark.usefixtures("jtop")
def test_jetson_stats_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    hub = jtop_hub(tmp_path)
    hub.start()
    try:
        wait_for(lambda: isinstance(hub.senses()["temp_c"], Reading), 10.0, "a sample")
        senses = hub.senses()
        values = {n: s.value for n, s in senses.items() if isinstance(s, Reading)}
        assert values["temp_c"] == 49.8, "an SSD's temperature is not the board's"
        assert values["power_mw"] == 7293, "the input rail, which jtop moved out of the list"
        assert values["jtop.rail.VDD_CPU_GPU_CV.power_mw"] == 1535
        assert values["cpu_load"] == pytest.approx(0.3)
        assert values["gpu_load"] == pytest.approx(0.237)
        assert values["memory_available_bytes"] == 5_000_000 * 1024
        assert values["jtop.nvpmodel.mode"] == 0
        for name in ("jtop.zone.gpu.temp_c", "jtop.rail.VDD_SOC.power_mw"):
            lost = senses[name]
            assert isinstance(lost, NoData)
            assert lost.reason == "offline"
        assert "jtop" not in sys.modules, "its licence stays out of the daemon's process"
    finally:
        hub.stop()


@pytest.mark.usefixtures("jtop")
def test_a_missing_right_on_jtop_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JTOP_STUB", "denied")
    hub = jtop_hub(tmp_path)
    hub.start()
    try:

        def told() -> bool:
            s = hub.senses().get("jtop.cpu.load")
            return isinstance(s, NoData) and s.reason == "denied" and "group jtop" in s.detail

        wait_for(told, 10.0, "the reason")
    finally:
        hub.stop()


def test_without_jetson_stats_the_reader_says_what_to_install(tmp_path: Path) -> None:
    if importlib.util.find_spec("jtop") is not None:
        pytest.skip("jetson-stats is installed here")
    hub = jtop_hub(tmp_path)
    hub.start()
    try:

        def told() -> bool:
            s = hub.senses().get("jtop.cpu.load")
            return isinstance(s, NoData) and s.reason == "absent" and "edgerund[jetson]" in s.detail

        wait_for(told, 10.0, "the reason")
    finally:
        hub.stop()


# ------------------------------------------------------------------ a helper that misbehaves
class Liar(ChildSensor):
    module = "tests.sensors.lying_helper"
    headline = "lie.value"

    def __init__(self, root: Any, clock: Any, how: str = "", period_s: float | None = None) -> None:
        super().__init__(root, clock, {"how": how}, period_s)


@pytest.mark.parametrize(
    ("how", "reason"),
    [("junk", "garbage"), ("shapes", "garbage"), ("flood", "garbage"), ("exit", "io")],
)
def test_a_helper_that_speaks_nonsense_is_absent_with_a_reason(
    tmp_path: Path, how: str, reason: str
) -> None:
    name = f"{__name__}:Liar"
    options = {name: {"how": how, "period_s": 0.1}}
    hub = SensorHub(FileRoot(tmp_path), SystemClock(), [name], options)
    hub.start()
    try:

        def told() -> bool:
            s = hub.senses().get("lie.value")
            return isinstance(s, NoData) and s.reason == reason

        wait_for(told, 10.0, f"reason {reason}")
    finally:
        hub.stop()


def test_a_helper_leaves_when_the_daemon_does(tmp_path: Path) -> None:
    sensor = Liar(FileRoot(tmp_path), SystemClock(), "quiet")
    sensor.probe()
    child = sensor._child
    assert child is not None
    assert child.poll() is None
    sensor.close()
    sensor.close()
    assert child.poll() is not None


# ------------------------------------------------------------------ network
@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as s:
        yield s


def net(root: Path, clock: ManualClock, peer: str, **options: Any) -> SensorHub:
    return SensorHub(FileRoot(root), clock, ["network"], {"network": {"peer": peer, **options}})


def test_a_peer_that_answers_has_a_round_trip_time(tmp_path: Path, server: socket.socket) -> None:
    peer = f"127.0.0.1:{server.getsockname()[1]}"
    hub = SensorHub(
        FileRoot(tmp_path), SystemClock(), options={"network": {"peer": peer}}, enabled=["network"]
    )
    hub.poll_due()
    senses = hub.senses()
    rtt, loss = senses[f"net.{peer}.rtt_ms"], senses[f"net.{peer}.loss"]
    assert isinstance(rtt, Reading)
    assert isinstance(loss, Reading)
    assert 0 < rtt.value < 1000
    assert loss.value == 0


def test_a_peer_that_refuses_is_reachable_and_a_silent_one_is_lost(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{s.getsockname()[1]}"
    clock = ManualClock()
    hub = net(tmp_path, clock, closed)
    hub.poll_due()
    assert isinstance(hub.senses()[f"net.{closed}.rtt_ms"], Reading)
    with socket.socket() as full:
        # nobody accepts and the backlog is full: the handshake gets no answer
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        peer = f"127.0.0.1:{address[1]}"
        waiting = [socket.socket() for _ in range(4)]
        for w in waiting:
            w.setblocking(False)
            w.connect_ex(address)
        hub = net(tmp_path, clock, peer, timeout_s=0.2)
        hub.poll_due()
        lost, loss = hub.senses()[f"net.{peer}.rtt_ms"], hub.senses()[f"net.{peer}.loss"]
        for w in waiting:
            w.close()
    assert isinstance(lost, NoData)
    assert lost.reason == "offline"
    assert isinstance(loss, Reading)
    assert loss.value == 1


@pytest.mark.parametrize("peer", ["", "host", "host:0", "host:99999", ":80", "host:x"])
def test_a_peer_that_makes_no_sense_is_refused(tmp_path: Path, peer: str) -> None:
    with pytest.raises(PluginError, match="write peer as host:port"):
        net(tmp_path, ManualClock(), peer)


def test_a_peer_without_an_address_says_so(tmp_path: Path) -> None:
    hub = net(tmp_path, ManualClock(), "no-such-host.invalid:80")
    hub.poll_due()
    assert "cannot resolve" in hub.status()[0].detail
