"""``edgerund ladder``: checked, shown and written by real processes on real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgerund.checksum import file_sha256
from edgerund.cli import main
from edgerund.config.ladder import load_ladder
from edgerund.serve.golden import read_golden
from tests.ladders import FAKE_CLASSIFIER, classifier_ladder, tensor_ladder, write_fake


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*args: object) -> tuple[int, str, str]:
        code = main(["ladder", *map(str, args)])
        out, err = capfd.readouterr()
        return code, out, err

    return run


# ------------------------------------------------------------------ check
def test_check_runs_every_variant_of_a_right_ladder(tmp_path: Path, run: Any) -> None:
    classifier_ladder(tmp_path, top={}, small={"latency_ms": 3})
    code, out, err = run("check", tmp_path)
    assert (code, err) == (0, "")
    top, small = out.splitlines()
    assert top.startswith("top: ok (fake 1; load ")
    assert small.startswith("small: ok (fake 1; load ")
    assert "no golden file" in top


def test_check_names_every_mistake_and_runs_nothing(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={"crash_load": True})
    file.write_text(
        file.read_text().replace("task: classify", "task: classify\ntopk: 3\ngolden: x")
    )
    code, out, _ = run("check", tmp_path)
    assert code == 10
    assert f"{file}:3: topk: unknown key" in out
    assert f"{file}:4: golden: " in out
    assert f"{file}: 2 mistakes; no variant was run" in out


def test_check_finds_what_only_running_shows(tmp_path: Path, run: Any) -> None:
    classifier_ladder(
        tmp_path,
        top={},
        crashing={"crash_load": True},
        dying={"crash_after": 0},
        hanging={"hang_load": True},
        refusing={"fail_load": "no such chip"},
        nan={"nan_after": 0},
        misfit={"inputs": [{"name": "image", "shape": [-1, 3, 9, 9]}]},
        unlabelled={"outputs": [{"name": "scores", "shape": [-1, 5]}]},
    )
    code, out, _ = run("check", tmp_path, "--timeout", 5)
    assert code == 11
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert lines.pop("top").startswith("ok")
    assert "died of SIGABRT" in lines["crashing"]
    assert "died of SIGABRT" in lines["dying"]
    assert "no answer within 5 s" in lines["hanging"]
    assert "no such chip" in lines["refusing"]
    assert "NaN" in lines["nan"]
    assert "[8, 8]" in lines["misfit"]
    assert "5 scores" in lines["unlabelled"]
    assert all(line.startswith("NOT USABLE: cannot ") for line in lines.values())


def test_check_tells_scripts_the_same_as_json(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={}, bad={"fail_load": "no such chip"})
    code, out, _ = run("check", tmp_path, "--json")
    told = json.loads(out)
    assert code == 11
    assert (told["ok"], told["file"], told["problems"]) == (False, str(file), [])
    assert [(v["name"], v["asked"]) for v in told["variants"]] == [("top", True), ("bad", False)]
    assert told["variants"][0]["figures"]["infer_ms"] > 0
    file.write_text(file.read_text().replace("top_k", "topk") + "topk: 1\n")
    code, out, _ = run("check", file, "--json")
    (problem,) = json.loads(out)["problems"]
    assert code == 10
    assert (problem["where"], problem["line"] > 1) == ("topk", True)


def test_check_says_that_a_file_was_changed(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={})
    right = file_sha256(tmp_path / "top.fake")
    file.write_text(file.read_text().replace(right, "a" * 64))
    code, out, _ = run("check", tmp_path)
    assert code == 10
    assert "its sha256 differs" in out
    file.write_text(file.read_text().replace(f"  sha256: {'a' * 64}\n", ""))
    code, out, _ = run("check", tmp_path)
    assert code == 0
    assert f"write sha256: {right}" in out


def test_check_needs_possible_arguments(tmp_path: Path, run: Any) -> None:
    code, _, err = run("check", tmp_path, "--threads", 0)
    assert (code, err.count("\n")) == (2, 1)


# ------------------------------------------------------------------ golden
def test_golden_stores_what_each_variant_answers(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={}, small={})
    code, out, _ = run("golden", tmp_path)
    assert code == 0
    assert "add to" in out
    file.write_text(file.read_text() + "golden: {file: golden.npz}\n")
    golden = read_golden(tmp_path / "golden.npz")
    assert golden.frame is not None
    assert set(golden.expected) == {"top", "small"}
    code, out, _ = run("check", tmp_path)
    assert code == 0
    assert out.count("golden answer") == 2
    assert list(tmp_path.glob("*.new")) == []


def test_golden_is_not_overwritten_by_another_answer_unless_asked(tmp_path: Path, run: Any) -> None:
    classifier_ladder(tmp_path, top={})
    run("golden", tmp_path)
    before = (tmp_path / "golden.npz").read_bytes()
    code, out, _ = run("golden", tmp_path)
    assert (code, "stored again" in out) == (0, True)
    classifier_ladder(tmp_path, top={"seed": 99})
    code, _, err = run("golden", tmp_path)
    assert code == 11
    assert "cannot replace the golden outputs of 'top'" in err
    assert (tmp_path / "golden.npz").read_bytes() == before
    code, out, _ = run("golden", tmp_path, "--replace")
    assert (code, "replaced (" in out) == (0, True)
    assert (tmp_path / "golden.npz").read_bytes() != before


def test_golden_takes_a_picture(tmp_path: Path, run: Any) -> None:
    classifier_ladder(tmp_path, top={})
    picture = tmp_path / "picture.png"
    Image.new("RGB", (20, 10), (10, 20, 30)).save(picture)
    assert run("golden", tmp_path, "--frame", picture)[0] == 0
    frame = read_golden(tmp_path / "golden.npz").frame
    assert frame is not None
    assert frame.shape == (10, 20, 3)
    assert frame[0, 0].tolist() == [10, 20, 30]
    Image.new("RGB", (20, 10)).save(picture)
    code, _, err = run("golden", tmp_path, "--frame", picture)
    assert (code, "cannot ask another question" in err) == (11, True)
    assert run("golden", tmp_path, "--frame", picture, "--replace")[0] == 0
    assert run("golden", tmp_path, "--frame", tmp_path / "ladder.yaml")[0] == 2


def test_golden_asks_raw_ladders_with_raw_inputs(tmp_path: Path, run: Any) -> None:
    file = tensor_ladder(tmp_path, top={}, small={})
    assert run("golden", tmp_path)[0] == 0
    golden = read_golden(tmp_path / "golden.npz")
    assert [a.shape for a in golden.inputs] == [(1, 4), (1, 2)]
    file.write_text(file.read_text() + "golden: {file: golden.npz}\n")
    assert run("check", tmp_path)[0] == 0
    tensor_ladder(tmp_path / "free", top={"inputs": [{"shape": [1, -1]}]})
    code, _, err = run("golden", tmp_path / "free")
    assert (code, "its shape is free" in err) == (11, True)


# ------------------------------------------------------------------ show, schema
def test_show_prints_the_measured_figures(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={}, small={})
    card = "card: {accuracy: 0.925, latency_ms: 1.25, memory_bytes: 3000000, device: a board}"
    file.write_text(file.read_text().replace("file: top.fake", f"file: top.fake\n  {card}"))
    code, out, _ = run("show", tmp_path)
    assert code == 0
    (row,) = [line.split() for line in out.splitlines() if line.startswith("top ")]
    assert row[:6] == ["top", "fake", "8x8", "92.50%", "1.25", "-"]
    assert "3.00 MB" in out
    assert "measured on a board" in out
    code, out, _ = run("show", tmp_path, "--json")
    assert json.loads(out)["variants"][0]["card"]["device"] == "a board"


def test_show_of_a_wrong_ladder_names_the_mistake(tmp_path: Path, run: Any) -> None:
    code, out, err = run("show", tmp_path)
    assert (code, out) == (10, "")
    assert "ladder.yaml: cannot read it" in err


def test_the_schemas_are_printed(run: Any) -> None:
    assert "variants" in json.loads(run("schema")[1])["properties"]
    assert "accuracy" in json.loads(run("schema", "--card")[1])["properties"]


# ------------------------------------------------------------------ init
def test_init_writes_a_ladder_that_checks(tmp_path: Path, run: Any) -> None:
    write_fake(tmp_path / "models", "Big Net", {**FAKE_CLASSIFIER, "values": [[0] * 99]})
    write_fake(tmp_path / "models", "small", {**FAKE_CLASSIFIER, "answer": "one_hot"})
    out_folder = tmp_path / "my ladder"
    code, out, _ = run("init", *sorted((tmp_path / "models").iterdir()), "--out", out_folder)
    assert code == 0
    assert "edgerund ladder check" in out
    text = (out_folder / "ladder.yaml").read_text()
    assert "CHECK" in text
    plan = load_ladder(out_folder, hashes=True)
    assert (plan.name, plan.task) == ("my-ladder", "classify")
    assert [v.name for v in plan.variants] == ["big-net", "small"]
    assert plan.variants[0].input is not None
    assert plan.variants[0].input.size == (8, 8)
    assert all(v.sha256 for v in plan.variants)
    assert run("check", out_folder)[0] == 0


def test_init_overwrites_nothing(tmp_path: Path, run: Any) -> None:
    model = write_fake(tmp_path, "top", FAKE_CLASSIFIER)
    assert run("init", model)[0] == 0
    before = (tmp_path / "ladder.yaml").read_text()
    code, _, err = run("init", model)
    assert (code, "it is there already" in err) == (2, True)
    assert (tmp_path / "ladder.yaml").read_text() == before
    new = tmp_path / "new"
    other = write_fake(new, "top", {**FAKE_CLASSIFIER, "seed": 2}).read_bytes()
    code, _, err = run("init", model, "--out", new)
    assert (code, "there is a file of that name already" in err) == (2, True)
    assert [(f.name, f.read_bytes()) for f in new.iterdir()] == [("top.fake", other)]


def test_init_refuses_what_is_no_model(tmp_path: Path, run: Any) -> None:
    assert run("init", tmp_path / "absent.onnx")[0] == 2
    (tmp_path / "notes.txt").write_text("hello")
    code, _, err = run("init", tmp_path / "notes.txt")
    assert (code, "cannot tell the backend" in err) == (2, True)
    (tmp_path / "broken.fake").write_text("{")
    code, _, err = run("init", tmp_path / "broken.fake")
    assert (code, "it is no JSON" in err) == (15, True)
    assert not (tmp_path / "ladder.yaml").exists()


def test_init_brings_labels_along(tmp_path: Path, run: Any) -> None:
    model = write_fake(tmp_path / "models", "top", FAKE_CLASSIFIER)
    labels = tmp_path / "names.txt"
    labels.write_text("ant\nbee\ncat\ndog\n")
    assert (
        run("init", model, "--labels", labels, "--out", tmp_path / "new", "--name", "pets")[0] == 0
    )
    plan = load_ladder(tmp_path / "new")
    assert (plan.name, plan.labels) == ("pets", ("ant", "bee", "cat", "dog"))


def test_init_writes_what_differs_beside_each_variant(tmp_path: Path, run: Any) -> None:
    quantised = {
        "inputs": [
            {
                "name": "image",
                "shape": [1, 16, 16, 3],
                "dtype": "uint8",
                "scale": 1 / 128,
                "zero_point": 128,
            }
        ]
    }
    models = [
        write_fake(tmp_path, "a", {**FAKE_CLASSIFIER, "values": [[0] * 99]}),
        write_fake(tmp_path, "b", {**FAKE_CLASSIFIER, **quantised}),
    ]
    assert run("init", *models)[0] == 0
    a, b = load_ladder(tmp_path).variants
    assert a.input is not None
    assert b.input is not None
    assert (a.input.size, a.input.layout, a.input.dtype) == ((8, 8), "NCHW", "float32")
    assert (b.input.size, b.input.layout, b.input.dtype) == ((16, 16), "NHWC", "uint8")
    # -1..1, as the quantised file says; the float one, which cannot tell, follows it
    assert b.input.scale == pytest.approx(127.5, rel=0.01)
    assert b.input.mean == pytest.approx((1.0,), rel=0.01)
    assert (a.input.scale, a.input.mean) == (b.input.scale, b.input.mean)
    assert run("check", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("outputs", "task", "decoder"),
    [
        ([[1, 84, 8400]], "detect", "yolov8"),
        ([[1, 25200, 85]], "detect", "yolov5"),
        ([[1, 8400, 85]], "detect", "yolox"),
        ([[1, 10, 4], [1, 10], [1, 10], [1]], "detect", "ssd"),
        ([[1, 100, 4], [1, 100, 20]], "detect", "boxes"),
        ([[-1, 1000]], "classify", "logits"),
        ([[1, 1000, 1, 1]], "classify", "logits"),
        ([[1, 3, 640, 640]], "tensor", None),
    ],
)
def test_init_guesses_the_task_from_the_outputs(
    tmp_path: Path, run: Any, outputs: list[list[int]], task: str, decoder: str | None
) -> None:
    told = {
        "inputs": [{"name": "images", "shape": [1, 3, 640, 640]}],
        "outputs": [{"shape": shape} for shape in outputs],
    }
    assert run("init", write_fake(tmp_path, "net", told))[0] == 0
    plan = load_ladder(tmp_path)
    assert plan.task == task
    output = plan.variants[0].output
    assert (output.decoder if output else None) == decoder


def test_init_of_models_that_differ_in_kind_wants_to_be_told(tmp_path: Path, run: Any) -> None:
    models = [
        write_fake(tmp_path, "a", FAKE_CLASSIFIER),
        write_fake(tmp_path, "b", {**FAKE_CLASSIFIER, "inputs": [{"shape": [1, 7]}]}),
    ]
    code, _, err = run("init", *models)
    assert (code, "say --task" in err) == (2, True)
    assert run("init", *models, "--task", "tensor")[0] == 0


def test_golden_answers_survive_a_round_trip_through_check(tmp_path: Path, run: Any) -> None:
    file = classifier_ladder(tmp_path, top={}, small={})
    run("golden", tmp_path)
    file.write_text(file.read_text() + "golden: {file: golden.npz}\n")
    with np.load(tmp_path / "golden.npz") as stored:
        arrays = dict(stored)
    arrays["small.0"] = arrays["small.0"] + 1
    save: Any = np.savez
    save(tmp_path / "golden.npz", **arrays)
    code, out, _ = run("check", tmp_path)
    assert code == 11
    assert "small: NOT USABLE: cannot use 'small': cannot trust output 'scores'" in out
