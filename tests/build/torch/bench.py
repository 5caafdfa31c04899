"""Runs one technique on the tiny recipe; as a process too: ``python -m tests.build.torch.bench FOLDER EPOCHS``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgerund import registry
from edgerund.build.technique import Artifact, Context
from tests.build.torch import tiny


def run(
    use: str,
    parents: Sequence[Artifact],
    place: Path,
    told: list[tuple[float, str]] | None = None,
    roles: dict[str, Any] | None = None,
    **params: Any,
) -> Artifact:
    """The technique's result; ``place/scratch`` outlives a failure, as in the factory."""
    folder, scratch = place / "result", place / "scratch"
    for path in (folder, scratch):
        path.mkdir(parents=True, exist_ok=True)
    said: list[tuple[float, str]] = [] if told is None else told
    context = Context(
        folder=folder,
        scratch=scratch,
        data=tiny.data(),
        seed=1,
        threads=1,
        progress=lambda share, text: said.append((share, text)),
        torch={"model": tiny.model, **(roles or {})},
    )
    technique = registry.resolve("techniques", use)
    result: Artifact = technique().run(parents, technique.Params(**params), context)
    return result


def state(artifact: Artifact) -> dict[str, Any]:
    import torch

    saved: dict[str, Any] = torch.load(artifact.path, weights_only=True)
    return {name: tensor.numpy() for name, tensor in saved["state"].items()}


def main() -> None:
    place, epochs = Path(sys.argv[1]), int(sys.argv[2])

    class Said(list[tuple[float, str]]):
        def append(self, item: tuple[float, str]) -> None:
            print(item[1], flush=True)

    run("train", [], place, Said(), params={"width": 8}, epochs=epochs)


if __name__ == "__main__":
    main()
