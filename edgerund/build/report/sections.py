"""From a build to the sections of its report, in the order in which they are read."""

from __future__ import annotations

from edgerund.build.report.charts import fronts, sensitivities, under_corruptions
from edgerund.build.report.compare import (
    Comparison,
    latency_ms,
    speedup,
)
from edgerund.build.report.content import Section, Tile
from edgerund.build.report.guideline import which_when
from edgerund.build.report.making import making
from edgerund.build.report.model import Build, Entry
from edgerund.build.report.tables import before_and_after, techniques
from edgerund.build.report.words import (
    listed,
    milliseconds,
    plural,
    points,
    share,
    size,
    times,
)
from edgerund.profile.figures import Figures


def sections(build: Build) -> list[Section]:
    """Every section that has something to say."""
    comparison = Comparison(build)
    every = [
        Section("In short", _summary(comparison)),
        Section("Which to use when", which_when(comparison), listed=True),
        before_and_after(comparison),
        fronts(comparison),
        techniques(comparison),
        under_corruptions(comparison),
        *sensitivities(build),
        making(build),
    ]
    return [s for s in every if s.lines or s.parts]


def tiles(build: Build) -> list[Tile]:
    """The figures that everybody should see."""
    comparison = Comparison(build)
    chosen = comparison.chosen()
    if not chosen:
        return [Tile("0", "variants")]
    top = chosen[0]
    fastest = min(chosen, key=lambda e: latency_ms(e.figures) or 0)
    smallest = min(chosen, key=lambda e: file_bytes(e) or 0)
    span = speedup(top.figures, fastest.figures)
    return [
        Tile(str(len(chosen)), f"variants of {plural(len(comparison.measured()), 'candidate')}"),
        Tile(share(comparison.accuracy(top.figures)), f"best accuracy, {top.title}"),
        Tile(f"{milliseconds(latency_ms(fastest.figures))} ms", f"fastest, {fastest.title}"),
        Tile(times(span), "range of latency"),
        Tile(size(file_bytes(smallest)), f"smallest, {smallest.title}"),
    ]


def _summary(comparison: Comparison) -> list[str]:
    build, chosen = comparison.build, comparison.chosen()
    if not chosen:
        return [f"No variant of `{build.name}` could be made or measured; below is why."]
    top, last = chosen[0], min(chosen, key=lambda e: latency_ms(e.figures) or 0)
    lines = [
        f"`{build.name}` has {plural(len(chosen), 'variant')}, from `{top.title}` "
        f"({share(comparison.accuracy(top.figures))}, {milliseconds(latency_ms(top.figures))} ms) to `{last.title}` "
        f"({share(comparison.accuracy(last.figures))}, {milliseconds(latency_ms(last.figures))} ms)."
        + _counted_on(build, top.figures)
    ]
    lines += _against_baseline(comparison, chosen)
    lines.append(_left_out(comparison))
    notes = [f"{note.removesuffix('.')}." for note in build.notes]
    return [line for line in [*lines, *notes] if line]


def _counted_on(build: Build, figures: Figures | None) -> str:
    if figures is None or not figures.images:
        return ""
    dataset = build.dataset or figures.dataset
    return f" Accuracy ({figures.metric}) is counted on {figures.images} images: {dataset}."


def _against_baseline(comparison: Comparison, chosen: list[Entry]) -> list[str]:
    base = comparison.baseline()
    before = comparison.accuracy(base)
    if base is None or before is None:
        return []
    near = [
        (speed, e)
        for e in chosen
        if (speed := speedup(base, e.figures))
        and (comparison.accuracy(e.figures) or 0) >= before - 0.005
    ]
    if not near:
        return [
            f"No variant stays within half a point of the network as it came ({share(before)})."
        ]
    speed, best = max(near, key=lambda pair: pair[0])
    change = (comparison.accuracy(best.figures) or 0) - before
    return [
        f"Against the network as it came (`{comparison.build.baseline}`, {share(before)}, "
        f"{milliseconds(latency_ms(base))} ms), `{best.title}` is {times(speed)} faster for {points(change)} points, "
        f"in {size(file_bytes(best))} instead of {size(base.file_bytes)}."
    ]


def _left_out(comparison: Comparison) -> str:
    entries = comparison.build.entries
    dominated = [f"`{e.title}`" for e in entries if e.dominated_by and not e.chosen]
    failed = [f"`{e.title}`" for e in entries if e.failed]
    parts = []
    if dominated:
        parts.append(f"{listed(dominated)}: another one is at least as good in everything")
    if failed:
        parts.append(f"{listed(failed)}: failed")
    return f"Left out: {'; '.join(parts)}." if parts else ""


def file_bytes(entry: Entry) -> int | None:
    """Size of the entry's file."""
    return entry.figures.file_bytes if entry.figures else None
