from __future__ import annotations

import copy
import re
import shutil
import socket
import subprocess
import urllib.request
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edgerund.errors import StartError
from edgerund.observe.metrics import FAMILIES, MetricsServer, StatusCollector
from edgerund.types.worker import BUCKETS_MS

COUNTS = [1] * (len(BUCKETS_MS) + 1)
STATUS: dict[str, Any] = {
    "version": "1.2.3",
    "policy": "default",
    "ready": True,
    "up_s": 12.5,
    "control_failures": 0,
    "learned": {"file": "net.onnx", "sha256": "00", "pid": 7, "trouble": ""},
    "ladders": [
        {
            "name": "demo",
            "live": "top",
            "outcomes": {"ok": 5, "busy": 2},
            "variants": [
                {"name": "top", "answered": 5, "resident": True, "quarantined": None},
                {"name": "low", "answered": 0, "resident": False, "quarantined": 'bad "file"\n'},
            ],
            "swaps": [
                {"variant": "top", "reason": "", "count": 1},
                {"variant": "low", "reason": "temperature", "count": 2},
            ],
            "restarts": 1,
            "cpu_s": 3.5,
            "rss_bytes": 1000,
            "serving": {"queue_depth": 4},
            "headroom": {"temperature": 0.5},
            "histograms": {"infer": {"counts": COUNTS, "sum_ms": 250.0}},
        }
    ],
    "senses": [
        {"name": "temp_c", "value": 55.5, "unit": "C", "age_s": 0.1},
        {"name": "power_mw", "absent": "absent", "detail": "none", "source": ""},
    ],
}


def page(status: dict[str, Any]) -> str:
    collector = StatusCollector()
    registry = CollectorRegistry()
    registry.register(collector)
    collector.publish(status)
    return generate_latest(registry).decode()


def test_what_is_documented_is_what_is_told() -> None:
    told = set(re.findall(r"^# TYPE (\S+) ", page(STATUS), re.MULTILINE))
    assert told == set(FAMILIES)


def test_before_the_first_status_there_is_nothing() -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector())
    assert generate_latest(registry) == b""


@pytest.mark.parametrize(
    "line",
    [
        'edgerund_info{policy="default",version="1.2.3"} 1.0',
        "edgerund_ready 1.0",
        'edgerund_requests_total{ladder="demo",outcome="busy"} 2.0',
        'edgerund_answers_total{ladder="demo",variant="top"} 5.0',
        'edgerund_live{ladder="demo",variant="top"} 1.0',
        'edgerund_live{ladder="demo",variant="low"} 0.0',
        'edgerund_quarantined{ladder="demo",variant="low"} 1.0',
        'edgerund_swaps_total{ladder="demo",reason="best",variant="top"} 1.0',
        'edgerund_stage_seconds_bucket{ladder="demo",le="0.001",stage="infer"} 4.0',
        'edgerund_stage_seconds_bucket{ladder="demo",le="+Inf",stage="infer"} 16.0',
        'edgerund_stage_seconds_sum{ladder="demo",stage="infer"} 0.25',
        'edgerund_reading{name="temp_c",unit="C"} 55.5',
    ],
)
def test_each_value_is_where_prometheus_looks_for_it(line: str) -> None:
    assert line in page(STATUS).splitlines()


def test_what_is_absent_is_absent_and_never_zero() -> None:
    assert "power_mw" not in page(STATUS)


def test_a_ladder_whose_worker_is_gone_is_told_without_its_figures() -> None:
    status = copy.deepcopy(STATUS)
    status["ladders"][0] |= {
        "live": None,
        "outcomes": {},
        "histograms": {},
        "serving": {},
        "headroom": {},
    }
    told = page(status)
    assert 'edgerund_live{ladder="demo",variant="top"} 0.0' in told
    assert "edgerund_stage_seconds_bucket" not in told


def test_promtool_finds_nothing_wrong() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=page(STATUS),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_served_over_http_and_gives_its_port_back() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    for _ in range(2):
        server = MetricsServer("127.0.0.1", port)
        server.publish(STATUS)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert b"edgerund_ready 1.0" in answer.read()
        with pytest.raises(StartError, match=f"cannot serve metrics on 127.0.0.1:{port}"):
            MetricsServer("127.0.0.1", port)
        server.stop()


def test_an_address_that_is_not_ours_is_one_sentence() -> None:
    with pytest.raises(StartError, match="cannot serve metrics on"):
        MetricsServer("192.0.2.1", 9820)
    with pytest.raises(StartError, match="cannot serve metrics on"):
        MetricsServer("no such host", 9820)
