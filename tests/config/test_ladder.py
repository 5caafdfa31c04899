"""Ladder files: what a right one means, and that every mistake is told with its line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgerund.checksum import file_sha256
from edgerund.config.card import CardFile, card_schema, read_card
from edgerund.config.ladder import ladder_schema, load_ladder, read_ladder
from edgerund.config.ladder_file import Common, InputFile, LadderFile, OutputFile, VariantFile
from edgerund.errors import ConfigError
from edgerund.types import Card, InputPlan, OutputPlan

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ladder.md"

GOOD = """\
ladder: toy
task: classify
labels: [ant, bee, cat]
defaults:
  backend: onnxruntime
  input: {size: [32, 24], mean: 0.5, std: [0.1, 0.2, 0.3]}
  output: {decoder: logits, options: {label_offset: 1}}
  options: {optimisation: basic}
variants:
  - name: top
    file: top.onnx
    card: cards/top.yaml
  - name: small
    file: small.onnx
    input: {size: 16, colour: BGR}
    card: {accuracy: 0.8, latency_ms: 1, energy_mj: not measured}
  - name: tiny
    file: tiny.tflite
    backend: litert
    output: {decoder: softmax}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("top.onnx", "small.onnx", "tiny.tflite"):
        (tmp_path / name).write_bytes(b"model of " + name.encode())
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "top.yaml").write_text("accuracy: 0.9\nlatency_ms: 2.5\nfile_bytes: 17\n")
    (tmp_path / "ladder.yaml").write_text(GOOD)
    return tmp_path


def findings(folder: Path, text: str, **options: bool) -> list[str]:
    (folder / "ladder.yaml").write_text(text)
    reading = read_ladder(folder, **options)
    assert (reading.plan is None) == bool(reading.problems)
    return [f"{p.line} {p.where}: {p.message}" for p in (*reading.problems, *reading.warnings)]


def test_a_right_ladder_becomes_a_plan(folder: Path) -> None:
    plan = load_ladder(folder)
    assert plan == load_ladder(folder / "ladder.yaml")
    assert (plan.name, plan.task, plan.labels, plan.top_k) == (
        "toy",
        "classify",
        ("ant", "bee", "cat"),
        3,
    )
    top, small, tiny = plan.variants
    assert top.input == InputPlan(size=(32, 24), mean=(0.5,), std=(0.1, 0.2, 0.3))
    assert top.file == str(folder / "top.onnx")
    assert top.card == Card(accuracy=0.9, latency_ms=2.5, file_bytes=17)
    assert small.input == InputPlan(size=(16, 16), colour="BGR", mean=(0.5,), std=(0.1, 0.2, 0.3))
    assert small.card == Card(accuracy=0.8, latency_ms=1)
    assert small.output == OutputPlan("logits", {"label_offset": 1})
    assert small.options == {"optimisation": "basic"}
    # another decoder and another backend do not inherit options that are not theirs
    assert tiny.output == OutputPlan("softmax")
    assert tiny.options == {}
    assert tiny.backend == "litert"


def test_the_backend_follows_from_the_ending(folder: Path) -> None:
    text = GOOD.replace("  backend: onnxruntime\n", "").replace("    backend: litert\n", "")
    (folder / "ladder.yaml").write_text(text)
    assert [v.backend for v in load_ladder(folder).variants] == [
        "onnxruntime",
        "onnxruntime",
        "litert",
    ]


