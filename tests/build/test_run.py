from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgerund.build.crew import Alone, Crew, Team
from edgerund.build.data import Source
from edgerund.build.dry_run import plan_text, prospects
from edgerund.build.history import History
from edgerund.build.keys import data_digests
from edgerund.build.plan import Plan
from edgerund.build.planning import make_plan
from edgerund.build.progress import Forecast, Lines
from edgerund.build.recipe import read_recipe
from edgerund.build.run import Outcome, Run, Terms
from edgerund.build.store import Store
from edgerund.build.work import Bench

USE = "tests.build.doings:"


def nothing(_stage: str, _share: float, _text: str) -> None:
    return


class Bed:
    """A store, and runs over recipes of a few stages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "store")
        self.out = io.StringIO()
        np.save(folder / "inputs.npy", np.zeros((4, 3), np.float32))

    def plan(self, stages: str, head: str = "") -> Plan:
        file = self.folder / "recipe.yaml"
        text = f"recipe: toy\nladder: {{task: tensor}}\ndata: inputs.npy\n{head}stages:\n{stages}"
        file.write_text(text.replace("USE", USE))
        recipe, document = read_recipe(file)
        return make_plan(recipe, document, self.folder)

    def run(
        self,
        plan: Plan,
        adopt: dict[str, Path] | None = None,
        jobs: int = 1,
        seed: int = 0,
        told: Callable[[str, float, str], None] = nothing,
    ) -> Outcome:
        source = Source(plan.recipe, self.folder, None, seed)
        data = source.load()
        crew: Crew = (
            Team(source, self.store.folder, told, jobs)
            if jobs > 1
            else Alone(Bench(self.store, data, {}), told)
        )
        run = Run(plan, Terms(seed, 1, adopt or {}), data_digests(data), crew)
        history = History(self.store.folder / "history.jsonl")
        return run.all(Lines(Forecast({}), self.out), history)

    def look_ahead(self, plan: Plan, adopt: dict[str, Path] | None = None) -> list[str]:
        digests = data_digests(Source(plan.recipe, self.folder, None, 0).load())
        told = prospects(plan, self.store, 0, digests, adopt or {})
        return [line.split("  ")[-1].strip() for line in plan_text(told).splitlines()]


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


CHAIN = """\
  a: {use: 'USEBegin'}
  b: {use: 'USEAppend', from: a, text: b}
  c: {use: 'USEAppend', from: b, text: c}
"""


def text_of(outcome: Outcome, stage: str) -> str:
    return outcome.made[stage].artifact.path.read_text()


def test_stages_are_made_once_and_found_again(bed: Bed) -> None:
    first = bed.run(bed.plan(CHAIN))
    assert text_of(first, "c") == "begin+b+c"
    assert first.made["c"].artifact.how == ("begun", "appended b", "appended c")
    assert (first.reused, first.failed) == (set(), {})
    again = bed.run(bed.plan(CHAIN))
    assert again.reused == {"a", "b", "c"}
    assert "c: found in the store" in bed.out.getvalue()


def test_a_change_costs_the_stages_behind_it(bed: Bed) -> None:
    bed.run(bed.plan(CHAIN))
    changed = bed.run(bed.plan(CHAIN.replace("text: b", "text: B")))
    assert changed.reused == {"a"}
    assert text_of(changed, "c") == "begin+B+c"
    assert bed.run(bed.plan(CHAIN), seed=1).reused == set()


def test_a_parent_that_comes_out_the_same_costs_nothing(bed: Bed) -> None:
    (bed.folder / "one.txt").write_text("x")
    (bed.folder / "two.txt").write_text("x")
    chain = "  a: {use: 'USEBegin', file: one.txt}\n  b: {use: 'USEAppend', from: a}\n"
    bed.run(bed.plan(chain))
    moved = bed.run(bed.plan(chain.replace("one", "two")))
    assert moved.reused == {"a", "b"}
    (bed.folder / "two.txt").write_text("y")
    assert bed.run(bed.plan(chain.replace("one", "two"))).reused == set()


FAILING = (
    CHAIN
    + """\
  refused: {use: 'USERefuse', from: a}
  behind: {use: 'USEAppend', from: refused}
  stumbled: {use: 'USEStumble', from: a}
  outside: {use: 'USEElsewhere', from: a}
