"""The drawings of a report: what accuracy costs, what corruptions leave, what layers bear."""

from __future__ import annotations

from collections.abc import Callable

from edgerund.build.report.bars import bars, heat_map
from edgerund.build.report.compare import (
    Comparison,
    energy_mj,
    latency_ms,
)
from edgerund.build.report.content import Mark, Part, Picture, Section
from edgerund.build.report.model import Build, Entry
from edgerund.build.report.scatter import Point, scatter
from edgerund.build.report.words import (
    milliseconds,
    share,
)
from edgerund.profile.figures import Figures

MOST_LAYERS = 24


def fronts(comparison: Comparison) -> Section:
    """Accuracy against latency, size, memory, and energy where it was measured."""
    quality = "accuracy"
    measured = comparison.measured()
    pictures: list[Part] = []
    costs: tuple[tuple[str, str, Callable[[Figures], float | None]], ...] = (
        ("latency", "latency of one inference in ms", latency_ms),
        ("size", "file in kB", lambda f: f.file_bytes / 1000 if f.file_bytes else None),
        (
            "memory",
            "resident memory in MB",
            lambda f: f.memory_bytes / 1e6 if f.memory_bytes else None,
        ),
        ("energy", "energy per inference in mJ, above idle", energy_mj),
    )
    for name, title, cost in costs:
        dots = [d for e in measured if (d := _point(comparison, e, cost, title)) is not None]
        if len(dots) > 1:
            svg = scatter(dots, title, quality)
            pictures.append(Picture(name, f"{quality} against {title}", svg))
    if not pictures:
        return Section("What accuracy costs")
    lines = [
        "Filled: the variants of the ladder. Hollow: candidates that were left out. Square: the network as it came. "
        "The line joins what nothing else beats in these two figures."
    ]
    return Section("What accuracy costs", lines, pictures)


def _point(
    comparison: Comparison, entry: Entry, cost: Callable[[Figures], float | None], title: str
) -> Point | None:
    accuracy = comparison.accuracy(entry.figures)
    value = cost(entry.figures) if entry.figures else None
    if accuracy is None or not value:
        return None
    mark: Mark = "chosen" if entry.chosen else "failed" if entry.failed else "left"
    if not entry.chosen and comparison.baseline() is entry.figures:
        mark = "baseline"
    tip = f"{entry.title} ({entry.technique}): {share(accuracy)}, {milliseconds(value)} {title}"
    return Point(entry.title, value, accuracy, mark, tip)


def under_corruptions(comparison: Comparison) -> Section:
    """What each corruption leaves of the accuracy of each variant."""
    shown = [e for e in comparison.measured() if e.chosen and e.figures and e.figures.robust]
    base = comparison.baseline()
    rows = [(e.title, comparison.accuracy(e.figures), e.figures.robust) for e in shown if e.figures]
    if base is not None and base.robust and all(e.figures is not base for e in shown):
        rows.insert(0, (comparison.build.baseline, comparison.accuracy(base), base.robust))
    if not rows:
        return Section("Under poor conditions")
    columns = list(dict.fromkeys(key for _, _, robust in rows for key in robust))
    images = max(e.figures.robust_images for e in shown if e.figures) if shown else 0
    lines = [
        f"Accuracy in percent under corruptions of rising severity, {images} images each; definitions after "
        "Hendrycks and Dietterich (ICLR 2019)."
    ]
    picture = Picture(
        "robust", "accuracy under corruptions", heat_map("robust accuracy", rows, columns)
    )
    return Section("Under poor conditions", lines, [picture])


def sensitivities(build: Build) -> list[Section]:
    """What each layer bears, where a technique found out."""
    found = []
    for entry in build.entries:
        table = entry.facts.get("sensitivity")
        if isinstance(table, list) and table:
            found.append(_sensitivity(entry, table))
    return found


def _sensitivity(entry: Entry, table: list[dict[str, object]]) -> Section:
    measures = (
        ("output_error", "error of the output"),
        ("drop", "accuracy lost"),
        ("error", "error"),
    )
    key, title = next(((k, t) for k, t in measures if k in table[0]), ("", ""))
    ranked = sorted(table, key=lambda row: -_number(row.get(key)))
    rows = [
        (
            str(row.get("layer", "")),
            max(0.0, _number(row.get(key))),
            share(_number(row.get(key))),
            bool(row.get("float")),
        )
        for row in ranked[:MOST_LAYERS]
    ]
    if not key or not rows:
        return Section("")
    lines = [
        f"What each layer alone in INT8 does to `{entry.title}`: {title}"
        + (
            f", the {MOST_LAYERS} most sensitive of {len(table)}"
            if len(table) > MOST_LAYERS
            else ""
        )
        + ". Highlighted: left in float."
    ]
    text = f"sensitivity of the layers of {entry.title}"
    return Section(
        f"Sensitivity by layer: {entry.title}",
        lines,
        [Picture(f"sensitivity-{entry.stage}", text, bars(text, rows))],
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