def test_no_engine_and_no_numpy_is_imported_by_reading_a_ladder(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from edgerund.config.ladder import load_ladder\n"
        "load_ladder(Path(sys.argv[1]))\n"
        "print([m for m in ('numpy', 'onnxruntime', 'ai_edge_litert') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


# each: (what is replaced, by what, the findings that must be there)
MISTAKES: list[tuple[str, str, list[str]]] = [
    ("ladder: toy", "ladder: To y", ["1 ladder: String should match pattern"]),
    (
        "task: classify",
        "task: segment",
        ["2 task: Input should be 'classify', 'detect' or 'tensor'"],
    ),
    ("task: classify\n", "", ["1 task: this key is required"]),
    ("labels: [ant, bee, cat]", "lables: [ant]", ["3 lables: unknown key"]),
    (
        "labels: [ant, bee, cat]",
        "labels: [ant, yes]",
        ["3 labels[1]: Input should be a valid string"],
    ),
    (
        "labels: [ant, bee, cat]",
        "labels: [ant]\nlabels_file: l.txt",
        ["4 labels_file: cannot use it beside labels"],
    ),
    (
        "labels: [ant, bee, cat]",
        "labels_file: l.txt",
        ["3 labels_file: cannot find the file 'l.txt'"],
    ),
    ("labels: [ant, bee, cat]\n", "", ["2 task: no labels are given"]),
    (
        "size: [32, 24]",
        "size: [32, 24, 3]",
        ["6 defaults.input.size: List should have at most 2 items"],
    ),
    (
        "size: [32, 24]",
        "size: 0",
        ["6 defaults.input.size[0]: Input should be greater than or equal to 1"],
    ),
    ("size: [32, 24], ", "", ["6 defaults.input: cannot do without input.size"]),
    ("mean: 0.5", "mean: [1, 2]", ["6 defaults.input.mean: cannot use 2 values for 3 channels"]),
    ("std: [0.1, 0.2, 0.3]", "std: [0, 1, 1]", ["6 defaults.input.std: cannot divide by 0"]),
    ("mean: 0.5", "scale: 0", ["6 defaults.input.scale: Input should be greater than 0"]),
    ("mean: 0.5", "scale: .nan", ["6 defaults.input.scale: cannot use a value that is not finite"]),
    ("mean: 0.5", "dtype: uint8", ["6 defaults.input: dividing by 255"]),
    (
        "decoder: logits",
        "decoder: yolov8",
        ["7 defaults.output.decoder: cannot use decoder 'yolov8'"],
    ),
    ("backend: onnxruntime", "backend: onnx", ["5 defaults.backend: cannot find backend 'onnx'"]),
    (
        "file: small.onnx",
        "file: smal.onnx",
        ["14 variants[1].file: cannot find the file 'smal.onnx'"],
    ),
    (
        "file: small.onnx",
        "file: ../small.onnx",
        ["14 variants[1].file: cannot use '../small.onnx'"],
    ),
    ("file: small.onnx", "file: /etc/passwd", ["14 variants[1].file: cannot use '/etc/passwd'"]),
    ("file: small.onnx", "file: cards", ["14 variants[1].file: cannot find the file 'cards'"]),
    ("file: small.onnx", 'file: "a\\0b"', ["14 variants[1].file: cannot use 'a\\x00b'"]),
    (
        "file: small.onnx",
        "file: tiny.tflite",
        ["14 variants[1].file: cannot run 'tiny.tflite' with onnx"],
    ),
    ("name: small", "name: top", ["13 variants[1].name: cannot use the name 'top' twice"]),
    ("name: small", "name: input", ["13 variants[1].name: cannot name a variant 'input'"]),
    ("card: cards/top.yaml", "card: cards/no.yaml", ["12 variants[0].card: cannot find the file"]),
    ("accuracy: 0.8", "accuracy: 80", ["16 variants[1].card.accuracy: Input should be less than"]),
    (
        "accuracy: 0.8",
        "accuracy: 0.95",
        ["13 variants[1].name: small (95.00%) is more accurate than top"],
    ),
    ("latency_ms: 1,", "latency_ms: 3,", ["13 variants[1].name: small costs as much as top"]),
    ("latency_ms: 1,", "sha256: abc,", ["16 variants[1].card.sha256: String should match pattern"]),
    ("    file: small.onnx\n", "", ["13 variants[1].file: this key is required"]),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"), MISTAKES, ids=[m[1][:40] or m[0] for m in MISTAKES]
)
def test_a_mistake_is_told_with_its_line(
    folder: Path, old: str, new: str, expected: list[str]
) -> None:
    assert GOOD.count(old) == 1
    found = findings(folder, GOOD.replace(old, new))
    for text in expected:
        assert any(f.startswith(text) for f in found), found


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = GOOD.replace("mean: 0.5", "mean: [1, 2]").replace("file: small.onnx", "file: no.onnx")
    text = text.replace("name: tiny", "name: top").replace("labels: ", "lables: ")
    (folder / "ladder.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_ladder(folder)
    lines = sorted(problem.line for problem in caught.value.problems)
    assert lines == [3, 6, 14, 17]
    assert len(set(caught.value.problems)) == 4


def test_a_mistake_in_defaults_is_told_once(folder: Path) -> None:
    found = findings(folder, GOOD.replace("std: [0.1, 0.2, 0.3]", "std: 0"))
    assert found == ["6 defaults.input.std: cannot divide by 0"]


def test_a_mistake_in_a_card_file_is_told_in_that_file(folder: Path) -> None:
    card = folder / "cards" / "top.yaml"
    card.write_text("accuracy: 0.9\nlatencyms: 3\nload_ms: fast\n")
    problems = read_ladder(folder).problems
    assert [(p.file, p.line) for p in problems] == [(str(card), 2), (str(card), 3)]


def test_a_card_of_another_file_is_a_mistake(folder: Path) -> None:
    (folder / "top.onnx").write_bytes(b"another model")
    (problem,) = read_ladder(folder).problems
    assert problem.line == 12
    assert "17 bytes" in problem.message


def test_a_wrong_sha256_is_found_when_hashes_are_asked_for(folder: Path) -> None:
    right = file_sha256(folder / "top.onnx")
    text = GOOD.replace("file: top.onnx", f"file: top.onnx\n    sha256: {right}")
    assert all("no sha256" in f for f in findings(folder, text, hashes=True))
    assert load_ladder(folder).variants[0].sha256 == right
    (folder / "top.onnx").write_bytes(b"model of top.onny")
    assert findings(folder, text) == []
    (found, *_) = findings(folder, text, hashes=True)
    assert found.startswith("12 variants[0].sha256: cannot use top.onnx: its sha256 differs")


def test_the_fingerprint_on_the_card_counts_where_the_ladder_gives_none(folder: Path) -> None:
    card = folder / "cards" / "top.yaml"
    card.write_text(f"sha256: {'a' * 64}\n")
    assert load_ladder(folder).variants[0].sha256 == "a" * 64
    (found, *_) = findings(folder, GOOD, hashes=True)
    assert found.startswith("12 variants[0].card: cannot use top.onnx")
    text = GOOD.replace("file: top.onnx", f"file: top.onnx\n    sha256: {'b' * 64}")
    assert any("of a file with another sha256" in f for f in findings(folder, text))


def test_a_link_out_of_the_folder_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "model.onnx"
    outside.write_bytes(b"model")
    (folder / "small.onnx").unlink()
    (folder / "small.onnx").symlink_to(outside)
    (problem,) = read_ladder(folder).problems
    assert "outside the ladder's folder" in problem.message


def test_labels_come_from_a_file_too(folder: Path) -> None:
    (folder / "labels.txt").write_text("ant\nbee \n\ncat\n\n", encoding="utf-8")
    (folder / "ladder.yaml").write_text(
        GOOD.replace("labels: [ant, bee, cat]", "labels_file: labels.txt")
    )
    assert load_ladder(folder).labels == ("ant", "bee", "", "cat")
    (folder / "labels.txt").write_bytes(b"\xff\xfe")
    assert "labels_file: cannot read 'labels.txt'" in str(read_ladder(folder).problems[0])


def test_the_golden_file_must_be_there_unless_it_is_about_to_be_written(folder: Path) -> None:
    text = GOOD + "golden: {file: golden.npz, tolerance: 0.2}\n"
    assert findings(folder, text) == [
        f"21 golden.file: cannot find the file 'golden.npz' in {folder}"
    ]
    assert findings(folder, text, golden=False) == []
    (folder / "golden.npz").write_bytes(b"something")
    golden = load_ladder(folder).golden
    assert golden is not None
    assert (golden.file, golden.tolerance) == (str(folder / "golden.npz"), 0.2)


def test_a_tensor_ladder_needs_neither_input_nor_output(folder: Path) -> None:
    text = "ladder: raw\ntask: tensor\nvariants:\n  - {name: top, file: top.onnx}\n"
    assert findings(folder, text) == []
    (variant,) = load_ladder(folder).variants
    assert (variant.input, variant.output) == (None, None)
    (found,) = findings(folder, text.replace("onnx}", "onnx, output: {decoder: logits}}"))
    assert found.startswith("4 variants[0].output.decoder: cannot decode for task tensor")


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "ladder: [", "variants: 3", "variants: [3, null, []]"]
)
def test_what_is_no_ladder_is_told_as_such(folder: Path, text: str) -> None:
    assert findings(folder, text)


