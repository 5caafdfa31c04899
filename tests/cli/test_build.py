from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgerund.cli import main
from tests.build.beds import write_bed, write_model, write_pictures

ROOT = Path(__file__).resolve().parents[2]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_base_install_says_which_extra_is_missing() -> None:
    done = python(
        "import sys; sys.modules['onnx'] = None\n"
        "from edgerund.cli import main\n"
        "sys.exit(main(['build', 'recipe.yaml']))"
    )
    assert done.returncode == 12
    assert "cannot build without onnx: install the extra build" in done.stderr


def test_help_and_schema_need_no_library() -> None:
    done = python(
        "import sys\n"
        "for name in ('onnx', 'onnxruntime', 'torch', 'optuna', 'matplotlib'): sys.modules[name] = None\n"
        "from edgerund.cli import main\n"
        "main(['build', '--schema'])\n"
        "main(['build', '--help'])"
    )
    assert done.returncode == 0, done.stderr
    schema, end = json.JSONDecoder().raw_decode(done.stdout)
    assert schema["title"] == "edgerund recipe"
    assert "--calibration DIR" in done.stdout[end:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a recipe, or --onnx MODEL with --calibration DIR"),
        (["r.yaml", "--onnx", "m.onnx"], "give a recipe, or --onnx"),
        (["--onnx", "m.onnx"], "--calibration DIR says what it will see"),
        (["r.yaml", "--jobs", "0"], "--jobs and --seconds must be above 0"),
        (["r.yaml", "--seconds", "0"], "--jobs and --seconds must be above 0"),
        (["RECIPE", "--adopt", "float"], "write --adopt STAGE=FILE"),
        (["RECIPE", "--adopt", "nobody=x"], "the stages are float, fp16, int8, shared"),
        (["RECIPE", "--adopt", "float=nothing.onnx"], "there is no such file"),
    ],
)
def test_what_makes_no_sense_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    if "RECIPE" in arguments:
        arguments[arguments.index("RECIPE")] = str(write_bed(tmp_path, count=2))
    assert main(["build", *arguments, "--store", str(tmp_path / "store")]) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_prints_the_plan_and_makes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_bed(tmp_path, count=4)
    out, store = tmp_path / "out", tmp_path / "store"
    command = ["build", str(recipe), "--out", str(out), "--store", str(store), "--dry-run"]
    assert main(command) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["stage", "technique", "from", "state"]
    assert told[2].split() == ["fp16", "fp16", "float", "to", "do"]
    assert told[-1] == "4 stages: 0 there, 4 to do"
    assert not out.exists()
    assert list(store.glob("entries/*")) == []


def test_a_made_up_recipe_is_written_to_be_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model(tmp_path / "model.onnx")
    pictures = write_pictures(tmp_path / "pictures", 4)
    file = tmp_path / "recipe.yaml"
    command = ["build", "--onnx", str(model), "--calibration", str(pictures)]
    more = ["--recipe-only", str(file), "--scale", "127.5", "--mean", "1", "--size", "12"]
    assert main([*command, *more]) == 0
    assert "scale: 127.5" in file.read_text()
    assert main(["build", str(file), "--dry-run", "--store", str(tmp_path / "store")]) == 0
    capsys.readouterr()
    assert main([*command, *more]) == 2
    assert "it is there already" in capsys.readouterr().err


def test_a_foreign_folder_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_bed(tmp_path, count=2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    command = ["build", str(recipe), "--out", str(out), "--store", str(tmp_path / "store")]
    assert main(command) == 17
    assert "the factory did not make what is in there" in capsys.readouterr().err


def test_clean_lists_what_it_would_remove(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = tmp_path / "entries" / "key"
    (entry / "files").mkdir(parents=True)
    (entry / "files" / "model.onnx").write_bytes(bytes(2_000_000))
    os.utime(entry, (0, 0))
    command = ["build", "--clean", "30", "--store", str(tmp_path)]
    assert main([*command, "--dry-run"]) == 0
    assert "would remove 1 results, 2.0 MB" in capsys.readouterr().out
    assert main(command) == 0
    assert "removed 1 results, 2.0 MB" in capsys.readouterr().out
    assert not entry.exists()
