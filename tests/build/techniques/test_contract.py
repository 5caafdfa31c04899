"""Every technique that makes one ONNX file of another keeps the same promises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from edgerund import registry
from edgerund.build.technique import Artifact, Data
from edgerund.build.techniques import TABLE
from edgerund.config.ladder_members import size_of
from edgerund.errors import BuildError
from tests.build import nets
from tests.build.techniques import bench


def plain(name: str) -> bool:
    """From ONNX to ONNX, without training, of any network (``mirror`` takes only some)."""
    technique = registry.resolve("techniques", name)
    if hasattr(technique, "only"):
        return False
    return technique.takes == technique.gives == "onnx" and not getattr(technique, "trains", False)


NAMES = sorted(name for name in TABLE if plain(name))
EVERY = [*NAMES, "cascade"]
"""With those that join files instead of changing one: here of the same file twice."""

KIND: dict[str, dict[str, Any]] = {
    "lowrank": {"energy": 0.98},
    "sparse": {"ratio": 0.2, "least": 64},
    "share": {"bits": 6, "least": 64},
    "mixed": {"max_loss": 0.05, "scored": 64},
    "cascade": {"at_least": 0.9},
}
"""Parameters with which each technique does something to networks of this size without ruining them."""

FAR = {"sparse": 0.6, "lowrank": 0.5, "mixed": 0.25, "int8": 0.25}
"""Largest relative change of the outputs of random networks, where it is not 0.12."""

NETS: dict[str, Callable[[], Any]] = {
    "grouped": nets.grouped,
    "two_inputs": nets.two_inputs,
    "unquantizable": nets.unquantizable,
    "old_style": nets.old_style,
    "signal": nets.signal,
    "attention": nets.attention,
}


@pytest.fixture(scope="module")
def trained() -> Any:
    return nets.trained()


@pytest.fixture(scope="module")
def made(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Each technique once on the trained network, when first asked for."""
    cache: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in cache:
            cache[name] = Made(name, trained, tmp_path_factory.mktemp(name))
        return cache[name]

    return make


class Made:
    """What a technique made of the trained network, and what it said meanwhile."""

    def __init__(self, name: str, model: Any, folder: Path) -> None:
        self.told: list[tuple[float, str]] = []
        self.parent = nets.save(model, folder / "trained.onnx")
        self.digest_before = digest(self.parent)
        self.artifact: Artifact = bench.run(
            name, self.parent, nets.data(), folder / "run", self.told, **KIND.get(name, {})
        )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_table_has_the_techniques_that_need_no_training() -> None:
    assert set(NAMES) >= {
        "fp16",
        "int8",
        "int8_dynamic",
        "mixed",
        "share",
        "lowrank",
        "sparse",
        "optimize",
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_result_loads_with_the_same_inputs_and_outputs(
    name: str, made: Callable[[str], Made]
) -> None:
    done = made(name)
    assert done.artifact.kind == "onnx"
    assert bench.signature(done.artifact.path) == bench.signature(done.parent)


@pytest.mark.parametrize("name", EVERY)
def test_the_parent_is_left_as_it_was(name: str, made: Callable[[str], Made]) -> None:
    done = made(name)
    assert digest(done.parent) == done.digest_before
    assert done.artifact.path != done.parent


@pytest.mark.parametrize("name", EVERY)
def test_progress_only_goes_forward_and_arrives(name: str, made: Callable[[str], Made]) -> None:
    shares = [share for share, _ in made(name).told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert all(text and text[0] != " " for _, text in made(name).told)


@pytest.mark.parametrize("name", EVERY)
def test_it_says_what_it_did(name: str, made: Callable[[str], Made]) -> None:
    import json

    artifact = made(name).artifact
    assert "Trained." in artifact.how[0]
    assert len(artifact.how) == 2 + (name == "cascade")
    assert artifact.how[-1].endswith(".")
    assert artifact.facts["file_bytes"] == size_of(artifact.path)
    assert json.loads(json.dumps(artifact.facts, allow_nan=False)) == artifact.facts


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_network_still_names_the_pictures(name: str, made: Callable[[str], Made]) -> None:
    validation = nets.data().validation
    assert validation is not None
    assert validation.labels is not None
    done = made(name)
    before = bench.answers(done.parent, validation.inputs)[0].argmax(1)
    after = bench.answers(done.artifact.path, validation.inputs)[0].argmax(1)
    assert (before == validation.labels).mean() > 0.9
    assert (after == before).mean() > 0.9


@pytest.mark.parametrize("name", EVERY)
def test_the_same_again_gives_the_same_bytes(
    name: str, made: Callable[[str], Made], tmp_path: Path
) -> None:
    done = made(name)
    again = bench.run(name, done.parent, nets.data(), tmp_path, **KIND.get(name, {}))
    assert digest(again.path) == digest(done.artifact.path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("net", NETS)
def test_it_works_on_all_sorts_of_networks(name: str, net: str, tmp_path: Path) -> None:
    model = NETS[net]()
    data = nets.random_data(model)
    source = nets.save(model, tmp_path / "net.onnx")
    artifact = bench.run(name, source, data, tmp_path / "run", **KIND.get(name, {}))
    assert bench.signature(artifact.path) == bench.signature(source)
    ours = bench.answers(artifact.path, data.calibration.inputs)
    theirs = bench.answers(source, data.calibration.inputs)
    assert bench.distance(ours, theirs) < FAR.get(name, 0.12)


@pytest.mark.parametrize("name", EVERY)
def test_a_broken_file_is_refused_in_words(name: str, tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"no network", b"\x08\x08" + b"\xff" * 40)):
        path = tmp_path / f"broken{number}.onnx"
        path.write_bytes(content)
        with pytest.raises(BuildError, match=r"^cannot "):
            bench.run(name, path, nets.data(), tmp_path / str(number))


@pytest.mark.parametrize("name", EVERY)
def test_unknown_parameters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        registry.resolve("techniques", name).Params(nonsense=1)


@pytest.mark.parametrize("name", sorted({*EVERY} - {"optimize"}))  # which looks at no image
def test_data_that_does_not_fit_is_refused_in_words(
    name: str, trained: Any, tmp_path: Path
) -> None:
    wrong = nets.random_data(nets.signal())
    with pytest.raises(BuildError, match=r"^cannot .*image"):
        bench.run(name, trained, Data(wrong.calibration, wrong.validation), tmp_path)
