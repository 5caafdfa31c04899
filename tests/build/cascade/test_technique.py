"""The technique ``cascade``: what it chooses, that the engine does what its facts say, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from edgerund.build.technique import Artifact, Context, Data, Images, Kind
from edgerund.build.techniques.cascade import Cascade, CascadeParams
from edgerund.checksum import file_sha256
from edgerund.engines.cascade import CascadeBackend
from edgerund.engines.cascade_file import read_cascade
from edgerund.errors import BuildError
from edgerund.ports import Counting, LoadOptions
from tests.build import nets
from tests.build.cascade import pairs


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("members")
    return [
        nets.save(pairs.quick(), folder / "quick.onnx"),
        nets.save(pairs.slow(), folder / "slow.onnx"),
    ]


def run(
    folder: Path, files: Sequence[Path], data: Data | None = None, of: Kind = "onnx", **params: Any
) -> Artifact:
    (folder / "made").mkdir()
    parents = [Artifact(file, of, {}, (f"Made as {file.stem}.",)) for file in files]
    quiet = Context(folder / "made", folder, data or nets.data(), 1, 1, lambda _share, _text: None)
    return Cascade().run(parents, CascadeParams(**params), quiet)


def test_the_engine_escalates_and_answers_as_the_facts_say(
    members: list[Path], tmp_path: Path
) -> None:
    made = run(tmp_path, members, max_loss=0.05)
    chosen = made.facts["chosen"]
    assert made.kind == "cascade"
    assert made.facts["within_loss"]
    assert made.facts["best_member"] == 2
    assert 0 < chosen["escalated"][0] < 1
    assert chosen["mean_ms"] < made.facts["members"][1]["ms"]
    assert made.how[:2] == ("Member 1: Made as quick.", "Member 2: Made as slow.")

    images = nets.data().validation
    assert images is not None
    engine = CascadeBackend().load(made.path, LoadOptions(), lambda _share, _text: None)
    assert isinstance(engine, Counting)
    named = [engine.infer([each[None]])[0].argmax() for each in images.inputs["image"]]
    counted = engine.counters()
    engine.close()
    assert np.isclose(np.mean(named == images.labels), chosen["accuracy"], atol=1e-5)
    assert round(counted["escalated_1"] / counted["frames"], 4) == chosen["escalated"][0]


def test_its_file_names_the_members_beside_it_with_their_fingerprints(
    members: list[Path], tmp_path: Path
) -> None:
    made = run(tmp_path, members, max_loss=0.05, kind="margin")
    told = read_cascade(made.path)
    assert [m.sha256 for m in told] == [file_sha256(f) for f in members]
    assert all((made.path.parent / m.file).is_file() for m in told)
    assert told[0].accept is not None
    assert told[0].accept.kind == "margin"
    assert [told[0].accept.at_least] == made.facts["chosen"]["at_least"]


def test_without_labels_it_is_agreement_with_the_last_member(
    members: list[Path], tmp_path: Path
) -> None:
    made = run(tmp_path, members, nets.data(labels=False), max_loss=0.05)
    assert made.facts["members"][1]["agreement"] == 1.0
    assert made.facts["chosen"]["agreement"] >= 0.95
    assert "accuracy" not in made.facts["chosen"]


def test_outputs_that_are_no_classes_are_judged_by_how_near_they_are(tmp_path: Path) -> None:
    model = nets.attention()
    file = nets.save(model, tmp_path / "attention.onnx")
    made = run(tmp_path, [file, file], nets.random_data(model), at_least=0.5)
    assert made.facts["members"][0]["agreement"] == 1.0


def test_thresholds_may_be_given_and_three_members_joined(
    members: list[Path], tmp_path: Path
) -> None:
    three = [members[0], members[0], members[1]]
    made = run(tmp_path, three, at_least=[0.9, 0.95])
    thresholds = [m.accept.at_least for m in read_cascade(made.path) if m.accept]
    assert thresholds == [0.9, 0.95]
    first, second = made.facts["chosen"]["escalated"]
    assert 0 < first <= second


def test_the_same_again_gives_the_same_bytes(members: list[Path], tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one = run(tmp_path, members, max_loss=0.05)
    other = run(tmp_path / "again", members, max_loss=0.05)
    assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize(
    ("files", "params", "said"),
    [
        ([1, 0], {}, r"cannot gain by a cascade: .* member 2; take the members before it alone"),
        ([0, 1], {"max_loss": 1.0}, r"cannot gain by a cascade: .* no image needs member 2"),
        ([0], {}, r"cannot make a cascade: it joins 2 to 8 ONNX files"),
        ([0, 1], {"at_least": [0.5, 0.6]}, r"at_least has 2 numbers, and there are 1 steps"),
        ([0, 1], {"output": 3}, r"accept asks for output 3, there are 1"),
    ],
)
def test_what_cannot_be_or_gains_nothing_is_refused(
    members: list[Path], tmp_path: Path, files: list[int], params: dict[str, Any], said: str
) -> None:
    with pytest.raises(BuildError, match=said):
        run(tmp_path, [members[i] for i in files], **params)


def test_a_slow_first_member_is_refused(members: list[Path], tmp_path: Path) -> None:
    spoilt = pairs.slow()
    for tensor in spoilt.graph.initializer:
        if tensor.name == "head.weight":
            weight = np.frombuffer(tensor.raw_data, np.float32) * 0.01
            tensor.raw_data = weight.astype(np.float32).tobytes()
    file = nets.save(spoilt, tmp_path / "unsure.onnx")
    with pytest.raises(BuildError, match=r"begin with a cheaper or better member"):
        run(tmp_path, [file, members[0]], max_loss=0.0)


def test_members_that_differ_are_refused(members: list[Path], tmp_path: Path) -> None:
    other = nets.save(nets.grouped(), tmp_path / "grouped.onnx")
    with pytest.raises(
        BuildError,
        match=r"cannot make a cascade of these members: .* has shape \[n, 10\], .* \[n, 4\]",
    ):
        run(tmp_path, [other, members[1]])


def test_a_parent_that_is_no_onnx_is_refused(members: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"it joins 2 to 8 ONNX files"):
        run(tmp_path, members, of="torch")


def test_images_that_do_not_fit_are_refused(members: list[Path], tmp_path: Path) -> None:
    wrong = Images({"other": np.zeros((4, 3, 12, 12), np.float32)})
    with pytest.raises(BuildError, match=r"cannot run member 1"):
        run(tmp_path, members, Data(wrong, wrong))


def test_its_facts_are_plain(members: list[Path], tmp_path: Path) -> None:
    facts = run(tmp_path, members, max_loss=0.05).facts
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    costs = [row["mean_ms"] for row in facts["curve"]]
    assert costs == sorted(costs)
