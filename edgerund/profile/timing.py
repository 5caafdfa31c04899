"""Loading and latency of all variants: fresh processes for the one, interleaved rounds for the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgerund.errors import EngineError
from edgerund.profile.latency import Rounds, Track, ratio_error, ratios, run_rounds, sum_up
from edgerund.profile.samples import Samples, bytes_of
from edgerund.profile.state import Found, Run
from edgerund.profile.subject import Subject
from edgerund.profile.varying import show_in_proportion
from edgerund.registry import suffixes
from edgerund.types import VariantPlan

SHOWN = 128
SHOWN_BYTES = 16 << 20
BUSY_SHARE = 0.2
UNSURE = 0.03


def load_afresh(run: Run) -> None:
    """Load time and memory in fresh processes that do nothing else; the last is the one of the rounds."""
    steps = [(n, f) for n in range(run.settings.loads - 1) for f in run.found.values()]
    for number, (_, found) in enumerate(steps):
        run.progress(number / len(steps), f"loading {found.variant.name}")
        if found.failed is None:
            _load_once(run, found)


def _load_once(run: Run, found: Found) -> None:
    # without an input plan there may be no made-up input: then one sample must do
    asked = shown(run.samples)[:1] if found.variant.input is None else ()
    subject = run.subject(found.variant, run.settings.threads[0])
    try:
        found.loads.append(subject.load(asked))
    except EngineError as e:
        found.fail(str(e))
    finally:
        subject.close()


def latencies(run: Run, threads: int, opened: ExitStack, *, keep: bool) -> None:
    """The rounds of one number of threads. With ``keep``, the processes stay for what comes after."""
    tracks: list[Track] = []
    with ExitStack() as mine:
        for found in run.found.values():
            for variant in _in_backends(run, found):
                track = _track(run, found, variant, threads, opened if keep else mine)
                if track is not None:
                    tracks.append(track)
        settings = run.settings
        run_rounds(
            tracks,
            Rounds(settings.seconds, settings.rounds),
            run.clock,
            random.Random(settings.seed),
            lambda share, text: run.progress(share, f"latency, {_count(threads)}: {text}"),
        )
    _take_latencies(run, tracks, threads, keep=keep)


def _track(
    run: Run, found: Found, variant: VariantPlan, threads: int, opened: ExitStack
) -> Track | None:
    subject = run.subject(variant, threads)
    opened.callback(subject.close)
    run.progress(0.0, f"warming {variant.name}, {_count(threads)}")
    try:
        loaded = subject.load(shown(run.samples))
        if loaded.varies and run.samples is not None and len(run.samples):
            most, seed = loaded.inputs, run.settings.seed
            loaded = show_in_proportion(subject, loaded, run.samples, most, seed)
        track = Track(subject, loaded)
    except EngineError as e:
        _failed(run, found, subject, str(e))
        return None
    if variant is found.variant and threads == run.settings.threads[0]:
        found.loads.append(track.loaded)
    return track


def _in_backends(run: Run, found: Found) -> list[VariantPlan]:
    if found.failed is not None:
        return []
    own = found.variant
    others = [b for b in run.settings.backends if b != own.backend]
    readable = [b for b in others if Path(own.file).suffix in (suffixes(b) or ())]
    return [own, *(replace(own, backend=b, options={}) for b in readable)]


def _failed(run: Run, found: Found, subject: Subject, reason: str) -> None:
    """The variant as the card describes it has failed, or only what was tried beside that."""
    threads = subject.threads
    if subject.backend == found.variant.backend and threads == run.settings.threads[0]:
        found.fail(reason)
    else:
        with_what = f"{subject.backend} and {_count(threads)}"
        run.notes.append(f"{found.variant.name} cannot be used with {with_what}: {reason}")


def _take_latencies(run: Run, tracks: Sequence[Track], threads: int, *, keep: bool) -> None:
    own = [t for t in tracks if t.subject.backend == run.found[t.subject.name].variant.backend]
    usable = [t for t in tracks if t.bursts]
    first = next((t for t in own if t in usable and t.failed is None), None)
    for track in tracks:
        found = run.found[track.subject.name]
        if keep and track in own:
            found.tracks.append(track)
        if track in usable:
            found.latencies.append(sum_up(track, first))
        if track.failed is not None:
            _failed(run, found, track.subject, track.failed)
    alive = [t for t in own if t in usable]
    for ((a, _), (b, _)), value in ratios(alive).items():
        run.ratios[threads, a, b] = value
    _note_noise(run, usable, threads)


def _note_noise(run: Run, tracks: Sequence[Track], threads: int) -> None:
    total = sum(len(b.calm) for t in tracks for b in t.bursts)
    disturbed = total - sum(sum(b.calm) for t in tracks for b in t.bursts)
    if total and disturbed > BUSY_SHARE * total:
        run.notes.append(
            f"{_count(threads)}: during {disturbed / total:.0%} of the runs the kernel gave a core to another "
            "program; a quiet machine measures faster and better"
        )
    unsure = [t.subject.name for t in tracks if ratio_error(t, tracks[0]) > UNSURE]
    if unsure:
        run.notes.append(
            f"{_count(threads)}: the time was up before the ratios of {', '.join(unsure)} were known to "
            f"{UNSURE:.0%}; give it more --seconds"
        )


def shown(samples: Samples | None) -> list[Any]:
    """What the bursts run on: spread over the set, and few enough to be kept in every process."""
    if samples is None:
        return []
    some: list[Any] = []
    for _, chunk in samples.take(SHOWN).chunks():
        some += chunk
        if sum(map(bytes_of, some)) > SHOWN_BYTES:
            break
    return some


def _count(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"
