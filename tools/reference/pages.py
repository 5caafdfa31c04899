"""Which pages are generated, and how a page keeps the prose around what is generated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference.commands import commands
from tools.reference.errors import errors
from tools.reference.metrics import metrics
from tools.reference.rooms import rooms
from tools.reference.schema import card, ladder, policy, recipe, settings
from tools.reference.techniques import techniques

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/errors.md": errors,
    "docs/reference/metrics.md": metrics,
    "docs/reference/settings.md": settings,
    "docs/reference/policy.md": policy,
    "docs/reference/ladder.md": ladder,
    "docs/reference/card.md": card,
    "docs/reference/techniques.md": techniques,
    "docs/reference/recipe.md": recipe,
    "docs/rooms.md": rooms,
    "docs/reference/cli.md": commands,
}
BEGIN = "<!-- from the code: python -m tools.reference -->"


def page(root: Path, name: str) -> str:
    """The page as it should be: what stands above the mark is kept, the rest is made."""
    file = root / name
    prose = file.read_text(encoding="utf-8").partition(BEGIN)[0] if file.exists() else ""
    return f"{prose}{BEGIN}\n\n{PAGES[name]().strip()}\n"


def write(root: Path, name: str) -> None:
    """Write one page."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(root, name), encoding="utf-8")


def stale(root: Path) -> list[str]:
    """The pages that differ from what the code says."""
    return [
        n
        for n in PAGES
        if not (root / n).exists() or (root / n).read_text(encoding="utf-8") != page(root, n)
    ]
