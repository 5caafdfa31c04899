"""``edgerund ladder show``: the variants and their measured figures as a table."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from edgerund.config.card import CardFile
from edgerund.config.ladder import read_ladder
from edgerund.config.ladder_members import size_of
from edgerund.errors import ConfigError
from edgerund.types import LadderPlan, VariantPlan

_HEAD = ("variant", "backend", "input", "accuracy", "p50 ms", "p99 ms", "load ms", "memory", "file")


def run(args: argparse.Namespace) -> int:
    """Print it. Raises ConfigError where the ladder is wrong."""
    reading = read_ladder(args.path)
    plan = reading.plan
    if plan is None:
        raise ConfigError(reading.problems)
    if args.json:
        print(json.dumps(_as_json(plan, reading.cards), indent=2))
        return 0
    print(f"{plan.name}: {plan.task}, {_labels(plan)}, golden: {_golden(plan)}")
    print()
    rows = [_HEAD, *(_row(variant) for variant in plan.variants)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    devices = {card.device for card in reading.cards if card.device}
    if devices:
        print()
        print(f"measured on {'; '.join(sorted(devices))}")
    return 0


def _labels(plan: LadderPlan) -> str:
    return f"{len(plan.labels)} labels" if plan.labels else "no labels"


def _golden(plan: LadderPlan) -> str:
    if plan.golden is None:
        return "none"
    return f"{Path(plan.golden.file).name} (within {plan.golden.tolerance:g})"


def _row(variant: VariantPlan) -> tuple[str, ...]:
    card = variant.card
    size = variant.input.size if variant.input else None
    return (
        variant.name,
        variant.backend,
        f"{size[0]}x{size[1]}" if size else "raw" if variant.input is None else "free",
        "-" if card.accuracy is None else f"{card.accuracy:.2%}",
        _figure(card.latency_ms, "{:.3g}"),
        _figure(card.latency_p99_ms, "{:.3g}"),
        _figure(card.load_ms, "{:.0f}"),
        _bytes(card.memory_bytes),
        _bytes(size_of(Path(variant.file))),
    )


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _bytes(count: int | None) -> str:
    if count is None:
        return "-"
    return f"{count / 1e6:.2f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _as_json(plan: LadderPlan, cards: tuple[CardFile, ...]) -> dict[str, object]:
    data = asdict(plan)
    for variant, card in zip(data["variants"], cards, strict=True):
        variant["card"] = card.model_dump(exclude_none=True)
    return data
