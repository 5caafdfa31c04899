"""The tables of a report: before and after, and what each technique gave and cost."""

from __future__ import annotations

from edgerund.build.report.compare import (
    Comparison,
    energy_mj,
    is_cascade,
    robust_mean,
    speedup,
)
from edgerund.build.report.content import Details, Mark, Section, Table
from edgerund.build.report.guideline import what_paid
from edgerund.build.report.model import Entry
from edgerund.build.report.words import (
    NONE,
    listed,
    milliseconds,
    percent_change,
    points,
    share,
    size,
    times,
)
from edgerund.profile.figures import Figures


def before_and_after(comparison: Comparison) -> Section:
    """The network as it came, then the variants."""
    base = comparison.baseline()
    baseline = comparison.build.entry(comparison.build.baseline) if base else None
    chosen = comparison.chosen()
    shown = [e for e in ([baseline] if baseline else []) if e not in chosen] + chosen
    if not shown:
        return Section("Before and after")
    with_energy = any(energy_mj(_figures(comparison, e)) is not None for e in shown)
    head = ["", "accuracy", "points", "p50 ms", "p99 ms", "speed", "memory", "load ms", "file"]
    head += ["robust", "energy mJ" if with_energy else "energy mJ, estimated"]
    rows, marks = [], list[Mark]()
    for entry in shown:
        figures = _figures(comparison, entry)
        rows.append(_row(comparison, entry, figures, base))
        marks.append("baseline" if entry is baseline else "chosen")
    lines = [
        "Time and memory are those of one inference alone, warm, "
        f"{_threads(chosen[0].figures) if chosen else 'one thread'}; robust is the mean accuracy under corruptions."
    ]
    if any(is_cascade(entry) for entry in shown):
        lines.append(
            "Of a cascade, p50 is the mean over frames (its times have two peaks), p99 a frame that went on, and the "
            "file counts with its members."
        )
    if not with_energy:
        lines.append(
            "Energy was not measured: the figures are processor time times an assumed draw per core, and rank "
            "variants by processor time, nothing more."
        )
    return Section("Before and after", lines, [Table(head, rows, marks)])


def _row(
    comparison: Comparison, entry: Entry, figures: Figures | None, base: Figures | None
) -> list[str]:
    accuracy, before = comparison.accuracy(figures), comparison.accuracy(base)
    change = None if accuracy is None or before is None else accuracy - before
    latency = figures.latency if figures else None
    return [
        entry.title,
        share(accuracy),
        NONE if figures is base else points(change),
        milliseconds(latency.p50_ms if latency else None),
        milliseconds(latency.p99_ms if latency else None),
        NONE if figures is base else times(speedup(base, figures)),
        size(figures.memory_bytes if figures else None),
        milliseconds(figures.load_ms if figures else None),
        size(figures.file_bytes if figures else None),
        share(robust_mean(figures), 1),
        _energy(figures),
    ]


def _energy(figures: Figures | None) -> str:
    if figures is None:
        return NONE
    if figures.energy.mj is not None:
        return milliseconds(figures.energy.mj)
    estimate = figures.energy.estimate_mj
    return NONE if estimate is None else f"~{milliseconds(estimate)}"


def _threads(figures: Figures | None) -> str:
    count = figures.latency.threads if figures and figures.latency else 1
    return f"{count} thread{'s' if count > 1 else ''}"


def _figures(comparison: Comparison, entry: Entry) -> Figures | None:
    return comparison.figures_of(entry.stage)


def techniques(comparison: Comparison) -> Section:
    """One row per technique applied, those that did not pay and those that failed among them."""
    rows, marks = [], list[Mark]()
    for step in comparison.steps():
        entry = step.entry
        rows.append(
            [
                entry.title,
                entry.technique,
                step.parent.title,
                points(step.accuracy),
                times(step.speedup),
                percent_change(step.after.file_bytes, step.before.file_bytes),
                percent_change(step.after.memory_bytes, step.before.memory_bytes),
                points(step.robust),
                step.verdict,
                _fate(comparison, entry),
            ]
        )
        marks.append("chosen" if entry.chosen else "left")
    for entry in comparison.build.entries:
        if entry.failed:
            parent = entry.parents[0] if entry.parents else NONE
            rows.append([entry.title, entry.technique, parent, *[NONE] * 5, "failed", entry.failed])
            marks.append("failed")
    if not rows:
        return Section("What each technique gave and cost")
    head = (
        "stage",
        "technique",
        "from",
        "points",
        "speed",
        "file",
        "memory",
        "robust",
        "verdict",
        "then",
    )
    table = Table(head, rows, marks, frozenset((0, 1, 2, 8, 9)))
    return Section(
        "What each technique gave and cost",
        ["Each row is one technique applied once, against what it was applied to."],
        [table, Details("By technique", what_paid(comparison))],
    )


def _fate(comparison: Comparison, entry: Entry) -> str:
    if entry.chosen:
        return "variant"
    later = comparison.part_of(entry)
    if later:
        return f"part of {listed([e.title for e in later])}"
    return f"beaten by {entry.dominated_by}" if entry.dominated_by else "not chosen"