def test_a_missing_folder_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read it: No such file"):
        load_ladder(tmp_path / "nowhere")


_words = st.sampled_from(["top", "top.onnx", "litert", "classify", "raw", "..", "", "a b"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 400) | st.floats(allow_nan=False) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)


def _with(model: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(sorted(model.model_fields)), _values, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    head=_with(LadderFile),
    variants=st.lists(_with(VariantFile), max_size=3),
    defaults=_with(Common),
    image=_with(InputFile),
    output=_with(OutputFile),
)
def test_no_yaml_raises_anything_but_findings(
    folder: Path, head: Any, variants: Any, defaults: Any, image: Any, output: Any
) -> None:
    data = {
        **head,
        "variants": variants,
        "defaults": {**defaults, "input": image, "output": output},
    }
    (folder / "ladder.yaml").write_text(yaml.safe_dump(data))
    reading = read_ladder(folder, hashes=True)
    assert (reading.plan is None) == bool(reading.problems)
    assert all(p.file == str(folder / "ladder.yaml") and p.line > 0 for p in reading.problems)


def test_a_card_reads_what_a_machine_wrote(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(
        "accuracy: 0.93\nmemory_bytes: 1000\nenergy_mj: not measured\nload_ms: null\n"
        "params: 5\nhow: [trained, folded]\nextra: {anything: [1, 2]}\n"
    )
    card = read_card(path)
    assert card.figures() == Card(accuracy=0.93, memory_bytes=1000)
    assert card.how == ["trained", "folded"]


def test_the_schemas_know_every_key_and_close_every_object() -> None:
    schema = ladder_schema()
    assert set(schema["properties"]) == set(LadderFile.model_fields)
    assert set(card_schema()["properties"]) == set(CardFile.model_fields)
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False


def test_every_key_is_documented() -> None:
    text = DOCS.read_text()
    for model in (LadderFile, VariantFile, InputFile, CardFile):
        for key in model.model_fields:
            if key != "ladder" or model is LadderFile:
                assert f"`{key}`" in text, f"{key} of {model.__name__}"


def test_a_ladder_without_read_permission_is_one_clear_problem(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / "ladder.yaml").chmod(0)
    assert "Permission denied" in read_ladder(folder).problems[0].message
