"""What ``edgerund profile`` prints: a table for people, JSON for scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgerund.profile.figures import Figures, Latency, Measured

_HEAD = (
    "variant",
    "accuracy",
    "agrees",
    "robust",
    "p50 ms",
    "p99 ms",
    "ratio",
    "load ms",
    "memory",
    "peak",
    "energy mJ",
    "file",
    "",
)


def table(measured: Measured) -> str:
    """The figures, the other numbers of threads, what failed, and what a reader must know."""
    parts = [
        f"{measured.ladder} on {measured.device}, {measured.took_s:.0f} s",
        _aligned([_HEAD, *(_row(f) for f in measured.figures)]),
    ]
    others = [(f, one) for f in measured.figures for one in f.latencies if one is not f.latency]
    if others:
        head = ("variant", "backend", "threads", "p50 ms", "p99 ms", "ratio")
        parts.append(_aligned([head, *(_other(f, one) for f, one in others)]))
    parts += _remarks(measured)
    return "\n\n".join(parts)


def as_json(measured: Measured) -> str:
    """Everything, with the ratios as a list."""
    data: dict[str, Any] = _finite(asdict(measured))
    data["ratios"] = [  # asdict keeps tuples as keys, which JSON has not
        {"threads": threads, "of": a, "to": b, "ratio": value}
        for (threads, a, b), value in measured.ratios.items()
    ]
    return json.dumps(data, indent=2)


def _finite(value: Any) -> Any:
    """JSON knows neither infinity nor NaN: both mean that it is not known."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _remarks(measured: Measured) -> list[str]:
    lines = [f"{f.name}: NOT MEASURED: {f.failed}" for f in measured.figures if f.failed]
    lines += [
        f"{f.name}: dominated by {f.dominated_by}, which is at least as good in everything"
        for f in measured.figures
        if f.dominated_by
    ]
    lines += [
        f"{f.name}: p50 is the mean over frames, {_shares(f)} of them went on to the next member"
        for f in measured.figures
        if "escalated_1" in f.extra
    ]
    reasons = dict.fromkeys(f.energy.reason for f in measured.figures if f.energy.reason)
    lines += [f"energy was not measured: {reason}" for reason in reasons]
    if any(f.energy.mj is None and f.energy.estimate_mj is not None for f in measured.figures):
        lines.append(
            "~ is an estimate: processor time x an assumed draw per core (--watts-per-core)"
        )
    lines += [f"note: {note}" for note in measured.notes]
    return ["\n".join(lines)] if lines else []


def _row(f: Figures) -> tuple[str, ...]:
    latency = f.latency
    return (
        f.name,
        _share(f.accuracy),
        _share(f.agreement),
        _share(sum(f.robust.values()) / len(f.robust) if f.robust else None),
        *(
            (_figure(latency.p50_ms), _figure(latency.p99_ms), _figure(latency.relative))
            if latency
            else ("-", "-", "-")
        ),
        _figure(f.load_ms),
        _bytes(f.memory_bytes),
        _bytes(f.peak_bytes),
        _energy(f),
        _bytes(f.file_bytes),
        "FAILED" if f.failed else "dominated" if f.dominated_by else "",
    )


def _shares(f: Figures) -> str:
    return " and ".join(f"{f.extra[key]:.1%}" for key in sorted(f.extra) if key.startswith("escal"))


def _other(f: Figures, latency: Latency) -> tuple[str, ...]:
    return (
        f.name,
        latency.backend or f.backend,
        str(latency.threads),
        _figure(latency.p50_ms),
        _figure(latency.p99_ms),
        _figure(latency.relative),
    )


def _energy(f: Figures) -> str:
    if f.energy.mj is not None:
        return _figure(f.energy.mj)
    return "-" if f.energy.estimate_mj is None else f"~{_figure(f.energy.estimate_mj)}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _bytes(count: int | None) -> str:
    if count is None:
        return "-"
    return f"{count / 1e6:.2f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
