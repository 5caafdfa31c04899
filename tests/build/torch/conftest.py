"""Everything here needs torch: `pip install 'edgerund[train]'`, or `TRAIN=1 tools/test`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from edgerund.build.technique import Artifact


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [p for p in ("torch", "torch_pruning") if importlib.util.find_spec(p) is None]
    if missing:
        reason = f"{' and '.join(missing)} not installed: TRAIN=1 tools/test"
        for item in items:
            if "tests/build/torch/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """A trained network of each kind, made when first asked for."""
    from tests.build.torch import bench

    made: dict[str, Artifact] = {}

    def give(kind: str) -> Artifact:
        if kind not in made:
            place = tmp_path_factory.mktemp(kind)
            made[kind] = bench.run("train", [], place, params={"kind": kind}, epochs=4)
        return made[kind]

    return give


@pytest.fixture(scope="session")
def onnx(
    trained: Callable[[str], Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Artifact]:
    """The same, exported."""
    from tests.build.torch import bench

    made: dict[str, Artifact] = {}

    def give(kind: str) -> Artifact:
        if kind not in made:
            made[kind] = bench.run("export", [trained(kind)], tmp_path_factory.mktemp(kind))
        return made[kind]

    return give


@pytest.fixture(scope="session")
def int8(
    onnx: Callable[[str], Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Artifact]:
    """The same, quantized after training."""
    from tests.build.torch import bench

    made: dict[str, Artifact] = {}

    def give(kind: str) -> Artifact:
        if kind not in made:
            place: Path = tmp_path_factory.mktemp(kind)
            made[kind] = bench.run("int8", [onnx(kind)], place, methods=["minmax"])
        return made[kind]

    return give
