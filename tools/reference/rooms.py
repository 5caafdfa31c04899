"""Every module of the package with the first sentence of its docstring."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import edgerund
from tools.reference.markdown import table

PACKAGE = Path(edgerund.__file__).parent
FLOORS = (
    ("The front door", ("cli",)),
    ("The running system, the imagined one, the workbench", ("daemon", "sim", "build", "bench")),
    ("What joins the rooms below", ("profile", "learned")),
    (
        "The rooms where the work is done",
        ("serve", "client", "policy", "sensors", "actuators", "engines", "vision", "observe"),
    ),
    ("What plug-ins and rooms agree on", ("ports", "config", "registry", "wire")),
    ("The ground", ("mailbox", "clock", "checksum", "rundir", "types", "errors")),
)


def rooms() -> str:
    """The page."""
    there = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir() if _is_room(p)}
    unplaced = there - {room for _, row in FLOORS for room in row}
    if unplaced:
        raise SystemExit(
            f"cannot place {', '.join(sorted(unplaced))}: add it to FLOORS in {__file__}"
        )
    parts = []
    for floor, names in FLOORS:
        parts.append(f"## {floor}")
        parts += [_room(name) for name in names if name in there]
    return "\n\n".join(parts)


def _is_room(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").exists()
    return path.suffix == ".py" and not path.stem.startswith("__")


def _room(name: str) -> str:
    folder = PACKAGE / name
    if not folder.is_dir():
        return f"### `{name}`\n\n{sentence(folder.with_suffix('.py'))}"
    modules = sorted(p for p in folder.rglob("*.py") if p != folder / "__init__.py")
    rows = [(f"`{_dotted(p, folder)}`", sentence(p)) for p in modules]
    return (
        f"### `{name}/`\n\n{sentence(folder / '__init__.py')}\n\n{table(('module', 'owns'), rows)}"
    )


def _dotted(file: Path, folder: Path) -> str:
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sentence(file: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not text:
        raise SystemExit(f"cannot describe {file}: it has no docstring")
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.partition("\n\n")[0].split()))
