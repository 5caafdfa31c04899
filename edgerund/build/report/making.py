"""The last section of a report: how each variant was made, on what it was measured, and with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgerund.build.report.content import Details, Part, Section, Table
from edgerund.build.report.model import Build, Entry
from edgerund.build.report.words import NONE, listed, plural, when

_LONGEST = 300
_ELSEWHERE = ("sensitivity",)


def making(build: Build) -> Section:
    """How everything was made, what it was measured on, and how to do it again."""
    parts: list[Part] = [_details(entry) for entry in build.entries]
    facts = [["device", build.device or NONE], ["data", build.dataset or NONE]]
    facts += [[name, text] for name, text in build.versions.items()]
    if build.seed is not None:
        facts.append(["seed", str(build.seed)])
    if build.made_at:
        facts.append(["made", when(build.made_at)])
    if build.command:
        facts.append(["again", f"`{build.command}`"])
    table = Table(("", "with"), facts, text_columns=frozenset((0, 1)))
    return Section("How it was made and measured", parts=[table, *parts])


def _details(entry: Entry) -> Details:
    origin = f" from {listed(list(dict.fromkeys(entry.parents)))}" if entry.parents else ""
    state = "variant" if entry.chosen else "failed" if entry.failed else "stage"
    title = f"{entry.title}: {entry.technique}{origin} ({state})"
    lines = list(entry.how)
    if entry.failed:
        lines.append(f"Failed: {entry.failed}")
    if entry.seconds is not None:
        lines.append(f"Made in {_duration(entry.seconds)}.")
    facts = _facts(entry)
    table = Table(("fact", "value"), facts, text_columns=frozenset((0, 1))) if facts else None
    return Details(title, lines, table)


def _facts(entry: Entry) -> list[list[str]]:
    rows = [[key, _text(value)] for key, value in entry.facts.items() if key not in _ELSEWHERE]
    figures = entry.figures
    if figures is None:
        return rows
    if figures.latency is not None:
        latency = figures.latency
        rows.append(
            [
                "latency",
                f"{plural(latency.runs, 'run')} in {plural(latency.rounds, 'round')}, {latency.disturbed} disturbed "
                "ones left out",
            ]
        )
    rows += [[key, f"{value:g}"] for key, value in figures.extra.items()]
    rows += [["runtime", figures.runtime], ["sha256", figures.sha256]]
    if figures.energy.reason:
        rows.append(["energy", f"not measured: {figures.energy.reason}"])
    if figures.energy.formula:
        rows.append(["energy", figures.energy.formula])
    return [row for row in rows if row[1]]


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, (Mapping, list, tuple)):
        text = json.dumps(value, default=str, ensure_ascii=False)
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
