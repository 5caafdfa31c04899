"""Where the scenarios and card sets that come with edgerund lie, and how a name becomes a file."""

from __future__ import annotations

from pathlib import Path

from edgerund.errors import UsageError

DEFAULT_LADDER = "camera"
_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (
    _PACKAGE / "share" / "policies" / "scenarios",
    _PACKAGE.parent / "policies" / "scenarios",
)


def scenarios_dir() -> Path:
    """The folder of the shipped scenarios: in an installed package, or in a checkout.

    Raises:
        UsageError: neither is there.
    """
    for place in _PLACES:
        if place.is_dir():
            return place
    raise UsageError(
        "cannot find the shipped scenarios: this installation lacks share/policies/scenarios"
    )


def scenario_names() -> list[str]:
    """Every shipped scenario."""
    return sorted(path.stem for path in scenarios_dir().glob("*.yaml"))


def scenario_path(name: str) -> Path:
    """A file as it is, or the shipped scenario of that name.

    Raises:
        UsageError: neither.
    """
    return _find("scenario", name, scenarios_dir())


def cards_path(name: str) -> Path:
    """A file or ladder folder as it is, or the shipped card set of that name.

    Raises:
        UsageError: neither.
    """
    return _find("ladder", name, scenarios_dir() / "ladders")


def _find(kind: str, name: str, folder: Path) -> Path:
    if "/" in name or name.endswith((".yaml", ".yml")) or Path(name).is_dir():
        return Path(name)
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise UsageError(f"cannot find {kind} {name!r}: give a file, or one of {known}")
    return path
