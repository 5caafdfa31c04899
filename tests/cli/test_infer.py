from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgerund.cli import main
from tests.client.conftest import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("run")).start()
    yield daemon
    daemon.kill_all()


def save(path: Path, mode: str = "RGB") -> Path:
    Image.new(mode, (5, 4), 1).save(path)
    return path


def test_answers_are_printed_for_people(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = save(tmp_path / "a.jpg")
    assert main(["infer", str(image), "--runtime-dir", str(daemon.folder), "--top", "1"]) == 0
    head, first = capsys.readouterr().out.splitlines()
    assert head.startswith(f"{image}: v1, ")
    assert head.endswith("because the board is hot")
    assert first == "  0.750 cat [1.0 2.0 30.5 40.0]"


def test_each_kind_of_file_travels_in_its_own_way(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "t.npy", np.full((2, 2), 3, np.float32))
    files = [
        save(tmp_path / "a.jpg"),
        save(tmp_path / "b.png", "L"),
        save(tmp_path / "c.bmp"),
        save(tmp_path / "d.png", "RGBA"),
        tmp_path / "t.npy",
    ]
    arguments = [
        "infer",
        *map(str, files),
        "--endpoint",
        daemon.endpoint,
        "--json",
        "--deadline-ms",
        "5000",
    ]
    assert main(arguments) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [t["file"] for t in told] == [str(f) for f in files]
    assert [t["result"]["encoding"] for t in told] == ["jpeg", "raw", "raw", "raw", "raw"]
    assert [t["result"]["sum"] for t in told] == [0, 20, 20, 20, 12]
    assert told[0]["reason"]["code"] == "temperature"
    assert told[0]["timings"]["total_us"] == 10
    assert told[0]["deadline"] == "met"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_fails_is_told_and_the_rest_goes_on(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY and no more")
    truncated = save(tmp_path / "cut.png")
    truncated.write_bytes(truncated.read_bytes()[:50])
    bad = [tmp_path / "absent.png", tmp_path / "text.png", tmp_path / "bad.npy", truncated]
    good = save(tmp_path / "good.png")
    arguments = ["infer", *map(str, [*bad, good]), "--runtime-dir", str(daemon.folder)]
    assert main([*arguments, "--json"] if as_json else arguments) == 2
    out, err = capsys.readouterr()
    if as_json:
        told = [json.loads(line) for line in out.splitlines()]
        assert [t.get("error", {}).get("exit_code") for t in told] == [2, 2, 2, 2, None]
    else:
        assert [line.startswith("edgerund: cannot ") for line in err.splitlines()] == [True] * 4
        assert f"{good}: v1" in out


def test_no_daemon_ends_it_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = save(tmp_path / "a.png")
    run = ["infer", str(image), str(image), "--runtime-dir", str(tmp_path), "--timeout-s", "0.05"]
    assert main(run) == 13
    assert main([*run, "--ladder", "absent"]) == 16
    assert main([*run, "--top", "0"]) == 2
    assert [line.split()[:2] for line in capsys.readouterr().err.splitlines()] == [
        ["edgerund:", "cannot"]
    ] * 3
