"""From a name in a YAML file to a class: built-in table, then entry points, then ``module:attribute``.

Nothing is imported before it is named. There is never a silent fall-back from one plug-in to another.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from edgerund.errors import PluginError

BUILT_IN: Mapping[str, str] = {
    # room -> the module that holds its TABLE (name -> "module:attribute")
    "engines": "edgerund.engines",
    "sensors": "edgerund.sensors",
    "tasks": "edgerund.vision",
    "decoders": "edgerund.vision.decoders",
    "plants": "edgerund.sim",
    "techniques": "edgerund.build.techniques",
    "actuators": "edgerund.actuators",
}


def names(kind: str) -> list[str]:
    """Every name that ``resolve`` knows for this kind without being given ``module:attribute``."""
    found = set(_table(kind)) | {name for name, _ in _entry_points(kind)}
    return sorted(found)


def names_built_in(kind: str) -> list[str]:
    """The names of the built-in table alone; never scans what is installed."""
    return sorted(_table(kind))


def module_of(kind: str, name: str) -> str:
    """The module behind a built-in name."""
    return _table(kind)[name].partition(":")[0]


def resolve(kind: str, name: str) -> Any:
    """The class or function behind ``name``.

    Raises:
        PluginError: unknown name (says which are known), or one whose import failed (says what is missing).
    """
    target = _table(kind).get(name)
    if target is None:
        target = dict(_entry_points(kind)).get(name)
    if target is None and ":" in name:
        target = name
    if target is None:
        known = ", ".join(names(kind))
        raise PluginError(
            f"cannot find {_singular(kind)} {name!r}: known are {known}; or write module:attribute"
        )
    return _load(kind, name, target)


def suffixes(engine: str) -> tuple[str, ...] | None:
    """The file endings of a built-in backend; None for one that is somebody else's (nothing is imported)."""
    module = importlib.import_module(BUILT_IN["engines"])
    known: Mapping[str, tuple[str, ...]] = module.SUFFIXES
    return known.get(engine)


def decoders(task: str) -> tuple[str, ...]:
    """The built-in decoders of a task (nothing is imported)."""
    module = importlib.import_module(BUILT_IN["decoders"])
    own: Mapping[str, Mapping[str, str]] = {"classify": module.CLASSIFY, "detect": module.DETECT}
    return tuple(own.get(task, {}))


def _table(kind: str) -> Mapping[str, str]:
    module = importlib.import_module(BUILT_IN[kind])
    table: Mapping[str, str] = module.TABLE
    return table


def _entry_points(kind: str) -> list[tuple[str, str]]:
    from importlib.metadata import entry_points  # 30 ms that only foreign plug-ins should cost

    return [(p.name, p.value) for p in entry_points(group=f"edgerund.{kind}")]


def _load(kind: str, name: str, target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as e:
        # a wrong name and a plug-in whose own import is missing are different mistakes (uvicorn's importer)
        missing = e.name or ""
        if module_name == missing or module_name.startswith(missing + "."):
            raise PluginError(
                f"cannot load {_singular(kind)} {name!r}: no module named {missing!r}"
            ) from e
        raise PluginError(
            f"cannot load {_singular(kind)} {name!r}: it needs the module {missing!r}, "
            "which is not installed"
        ) from e
    except ImportError as e:
        raise PluginError(f"cannot load {_singular(kind)} {name!r}: {e}") from e
    try:
        return getattr(module, attribute)
    except AttributeError as e:
        raise PluginError(
            f"cannot load {_singular(kind)} {name!r}: module {module_name!r} has no {attribute!r}"
        ) from e


def _singular(kind: str) -> str:
    return kind[:-1]
