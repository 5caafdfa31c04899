"""From figures to card files: the one place where a card is written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from edgerund.config.card import NOT_MEASURED, CardFile, Timing
from edgerund.profile.figures import Figures, Latency, Measured

_OF_THE_DEVICE = (
    "latency_ms",
    "latency_p99_ms",
    "load_ms",
    "warmup_ms",
    "threads",
    "timings",
    "runtime",
    "memory_bytes",
    "peak_memory_bytes",
    "energy_mj",
    "energy_source",
    "energy_estimate_mj",
    "energy_note",
    "dominated_by",
)
_OF_THE_FILE = (
    "accuracy",
    "images",
    "agreement",
    "agreement_with",
    "robust",
    "robust_images",
    "params",
    "macs",
    "how",
    "made_by",
)


def card_of(
    figures: Figures,
    measured: Measured,
    before: CardFile | None = None,
    *,
    how: tuple[str, ...] = (),
    made_by: str = "",
    facts: Mapping[str, Any] | None = None,
) -> CardFile:
    """The card of one variant.

    Args:
        figures: of this variant.
        measured: the measurement that they belong to: device, date.
        before: the card so far. What was not measured now is kept from it: all if file and device are the same,
            figures of the device only if it is the same one, nothing if the file is another.
        how: sentences on how the file was made; empty: as before.
        made_by: the tool that made the file; empty: as before.
        facts: ``params`` and ``macs``, where known.

    Returns:
        A card in which what could not be measured says so.
    """
    kept = _kept(before, figures, measured)
    fresh = _timed(figures) | _judged(figures) | _energy(figures, kept)
    fresh |= {
        "device": measured.device,
        "backend": figures.backend,
        "runtime": figures.runtime,
        "file_bytes": figures.file_bytes,
        "sha256": figures.sha256 or None,
        "dominated_by": figures.dominated_by,
        "measured_at": measured.measured_at[:10],
        "how": list(how),
        "made_by": made_by,
        "extra": {**kept.pop("extra", {}), **figures.extra},
        **{key: value for key, value in (facts or {}).items() if key in ("params", "macs")},
    }
    if figures.latency is not None and figures.dominated_by is None:
        kept.pop("dominated_by", None)
    return CardFile(**{**kept, **{k: v for k, v in fresh.items() if v not in (None, "", [], {})}})


def write_card(path: Path, card: CardFile) -> None:
    """Write it, so that a reader sees the old card or the new one, never a part. Raises OSError."""
    replace_text(path, card_text(card))


def card_text(card: CardFile) -> str:
    """The YAML of a card: what is known, in the order of the reference; energy says so where it was not measured."""
    content = card.model_dump(exclude_none=True, exclude_defaults=True)
    if card.energy_mj is None and card.latency_ms is not None:
        content["energy_mj"] = NOT_MEASURED
    ordered = {key: content[key] for key in CardFile.model_fields if key in content}
    text: str = yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=110)
    return text


def replace_text(path: Path, text: str) -> None:
    """By rename. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


def _kept(before: CardFile | None, figures: Figures, measured: Measured) -> dict[str, Any]:
    kept = before.model_dump(exclude_none=True, exclude_defaults=True) if before else {}
    if kept.get("sha256", figures.sha256) != figures.sha256:
        for key in (*_OF_THE_FILE, *_OF_THE_DEVICE):
            kept.pop(key, None)
    elif kept.get("device", measured.device) != measured.device:
        for key in _OF_THE_DEVICE:
            kept.pop(key, None)
    return kept


def _timed(figures: Figures) -> dict[str, Any]:
    latency = figures.latency
    told: dict[str, Any] = {
        "load_ms": _round(figures.load_ms),
        "warmup_ms": _round(figures.warmup_ms),
        "memory_bytes": figures.memory_bytes,
        "peak_memory_bytes": figures.peak_bytes,
        "timings": [_timing(one, figures.backend) for one in figures.latencies],
    }
    if latency is not None:
        told |= {
            "latency_ms": _round(latency.p50_ms),
            "latency_p99_ms": _round(latency.p99_ms),
            "threads": latency.threads,
        }
    return told


def _timing(latency: Latency, own: str) -> Timing:
    return Timing(
        threads=latency.threads,
        backend=None if latency.backend in ("", own) else latency.backend,
        latency_ms=_round(latency.p50_ms),
        latency_p99_ms=_round(latency.p99_ms),
        latency_p10_ms=_round(latency.p10_ms),
        cpu_ms=_round(latency.cpu_ms),
        runs=latency.runs,
        disturbed=latency.disturbed,
    )


def _judged(figures: Figures) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if figures.accuracy is not None:
        told |= {
            "accuracy": round(figures.accuracy, 4),
            "metric": figures.metric,
            "images": figures.images,
            "dataset": figures.dataset,
        }
    if figures.agreement is not None:
        told |= {
            "agreement": round(figures.agreement, 4),
            "agreement_with": figures.agreement_with,
        }
    if figures.robust:
        told["robust"] = {key: round(value, 4) for key, value in figures.robust.items()}
        told["robust_images"] = figures.robust_images
    return told


def _energy(figures: Figures, kept: dict[str, Any]) -> dict[str, Any]:
    energy = figures.energy
    if energy.mj is not None:
        kept.pop("energy_note", None)
        return {
            "energy_mj": _round(energy.mj),
            "energy_source": energy.source,
            "energy_estimate_mj": _round(energy.estimate_mj),
            "energy_note": _note(
                f"standard error {energy.error:.1%}" if energy.error else "", energy.formula
            ),
        }
    if "energy_mj" in kept:  # measured on this very device before, and not now
        return {}
    return {
        "energy_estimate_mj": _round(energy.estimate_mj),
        "energy_note": _note(
            f"not measured: {energy.reason}" if energy.reason else "", energy.formula
        ),
    }


def _note(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _round(value: float | None) -> float | None:
    """Four figures: more were never measured."""
    return None if value is None else float(f"{value:.4g}")