"""
)


def test_a_stage_that_fails_costs_its_children_alone(bed: Bed) -> None:
    outcome = bed.run(bed.plan(FAILING))
    assert set(outcome.made) == {"a", "b", "c"}
    assert outcome.failed["refused"] == "cannot do that: it is not its day"
    assert outcome.failed["behind"] == "cannot be made: 'refused' is not there"
    assert outcome.failed["stumbled"].startswith(
        "cannot go on: ZeroDivisionError: a mistake of its own"
    )
    assert "lies outside its folder" in outcome.failed["outside"]
    log = Path(outcome.failed["stumbled"].partition("see ")[2].rstrip(")"))
    assert "Traceback" in log.read_text()


def test_several_processes_make_the_same(bed: Bed) -> None:
    told: list[str] = []
    outcome = bed.run(bed.plan(FAILING), jobs=2, told=lambda s, _share, _text: told.append(s))
    assert text_of(outcome, "c") == "begin+b+c"
    assert set(outcome.failed) == {"refused", "behind", "stumbled", "outside"}
    assert "a" in told
    assert bed.run(bed.plan(CHAIN)).reused == {"a", "b", "c"}


def test_a_process_that_dies_costs_its_stage(bed: Bed) -> None:
    chain = "  a: {use: 'USEBegin'}\n  dead: {use: 'USEDie', from: a}\n"
    outcome = bed.run(bed.plan(chain), jobs=2)
    assert "died" in outcome.failed["dead"]
    assert "a" in outcome.made


def test_what_was_made_elsewhere_is_adopted_and_stays_so(bed: Bed) -> None:
    file = bed.folder / "made.onnx"
    file.write_text("elsewhere")
    plan = bed.plan(CHAIN)
    outcome = bed.run(plan.adopting({"b"}), adopt={"b": file})
    assert text_of(outcome, "c") == "elsewhere+c"
    assert outcome.made["b"].adopted
    assert any("adopted: made elsewhere, sha256" in h for h in outcome.made["c"].artifact.how)
    again = bed.run(plan)
    assert again.reused == {"a", "b", "c"}
    assert again.made["b"].adopted


def test_what_is_adopted_has_its_parents_story_but_not_its_teachers(bed: Bed) -> None:
    file = bed.folder / "made.onnx"
    file.write_text("elsewhere")
    chain = "  a: {use: 'USEBegin'}\n  b: {use: 'USEAppend', from: a}\n  student: {use: 'USETaught', from: a}\n"
    made = bed.run(bed.plan(chain), adopt={"b": file, "student": file}).made
    assert [h.split(":")[0] for h in made["b"].artifact.how] == ["begun", "adopted"]
    assert [h.split(":")[0] for h in made["student"].artifact.how] == ["adopted"]


def test_what_is_adopted_counts_by_its_content_whatever_its_name(bed: Bed) -> None:
    for name in ("one.onnx", "other.onnx"):
        (bed.folder / name).write_text("elsewhere")
    bed.run(bed.plan(CHAIN), adopt={"b": bed.folder / "one.onnx"})
    again = bed.run(bed.plan(CHAIN), adopt={"b": bed.folder / "other.onnx"})
    assert "c" in again.reused


def test_the_plan_tells_what_is_there_and_what_is_to_do(bed: Bed) -> None:
    assert bed.look_ahead(bed.plan(CHAIN))[1:4] == ["to do"] * 3
    bed.run(bed.plan(CHAIN))
    ahead = bed.look_ahead(bed.plan(CHAIN.replace("text: c", "text: C")))
    assert ahead[1:3] == ["found", "found"]
    assert ahead[3].startswith("to do, about ")
    assert ahead[4].startswith("3 stages: 2 there, 1 to do, about ")
    adopted = bed.look_ahead(bed.plan(CHAIN), {"b": Path("there.onnx")})
    assert adopted[1:3] == ["found", "to adopt: there.onnx"]
    assert adopted[3].startswith("to do")


def test_a_full_disk_is_the_end_of_the_build(bed: Bed) -> None:
    import subprocess

    bed.store.folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(bed.store.folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    try:
        bed.store = Store(bed.store.folder)
        chain = "  a: {use: 'USEBegin'}\n  full: {use: 'USEFill', from: a}\n"
        with pytest.raises(OSError, match="No space left"):
            bed.run(bed.plan(chain))
        assert bed.run(bed.plan("  a: {use: 'USEBegin'}\n")).reused == {"a"}
    finally:
        subprocess.run(["umount", str(bed.store.folder)], check=True)
