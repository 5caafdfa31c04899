"""Which engines a configuration will need, guessed from its text before it is validated.

Only a head start for the fork server: a wrong guess costs milliseconds, not correctness.
"""

from __future__ import annotations

import re
from pathlib import Path

from edgerund import registry
from edgerund.config.share import SYSTEM_SETTINGS, shared_file

LIBRARIES = {
    "onnxruntime": ("onnxruntime",),
    "litert": ("ai_edge_litert.interpreter",),
}


def engine_modules(settings: Path | None) -> list[str]:
    """Modules that the fork server should import: backends' own, and the libraries behind them."""
    text = "\n".join(_texts(settings))
    found: list[str] = []
    for name in registry.names_built_in("engines"):
        if re.search(rf"\b{re.escape(name)}\b", text):
            found.append(registry.module_of("engines", name))
            found += LIBRARIES.get(name, ())
    return found


def _texts(settings: Path | None) -> list[str]:
    if settings is None:
        settings = SYSTEM_SETTINGS if SYSTEM_SETTINGS.exists() else None
    if settings is None:
        return [_read(shared_file("variants/cifar10/ladder.yaml"))]
    text = _read(settings)
    texts = []
    for path in re.findall(r"path:\s*[\"']?([^\s\"',}]+)", text):
        beside = settings.parent / path
        for place in (beside, shared_file(f"variants/{path}")):
            file = place / "ladder.yaml" if place.is_dir() else place
            texts.append(_read(file))
    return texts


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
