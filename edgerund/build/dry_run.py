"""What a build would do: each stage, found or to do, with an estimate where earlier runs give one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgerund.build.history import History
from edgerund.build.keys import stage_key
from edgerund.build.plan import Plan, Stage
from edgerund.build.progress import duration
from edgerund.build.store import Entry, Store


@dataclass(frozen=True)
class Prospect:
    """One stage before a run. ``estimate_s`` is None where it is found, or where nobody knows."""

    stage: Stage
    entry: Entry | None
    adopt: Path | None = None
    estimate_s: float | None = None

    @property
    def to_do(self) -> bool:
        """Whether a run would make it."""
        return self.entry is None and self.adopt is None


def prospects(
    plan: Plan,
    store: Store,
    seed: int,
    digests: Mapping[str, str],
    adopt: Mapping[str, Path],
) -> list[Prospect]:
    """The stages in order. A stage after one that is to be made is to be made: its key is not known yet."""
    history = History(store.folder / "history.jsonl")
    found: dict[str, Entry] = {}
    told = []
    for stage in plan.stages:
        entry = None
        if all(p in found for p in stage.parents) and stage.name not in adopt:
            parents = [found[p].digest for p in stage.parents]
            entry = store.find(stage_key(stage, parents, plan.recipe, seed, digests))
        if entry is not None:
            found[stage.name] = entry
            told.append(Prospect(stage, entry))
            continue
        estimate_s = history.estimate_s(plan.recipe.recipe, stage.name, stage.use)
        told.append(Prospect(stage, None, adopt.get(stage.name), estimate_s))
    return told


def plan_text(told: list[Prospect]) -> str:
    """The plan as people read it."""
    rows = [(p.stage.name, p.stage.use, ", ".join(p.stage.parents) or "-", _state(p)) for p in told]
    heads = ("stage", "technique", "from", "state")
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(3)]
    lines = [
        "  ".join([*(text.ljust(w) for text, w in zip(row, widths, strict=False)), row[3]])
        for row in [heads, *rows]
    ]
    left = [p for p in told if p.to_do]
    known = [p.estimate_s for p in left if p.estimate_s is not None]
    sum_s = f", about {duration(sum(known))}" if known else ""
    unknown = (
        f" (and {len(left) - len(known)} nobody knows of)"
        if known and len(known) < len(left)
        else ""
    )
    lines.append(
        f"{len(told)} stages: {len(told) - len(left)} there, {len(left)} to do{sum_s}{unknown}"
    )
    return "\n".join(lines)


def _state(prospect: Prospect) -> str:
    if prospect.entry is not None:
        return "found, adopted" if prospect.entry.adopted else "found"
    if prospect.adopt is not None:
        return f"to adopt: {prospect.adopt}"
    known = prospect.estimate_s
    return "to do" if known is None else f"to do, about {duration(known)}"
