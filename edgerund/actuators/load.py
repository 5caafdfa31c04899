"""Actuators by name, those of a policy and those that an earlier process left capped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgerund import registry
from edgerund.actuators.keeper import FILE
from edgerund.errors import PluginError
from edgerund.ports import Actuator, SysRoot

Options = Mapping[str, Mapping[str, object]]


def load_actuators(names: Iterable[str], root: SysRoot, options: Options) -> dict[str, Actuator]:
    """One of each name.

    Raises:
        PluginError: an unknown one, one that cannot be imported, or options that it does not take.
    """
    found: dict[str, Actuator] = {}
    for name in dict.fromkeys(names):
        made = registry.resolve("actuators", name)
        try:
            found[name] = made(root, **options.get(name, {}))
        except (TypeError, ValueError) as e:
            text = f"cannot set up the actuator {name!r}: {e}; see actuators in the settings"
            raise PluginError(text) from e
    return found


def left_capped(folder: Path) -> list[str]:
    """Names of the actuators that a process did not put back; whether it still runs, this does not tell."""
    try:
        return list(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return []
