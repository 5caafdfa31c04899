"""Which variant to use when, and which technique paid: rules over the figures, written as sentences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from edgerund.build.report.compare import (
    Comparison,
    Step,
    energy_mj,
    is_cascade,
    latency_ms,
    middle,
    robust_mean,
    speedup,
)
from edgerund.build.report.model import Entry
from edgerund.build.report.words import listed, milliseconds, points, share, size, times
from edgerund.profile.figures import Figures

CHEAP_LOSS = 0.005
"""Half a point: what is usually given away without asking."""
HEAVY_DROP = 0.2
NAMED_ALIKE = 0.005


def which_when(comparison: Comparison) -> list[str]:
    """One sentence per situation, as far as the figures tell variants apart."""
    chosen = comparison.chosen()
    if not chosen:
        return ["No variant could be measured: there is nothing to recommend."]
    lines = [*_by_deadline(comparison, chosen)]
    lines += [*_by_resource(comparison, chosen)]
    lines += [*_by_weather(comparison, chosen)]
    return lines


def what_paid(comparison: Comparison) -> list[str]:
    """One sentence per technique, over all places where it was used."""
    by_technique: dict[str, list[Step]] = {}
    for step in comparison.steps():
        by_technique.setdefault(step.entry.technique, []).append(step)
    lines = [_technique(name, steps) for name, steps in by_technique.items()]
    failed = [e for e in comparison.build.entries if e.failed]
    lines += [f"`{e.title}` ({e.technique}) failed: {e.failed}" for e in failed]
    return lines


def _by_deadline(comparison: Comparison, chosen: Sequence[Entry]) -> Iterator[str]:
    top = chosen[0]
    yield (
        f"Nothing presses: `{top.title}`, the most accurate at {share(comparison.accuracy(top.figures))} "
        f"and {milliseconds(latency_ms(top.figures))} ms."
    )
    bargain = _bargain(comparison, chosen)
    if bargain is not None and bargain is not top:
        loss = (comparison.accuracy(bargain.figures) or 0) - (comparison.accuracy(top.figures) or 0)
        gain = speedup(top.figures, bargain.figures)
        yield (
            f"By default, and on battery: `{bargain.title}`, {times(gain)} faster than `{top.title}` for "
            f"{points(loss)} points."
        )
    for slower, faster in itertools.pairwise(_quicker_each(chosen)):
        limit, own = _p99(slower), _p99(faster)
        if limit is not None and own is not None:
            yield (
                f"A deadline below {milliseconds(limit)} ms (the p99 of `{slower.title}`), down to "
                f"{milliseconds(own)} ms: `{faster.title}` at {share(comparison.accuracy(faster.figures))}."
            )
    cascades = [e for e in chosen if is_cascade(e)]
    if cascades:
        named = listed([f"`{e.title}` (up to {milliseconds(_p99(e))} ms)" for e in cascades])
        yield (
            f"Battery and heat rather than a close deadline: cascades save work in the mean over easy and hard "
            f"frames, and a hard one takes longer than their last member alone: {named}."
        )


def _quicker_each(chosen: Sequence[Entry]) -> list[Entry]:
    """Those whose slow frames are quicker than the slow frames of all that are more accurate."""
    kept: list[Entry] = []
    for entry in chosen:
        own = _p99(entry)
        if own is not None and (not kept or own < (_p99(kept[-1]) or 0.0)):
            kept.append(entry)
    return kept


def _by_resource(comparison: Comparison, chosen: Sequence[Entry]) -> Iterator[str]:
    resources: tuple[tuple[str, Callable[[Figures], int | None]], ...] = (
        ("Storage or downloads are tight", lambda f: f.file_bytes),
        ("Memory is short", lambda f: f.memory_bytes),
    )
    for what, value in resources:
        known = [(n, e) for e in chosen if e.figures and (n := value(e.figures))]
        if len(known) > 1:
            least, entry = min(known, key=lambda pair: pair[0])
            most = max(number for number, _ in known)
            accuracy = share(comparison.accuracy(entry.figures))
            yield f"{what}: `{entry.title}` takes {size(least)} instead of up to {size(most)}, at {accuracy}."
    measured = [(mj, e) for e in chosen if (mj := energy_mj(e.figures)) is not None]
    if len(measured) > 1:
        least_mj, entry = min(measured, key=lambda pair: pair[0])
        most_mj = max(mj for mj, _ in measured)
        yield (
            f"Every joule counts: `{entry.title}` takes {milliseconds(least_mj)} mJ per inference above idle, "
            f"{times(most_mj / least_mj)} less than the most expensive variant."
        )


def _by_weather(comparison: Comparison, chosen: Sequence[Entry]) -> Iterator[str]:
    known = [(mean, e) for e in chosen if (mean := robust_mean(e.figures)) is not None]
    if len(known) > 1:
        best, entry = max(known, key=lambda pair: pair[0])
        top = robust_mean(chosen[0].figures)
        if entry is not chosen[0] and top is not None and best - top > NAMED_ALIKE:
            yield (
                f"Poor pictures (noise, blur, compression, light): `{entry.title}` keeps {share(best, 1)} on average "
                f"over the corruptions, more than `{chosen[0].title}` with {share(top, 1)}, though it is less "
                "accurate on clean ones."
            )
        elif entry is chosen[0]:
            yield (
                f"Poor pictures: `{entry.title}` is the most robust as well, {share(best, 1)} on average over the "
                "corruptions."
            )
    fragile = _fragile(comparison, chosen)
    if fragile:
        yield (
            f"No variant here withstands {listed(fragile)}: each loses at least {100 * HEAVY_DROP:.0f} points on "
            "average. Where that is to be expected, train with such pictures; no choice of variant mends it."
        )


def _fragile(comparison: Comparison, chosen: Sequence[Entry]) -> list[str]:
    """Corruptions that cost every variant a lot, over all severities measured."""
    kinds: dict[str, list[float]] = {}
    for entry in chosen:
        clean = comparison.accuracy(entry.figures)
        if entry.figures is None or clean is None:
            continue
        by_kind: dict[str, list[float]] = {}
        for name, value in entry.figures.robust.items():
            by_kind.setdefault(name.rpartition(" ")[0], []).append(value)
        for kind, values in by_kind.items():
            kinds.setdefault(kind, []).append(clean - sum(values) / len(values))
    return [kind for kind, drops in kinds.items() if min(drops) >= HEAVY_DROP]


def _technique(name: str, steps: Sequence[Step]) -> str:
    speed = middle([s.speedup for s in steps if s.speedup is not None])
    small = middle([s.shrinkage for s in steps if s.shrinkage is not None])
    change = middle([s.accuracy for s in steps if s.accuracy is not None])
    places = "" if len(steps) == 1 else f" (median of {len(steps)} uses)"
    what = [
        f"{times(speed)} the speed" if speed is not None else "",
        f"{100 * small:.0f} % of the file" if small is not None else "",
        f"{points(change)} points" if change is not None else "",
    ]
    figures = ", ".join(part for part in what if part)
    return f"`{name}`{places}: {figures}. {_judgement(steps, speed)}"


def _judgement(steps: Sequence[Step], speed: float | None) -> str:
    verdicts = [s.verdict for s in steps]
    if all(v == "pays" for v in verdicts):
        return "It pays on this device."
    if all(v == "does not pay" for v in verdicts):
        slower = speed is not None and speed < 0.97
        return (
            "It made the network slower here and no smaller: leave it out."
            if slower
            else "Neither faster nor smaller nor more accurate here: leave it out."
        )
    if all(v == "smaller only" for v in verdicts):
        return "It saves storage, not time: for downloads and flash, not for speed."
    if all(v == "more accurate" for v in verdicts):
        return "It gives accuracy, not speed: a step on the way to smaller variants."
    paid = [f"`{s.entry.title}`" for s in steps if s.verdict == "pays"]
    return f"It depends: it paid in {listed(paid)}." if paid else "It gave no speed anywhere."


def _bargain(comparison: Comparison, chosen: Sequence[Entry]) -> Entry | None:
    """The fastest within half a point of the most accurate."""
    best = comparison.accuracy(chosen[0].figures)
    if best is None:
        return None
    near = [e for e in chosen if (comparison.accuracy(e.figures) or 0) >= best - CHEAP_LOSS]
    return min(near, key=lambda e: latency_ms(e.figures) or 0.0)


def _p99(entry: Entry) -> float | None:
    return entry.figures.latency.p99_ms if entry.figures and entry.figures.latency else None
