"""The Prometheus endpoint: the daemon's status as metric families, served from a thread of its own.

Names follow Prometheus' conventions: base units in the name, ``_total`` for counters. A reading that is absent is
absent here too, never 0. ``docs/reference/metrics.md`` is generated from ``FAMILIES``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from edgerund.errors import StartError
from edgerund.types.worker import BUCKETS_MS

FAMILIES: Mapping[str, str] = {
    "edgerund_info": "Version and policy of the daemon; always 1.",
    "edgerund_ready": "1 once every ladder has given its golden answer.",
    "edgerund_uptime_seconds": "Time since the daemon started.",
    "edgerund_learned_asked": "1 while the network of a learned policy proposes, 0 while it has no say.",
    "edgerund_control_failures_total": "Decisions that failed, or failures of the loop around them.",
    "edgerund_requests_total": "Requests by ladder and outcome: ok, or the error code of the reply; drops by name.",
    "edgerund_answers_total": "Good replies by ladder and variant.",
    "edgerund_engine_events_total": "What engines count while live, such as a cascade's frames and escalations.",
    "edgerund_stage_seconds": "Time of each stage of a good reply: queue, prepare, infer, finish, total.",
    "edgerund_live": "1 for the variant that answers now, 0 for the others.",
    "edgerund_resident": "1 for variants that are loaded and warm.",
    "edgerund_quarantined": "1 for variants that may not serve.",
    "edgerund_swaps_total": "Swaps by ladder, variant that took over, and reason.",
    "edgerund_worker_restarts_total": "How often a ladder's worker died and was started again.",
    "edgerund_worker_memory_bytes": "Resident set of a ladder's worker.",
    "edgerund_worker_cpu_seconds_total": "Processor time of a ladder's worker.",
    "edgerund_queue_depth": "Requests waiting at the last report.",
    "edgerund_headroom_ratio": "0 at the limit, 1 far from it, by ladder and constraint.",
    "edgerund_agreement_ratio": "How often a variant answered like the ladder's best lately; with a shadow only.",
    "edgerund_agreement_expected_ratio": "The same as its card says, or as it was seen here before.",
    "edgerund_accuracy_ratio": "What a variant's accuracy counts for now, with a shadow: the card's, or less.",
    "edgerund_drifted": "1 while a variant's agreement is lower than chance explains.",
    "edgerund_reading": "Value of a sense by name and unit; absent while there is none.",
    "edgerund_reading_age_seconds": "Age of a sense.",
}


class StatusCollector(Collector):
    """Turns the last published status into metric families at every scrape."""

    def __init__(self) -> None:
        self._status: Mapping[str, Any] = {}

    def publish(self, status: Mapping[str, Any]) -> None:
        """Replace the status; one assignment, so a scrape sees the old one or the new one."""
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """All families; none before the first status."""
        status = self._status
        if not status:
            return
        yield _gauge(
            "edgerund_info", ["version", "policy"], [((status["version"], status["policy"]), 1)]
        )
        yield _gauge("edgerund_ready", [], [((), int(status["ready"]))])
        yield _gauge("edgerund_uptime_seconds", [], [((), status["up_s"])])
        yield _counter("edgerund_control_failures_total", [], [((), status["control_failures"])])
        if (learned := status.get("learned")) is not None:
            yield _gauge("edgerund_learned_asked", [], [((), float(not learned["trouble"]))])
        ladders = status["ladders"]
        yield from _counters(ladders)
        yield _stages(ladders)
        yield from _gauges(ladders)
        yield from _agreements(ladders)
        yield from _readings(status["senses"])


class MetricsServer:
    """Serves ``/metrics``.

    Raises:
        StartError: the address cannot be bound.
    """

    def __init__(self, address: str, port: int) -> None:
        self._collector = StatusCollector()
        registry = CollectorRegistry()
        registry.register(self._collector)
        try:
            self._server: WSGIServer
            self._thread: threading.Thread
            self._server, self._thread = start_http_server(port, address, registry)
        except OSError as e:
            raise StartError(f"cannot serve metrics on {address}:{port}: {e.strerror or e}") from e

    def publish(self, status: Mapping[str, Any]) -> None:
        """What the next scrape sees."""
        self._collector.publish(status)

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _gauge(name: str, labels: list[str], rows: list[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, FAMILIES[name], labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _counter(name: str, labels: list[str], rows: list[tuple[tuple[str, ...], float]]) -> Metric:
    family = CounterMetricFamily(name, FAMILIES[name], labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _counters(ladders: list[dict[str, Any]]) -> Iterator[Metric]:
    yield _counter(
        "edgerund_requests_total",
        ["ladder", "outcome"],
        [((x["name"], o), n) for x in ladders for o, n in x["outcomes"].items()],
    )
    yield _counter(
        "edgerund_answers_total",
        ["ladder", "variant"],
        [((x["name"], v["name"]), v["answered"]) for x in ladders for v in x["variants"]],
    )
    yield _counter(
        "edgerund_engine_events_total",
        ["ladder", "variant", "event"],
        [
            ((x["name"], v["name"], event), n)
            for x in ladders
            for v in x["variants"]
            for event, n in v.get("counters", {}).items()
        ],
    )
    yield _counter(
        "edgerund_swaps_total",
        ["ladder", "variant", "reason"],
        [
            ((x["name"], s["variant"], s["reason"] or "best"), s["count"])
            for x in ladders
            for s in x["swaps"]
        ],
    )
    yield _counter(
        "edgerund_worker_restarts_total",
        ["ladder"],
        [((x["name"],), x["restarts"]) for x in ladders],
    )
    yield _counter(
        "edgerund_worker_cpu_seconds_total",
        ["ladder"],
        [((x["name"],), x["cpu_s"]) for x in ladders],
    )


def _gauges(ladders: list[dict[str, Any]]) -> Iterator[Metric]:
    variants = [(x, v) for x in ladders for v in x["variants"]]
    yield _gauge(
        "edgerund_live",
        ["ladder", "variant"],
        [((x["name"], v["name"]), int(v["name"] == x["live"])) for x, v in variants],
    )
    yield _gauge(
        "edgerund_resident",
        ["ladder", "variant"],
        [((x["name"], v["name"]), int(v["resident"])) for x, v in variants],
    )
    yield _gauge(
        "edgerund_quarantined",
        ["ladder", "variant"],
        [((x["name"], v["name"]), int(v["quarantined"] is not None)) for x, v in variants],
    )
    yield _gauge(
        "edgerund_worker_memory_bytes",
        ["ladder"],
        [((x["name"],), x["rss_bytes"]) for x in ladders],
    )
    yield _gauge(
        "edgerund_queue_depth",
        ["ladder"],
        [((x["name"],), x["serving"].get("queue_depth", 0)) for x in ladders],
    )
    yield _gauge(
        "edgerund_headroom_ratio",
        ["ladder", "constraint"],
        [((x["name"], c), h) for x in ladders for c, h in x["headroom"].items()],
    )


def _agreements(ladders: list[dict[str, Any]]) -> Iterator[Metric]:
    found = [(x["name"], a) for x in ladders for a in x.get("agreements", [])]
    for family, key in (
        ("edgerund_agreement_ratio", "share"),
        ("edgerund_agreement_expected_ratio", "expected"),
        ("edgerund_accuracy_ratio", "accuracy"),
        ("edgerund_drifted", "drifted"),
    ):
        yield _gauge(
            family,
            ["ladder", "variant"],
            [((name, a["variant"]), float(a[key])) for name, a in found],
        )


def _stages(ladders: list[dict[str, Any]]) -> Metric:
    family = HistogramMetricFamily(
        "edgerund_stage_seconds", FAMILIES["edgerund_stage_seconds"], labels=["ladder", "stage"]
    )
    for x in ladders:
        for stage, histogram in x["histograms"].items():
            total, buckets = 0, []
            for bound_ms, count in zip((*BUCKETS_MS, None), histogram["counts"], strict=True):
                total += count
                buckets.append(("+Inf" if bound_ms is None else repr(bound_ms / 1e3), total))
            family.add_metric((x["name"], stage), buckets, histogram["sum_ms"] / 1e3)
    return family


def _readings(senses: list[dict[str, Any]]) -> Iterator[Metric]:
    there = [s for s in senses if "value" in s]
    yield _gauge(
        "edgerund_reading", ["name", "unit"], [((s["name"], s["unit"]), s["value"]) for s in there]
    )
    yield _gauge(
        "edgerund_reading_age_seconds", ["name"], [((s["name"],), s["age_s"]) for s in there]
    )
