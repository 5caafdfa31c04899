"""The search: chains of stages, nothing made or measured twice, the front kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")
pytest.importorskip("optuna")

from edgerund.build.keys import data_digests
from edgerund.build.planning import make_plan
from edgerund.build.recipe import Recipe
from edgerund.build.search import Found, Search
from edgerund.build.store import Entry, Store
from edgerund.build.technique import Artifact
from edgerund.build.work import Bench, Order, make
from edgerund.config.source import parse_yaml, validate
from edgerund.errors import BuildError, ConfigError
from tests.build import nets

HEAD = """
recipe: tiny
ladder: {task: tensor}
data: {calibration: pictures.npz}
stages:
  top: {use: onnx, file: net.onnx}
"""
SPACE = """
search:
  from: top
  trials: 8
  floor: 0.5
  most: 3
  steps:
    - {use: lowrank, optional: true, energy: {choose: [0.9, 0.98]}, images: 16}
    - {use: int8, optional: true, methods: [minmax], weight_bits: 8, float_ends: none, images: 16}
    - {use: share, optional: true, bits: {between: [3, 6]}, least: 64}
"""


def searching(folder: Path, text: str = SPACE, store: str = "store") -> Search:
    nets.save(nets.trained(), folder / "net.onnx")
    document = parse_yaml(HEAD + text, "recipe.yaml")
    plan = make_plan(validate(Recipe, document), document, folder)
    data = nets.data()
    bench = Bench(Store(folder / store), data, {})
    top = made_top(plan, bench)
    return Search(plan, {"top": top}, data_digests(data), bench, 1, 1, lambda share, text: None)


def made_top(plan: Any, bench: Bench) -> Entry:
    stage = plan.stage("top")
    result = make(Order(stage, (), "top", 1, 1), bench, lambda share, text: None)
    assert result.entry is not None
    return result.entry


def told(found: Found) -> list[Mapping[str, Any]]:
    return [trial.facts() for trial in found.trials]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Search, Found]:
    folder = tmp_path_factory.mktemp("search")
    search = searching(folder)
    return folder, search, search.run()


def test_it_tries_as_many_chains_as_asked_and_keeps_the_front(
    first: tuple[Path, Search, Found],
) -> None:
    _, _, found = first
    assert len(found.trials) == 8
    assert 1 <= len(found.best) <= 3
    for trial in found.best:
        assert trial.stages
        assert trial.figures is not None
        assert trial.figures.accuracy >= 0.5
        for other in found.trials:
            assert (
                other.figures is None or not other.figures.beats(trial.figures) or not other.stages
            )
        assert trial.entries[-1].artifact.path.is_file()


def test_chains_differ_and_each_is_told_with_its_figures(first: tuple[Path, Search, Found]) -> None:
    _, _, found = first
    chains = [str(facts["chain"]) for facts in told(found)]
    assert len(set(chains)) > 3
    assert found.base.latency == 1.0
    assert found.base.accuracy > 0.9
    assert all("failed" in facts or facts["file_bytes"] > 0 for facts in told(found))


def test_what_was_tried_is_neither_made_nor_measured_again(
    first: tuple[Path, Search, Found],
) -> None:
    folder, search, found = first
    entries = {p.name for p in (folder / "store" / "entries").iterdir()}
    notes = {p: p.stat().st_mtime_ns for p in (folder / "store" / "search").iterdir()}
    again = Search(
        search.plan, search.made, search.digests, search.bench, 1, 1, lambda share, text: None
    ).run()
    assert told(again) == told(found)
    assert {p.name for p in (folder / "store" / "entries").iterdir()} == entries
    assert {p: p.stat().st_mtime_ns for p in (folder / "store" / "search").iterdir()} == notes


def test_a_longer_search_begins_as_the_shorter_one_did(first: tuple[Path, Search, Found]) -> None:
    folder, search, found = first
    longer = searching(folder, SPACE.replace("trials: 8", "trials: 9"))
    again = Search(
        longer.plan, search.made, search.digests, search.bench, 1, 1, lambda share, text: None
    ).run()
    assert told(again)[:8] == told(found)


def test_progress_goes_forward(first: tuple[Path, Search, Found]) -> None:
    _, search, _ = first
    shares: list[float] = []
    Search(
        search.plan,
        search.made,
        search.digests,
        search.bench,
        1,
        1,
        lambda share, text: shares.append(share),
    ).run()
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_no_chain_that_keeps_the_floor_is_an_error_in_words(tmp_path: Path) -> None:
    text = "search: {from: top, trials: 2, floor: 1.0, steps: [{use: share, bits: 1, least: 64}]}"
    with pytest.raises(BuildError, match=r"^cannot find a chain"):
        searching(tmp_path, text).run()


def test_a_chain_that_fails_does_not_end_the_search(tmp_path: Path) -> None:
    text = """
search:
  from: top
  trials: 6
  steps:
    - {use: int8, methods: [minmax], images: 8, leave: {choose: [[], [nobody]]}}
"""
    found = searching(tmp_path, text).run()
    reasons = {trial.reason for trial in found.trials if trial.figures is None}
    assert len(reasons) == 1
    assert "no such node" in reasons.pop()
    assert found.best


def test_without_its_base_there_is_no_search(tmp_path: Path) -> None:
    search = searching(tmp_path)
    search.made = {}
    with pytest.raises(BuildError, match="'top'"):
        search.run()


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("[{use: share, bits: {between: [3, 12]}}]", "less than or equal to 8"),
        ("[{use: share, bits: {between: 3}}]", "between"),
        ("[{use: nothing}]", "nothing"),
        ("[{use: share, colour: 3}]", "colour"),
        ("[{use: onnx, file: net.onnx}]", "ONNX file of another"),
        ("[{use: share, teacher: nobody}]", "nobody"),
    ],
)
def test_mistakes_are_told_before_anything_runs(tmp_path: Path, steps: str, said: str) -> None:
    text = f"search:\n  from: top\n  steps: {steps}\n"
    with pytest.raises(ConfigError, match=said):
        searching(tmp_path, text)


def test_an_artifact_of_the_search_is_an_ordinary_one(first: tuple[Path, Search, Found]) -> None:
    _, _, found = first
    artifact: Artifact = found.best[0].entries[-1].artifact
    assert artifact.kind == "onnx"
    assert len(artifact.how) == 1 + len(found.best[0].stages)


@pytest.mark.parametrize("variants", ["", "variants: [top]\n"])
@pytest.mark.parametrize("enter", [True, False])
def test_what_was_kept_becomes_a_variant_only_where_the_recipe_lets_it(
    tmp_path: Path, variants: str, enter: bool
) -> None:
    text = SPACE.replace("  most: 3\n", f"  most: 3\n  enter: {str(enter).lower()}\n") + variants
    plan = searching(tmp_path, text).plan
    chain = [plan.stage("top")]
    found = plan.with_found([chain, chain])
    names = [choice.stage for choice in found.choices]
    assert names == (["top", "search-1", "search-2"] if enter else ["top"])
