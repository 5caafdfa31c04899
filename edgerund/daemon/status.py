"""The daemon's state as JSON-ready data: what ``status``, ``why`` and the metrics are made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import edgerund
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.types import Decision, NoData, Sense

if TYPE_CHECKING:
    from edgerund.config.assembly import Assembly
    from edgerund.daemon.supervisor import Supervisor


def daemon_status(daemon: Supervisor) -> dict[str, Any]:
    """Everything at a glance."""
    now_s = daemon.clock.monotonic_s()
    return {
        **fleet_status(daemon.assembly, daemon.fleet, now_s, daemon.started_s),
        "ready": daemon.ready,
        "control_failures": daemon.controller.failures,
        "learned": None
        if daemon.controller.advisor is None
        else daemon.controller.advisor.status(),
        "senses": [sense_item(s) for _, s in sorted(daemon.hub.senses().items())],
    }


def fleet_status(
    assembly: Assembly, fleet: Iterable[LadderRuntime], now_s: float, started_s: float
) -> dict[str, Any]:
    """What can be told at any time, also while the daemon starts: no senses and no decisions yet."""
    return {
        "version": edgerund.__version__,
        "pid": os.getpid(),
        "ready": False,
        "waits_for": waits_for(fleet),
        "up_s": round(now_s - started_s, 3),
        "policy": assembly.policy.name,
        "control_failures": 0,
        "learned": None,
        "policy_file": str(assembly.policy_file),
        "settings_file": str(assembly.file or ""),
        "runtime_dir": str(assembly.runtime_dir),
        "ladders": [ladder_status(r, now_s) for r in fleet],
        "senses": [],
    }


def waits_for(fleet: Iterable[LadderRuntime]) -> list[str]:
    """What must happen until every ladder answers: one sentence for each that does not."""
    return [f"{r.plan.name}: {_next_step(r)}" for r in fleet if not r.live]


def _next_step(r: LadderRuntime) -> str:
    if not r.usable():
        return "no variant is usable"
    if r.fileno() is None:
        return "its worker is to be started again"
    return f"{r.loading} loads" if r.loading else "its worker comes up"


def ladder_status(r: LadderRuntime, now_s: float) -> dict[str, Any]:
    """One ladder."""
    report = r.report
    state = r.state()
    return {
        "name": r.plan.name,
        "task": r.plan.task,
        "live": r.live or None,
        "live_for_s": round(now_s - r.live_since_s, 3),
        "ready": r.ready,
        "pid": r.pid,
        "restarts": r.restarts,
        "hold": None
        if r.hold is None
        else {
            "variant": r.hold.variant,
            "reason": r.hold.reason,
            "left_s": None if r.hold.until_s is None else round(r.hold.until_s - now_s, 1),
        },
        "reason": None if r.decision is None else asdict(r.decision.reason),
        "headroom": {} if r.decision is None else dict(r.decision.headroom),
        "shadow": None
        if r.decision is None or r.decision.shadow is None
        else r.decision.shadow.variant,
        "agreements": [] if r.decision is None else [asdict(a) for a in r.decision.agreements],
        "variants": [
            {
                "name": v.name,
                "resident": v.resident,
                "quarantined": v.quarantined,
                "accuracy": v.card.accuracy,
                "latency_ms": v.card.latency_ms,
                "memory_bytes": r.measured_bytes.get(v.name, v.card.memory_bytes),
                "answered": 0 if report is None else report.answered_by.get(v.name, 0),
                "counters": {} if report is None else dict(report.counters.get(v.name, {})),
            }
            for v in state.variants
        ],
        "serving": {} if report is None else {**report.figures, "rate_hz": state.serving.rate_hz},
        "outcomes": {} if report is None else dict(report.outcomes),
        "histograms": {} if report is None else dict(report.histograms),
        "swaps": [{"variant": v, "reason": c, "count": n} for (v, c), n in sorted(r.swaps.items())],
        "rss_bytes": 0 if report is None else report.rss_bytes,
        "cpu_s": 0.0 if report is None else report.cpu_s,
    }


def sense_item(sense: Sense) -> dict[str, Any]:
    """One reading, or its absence."""
    if isinstance(sense, NoData):
        return {
            "name": sense.name,
            "absent": sense.reason,
            "detail": sense.detail,
            "source": sense.source,
        }
    return {
        "name": sense.name,
        "value": sense.value,
        "unit": sense.unit,
        "age_s": round(sense.age_s, 3),
        "source": sense.source,
        "quality": sense.quality,
    }


def decision_item(decision: Decision) -> dict[str, Any]:
    """One decision with everything that was rejected."""
    return asdict(decision)


def headline(runtimes: list[LadderRuntime], senses: Mapping[str, Sense]) -> str:
    """One line for ``systemctl status``: ``cifar10=int8 25.1 fps (temperature); 71.5 C 5.2 W bat 43 %``."""
    parts = []
    for r in runtimes:
        rate_hz = r.state().serving.rate_hz
        code = (
            f" ({r.decision.reason.code})"
            if r.decision and r.decision.reason.code != "best"
            else ""
        )
        parts.append(f"{r.plan.name}={r.live or 'none'} {rate_hz:.1f} fps{code}")
    board = []
    for name, form, scale in (
        ("temp_c", "{:.1f} C", 1),
        ("power_mw", "{:.1f} W", 1e-3),
        ("battery_percent", "bat {:.0f} %", 1),
    ):
        sense = senses.get(name)
        if sense is not None and not isinstance(sense, NoData):
            board.append(form.format(sense.value * scale))
    return "; ".join(filter(None, [", ".join(parts), " ".join(board)]))
