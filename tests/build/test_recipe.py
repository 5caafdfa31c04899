from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.build.plan import Plan
from edgerund.build.planning import make_plan
from edgerund.build.recipe import read_recipe, recipe_schema
from edgerund.errors import ConfigError

HEAD = """\
recipe: toy
ladder: {task: tensor}
data: somewhere
"""
BEGIN = "tests.build.doings:Begin"
APPEND = "tests.build.doings:Append"


def plan_of(folder: Path, text: str) -> Plan:
    file = folder / "recipe.yaml"
    file.write_text(text)
    recipe, document = read_recipe(file)
    return make_plan(recipe, document, folder)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan_of(folder, text)
    return [str(p).removeprefix(f"{folder}/") for p in caught.value.problems]


def test_stages_come_parents_first_and_else_as_written(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        f"{HEAD}stages:\n"
        f"  c: {{use: '{APPEND}', from: b}}\n"
        f"  x: {{use: '{BEGIN}'}}\n"
        f"  b: {{use: '{APPEND}', from: [a, x], text: more}}\n"
        f"  a: {{use: '{BEGIN}'}}\n",
    )
    assert [s.name for s in plan.stages] == ["a", "x", "b", "c"]
    assert plan.stage("b").parents == ("a", "x")
    assert dict(plan.stage("b").params)["text"] == "more"
    assert [c.stage for c in plan.choices] == ["a", "x", "b", "c"]
    assert plan.baseline == "a"


def test_each_mistake_of_form_is_told_with_its_line(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        "recipe: Not A Name\n"
        "ladder: {task: clasify}\n"
        "data: {calibraton: here}\n"
        "stages:\n"
        "  a:\n"
        "    from: 7\n"
        "variants:\n"
        "  - {stag: a}\n",
    )
    assert [line.split(": ")[0] for line in told] == [
        "recipe.yaml:1",
        "recipe.yaml:2",
        "recipe.yaml:3",
        "recipe.yaml:3",
        "recipe.yaml:5",
        "recipe.yaml:6",
        "recipe.yaml:8",
        "recipe.yaml:8",
    ]


def test_each_mistake_of_meaning_is_told_with_its_line(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        f"{HEAD}stages:\n"
        f"  a: {{use: '{BEGIN}', txt: x}}\n"
        "  b: {use: nonsense, from: a}\n"
        f"  c: {{use: '{APPEND}', from: nobody}}\n"
        f"  d: {{use: '{APPEND}'}}\n"
        f"  e: {{use: '{BEGIN}', from: d}}\n"
        f"  f: {{use: '{BEGIN}', file: missing.txt}}\n"
        "variants: [c, c, ghost]\n"
        "baseline: ghost\n",
    )
    assert [line.split(": ")[0] for line in told] == [
        f"recipe.yaml:{n}" for n in (5, 6, 7, 8, 9, 10, 11, 11, 12)
    ]
    text = "\n".join(told)
    assert "stages.a.txt: unknown key" in text
    assert "cannot find technique 'nonsense': known are" in text
    assert "cannot find the stage 'nobody': known are a, b, c, d, e, f" in text
    assert "say from which stage it comes" in text
    assert "comes from no other stage" in text
    assert "cannot find the file" in text
    assert "cannot use the name 'c' twice" in text


def test_a_circle_is_named(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        f"{HEAD}stages:\n"
        f"  a: {{use: '{BEGIN}'}}\n"
        f"  b: {{use: '{APPEND}', from: d}}\n"
        f"  c: {{use: '{APPEND}', from: b}}\n"
        f"  d: {{use: '{APPEND}', from: c}}\n",
    )
    assert told == ["recipe.yaml:6: stages.b.from: cannot go round in a circle: b -> d -> c -> b"]


def test_kinds_that_do_not_fit_are_told(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        f"{HEAD}model: a.b:c\nstages:\n"
        "  a: {use: 'tests.build.doings:BeginTorch'}\n"
        f"  b: {{use: '{APPEND}', from: a}}\n"
        "variants: [a]\n",
    )
    assert "works on onnx, 'a' gives torch: put an export between them" in told[0]
    assert "it gives a torch model; export it first" in told[1]


def test_torch_stages_need_the_recipes_model(tmp_path: Path) -> None:
    told = mistakes(tmp_path, f"{HEAD}stages:\n  a: {{use: 'tests.build.doings:BeginTorch'}}\n")
    assert "the recipe must name model" in "".join(told)


def test_what_only_adopted_stages_need_is_left_out(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        f"{HEAD}model: a.b:c\nstages:\n"
        "  trained: {use: 'tests.build.doings:BeginTorch'}\n"
        "  file: {use: export, from: trained}\n"
        f"  more: {{use: '{APPEND}', from: file}}\n",
    )
    adopting = plan.adopting(["file"])
    assert [(s.name, s.parents) for s in adopting.stages] == [("file", ()), ("more", ("file",))]
    assert [s.name for s in plan.adopting([]).stages] == ["trained", "file", "more"]


def test_the_schema_says_what_a_stage_may_hold() -> None:
    schema = recipe_schema()
    assert schema["title"] == "edgerund recipe"
    assert set(schema["$defs"]["StageFile"]["properties"]) == {"use", "from"}
