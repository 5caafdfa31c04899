"""What every technique that trains promises, on a plain and on a residual network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgerund.build.technique import Artifact
from tests.build.torch import bench, tiny

Give = Callable[[str], Artifact]

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "train": ("", {"params": {"kind": "KIND", "width": 8}, "epochs": 3}),
    "export": ("trained", {}),
    "prune": ("trained", {"macs": 0.6, "round_to": 2, "epochs": 2}),
    "prune-taught": ("trained trained", {"weights": 0.6, "round_to": 2, "epochs": 1}),
    "lottery": ("trained", {"sparsity": 0.6, "rounds": 2, "epochs": 1}),
    "distill": ("trained", {"params": {"kind": "KIND", "width": 8}, "epochs": 4}),
    "distill-onnx": ("onnx", {"params": {"kind": "KIND", "width": 8}, "epochs": 1}),
    "tune": ("onnx onnx", {"epochs": 1, "fit": {"lr": 0.005}}),
    "qat": ("int8 onnx", {"epochs": 1, "fit": {"lr": 0.005}}),
}


@dataclass
class Case:
    use: str
    parents: list[Artifact]
    params: dict[str, Any]

    def run(self, place: Path, told: list[tuple[float, str]] | None = None) -> Artifact:
        return bench.run(self.use, self.parents, place, told, **self.params)


@pytest.fixture(
    params=[(case, kind) for case in CASES for kind in ("plain", "residual")], ids="-".join
)
def case(request: pytest.FixtureRequest, trained: Give, onnx: Give, int8: Give) -> Case:
    name, kind = request.param
    parents, params = CASES[name]
    give = {"trained": trained, "onnx": onnx, "int8": int8}
    text = json.dumps(params).replace("KIND", kind)
    return Case(name.partition("-")[0], [give[p](kind) for p in parents.split()], json.loads(text))


def test_same_parents_parameters_and_seed_give_the_same_file_and_an_honest_story(
    case: Case, tmp_path: Path
) -> None:
    before = [p.path.read_bytes() for p in case.parents]
    told: list[tuple[float, str]] = []
    made = case.run(tmp_path / "one", told)
    again = case.run(tmp_path / "two")

    assert made.path.parent == tmp_path / "one" / "result"
    assert [p.path.read_bytes() for p in case.parents] == before
    if made.kind == "onnx":
        assert made.path.read_bytes() == again.path.read_bytes()
    else:
        ours, theirs = bench.state(made), bench.state(again)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert json.loads(json.dumps(made.facts)) == json.loads(json.dumps(again.facts))
    assert made.how[
        : len(case.parents[0].how) if case.use != "distill" and case.parents else 0
    ] == (case.parents[0].how if case.use != "distill" and case.parents else ())
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)


def test_what_a_stage_says_of_its_accuracy_is_what_its_result_has(
    case: Case, tmp_path: Path
) -> None:
    from edgerund.build.training import figures, files, teacher

    made = case.run(tmp_path)
    images = tiny.data().validation
    assert images is not None
    if made.kind == "torch":
        model, _ = files.load(made.path, {"model": tiny.model})
        given = figures.answers(model, images)
        macs, params = figures.macs_and_params(model, figures.example(images))
        assert made.facts.get("macs", macs) == macs
        assert made.facts.get("params", params) == params
    else:
        given = teacher.session(made.path, 1).run(None, dict(images.inputs))[0]
    assert images.labels is not None
    assert made.facts["validation_accuracy"] == round(
        float((given.argmax(1) == images.labels).mean()), 4
    )
