from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgerund.cli import main
from edgerund.config.card import read_card
from edgerund.config.ladder import read_ladder
from tests.profile.ladders import fake_ladder
from tests.shared_data import shared

FAST = ["--rounds", "3", "--energy-seconds", "0", "--no-robust"]


def data(folder: Path) -> Path:
    import numpy as np

    file = folder / "set.npz"
    frames = np.random.default_rng(0).integers(0, 255, (12, 4, 4, 3)).astype(np.uint8)
    np.savez(file, images=frames, labels=np.arange(12) % 4)
    return file


def test_a_ladder_is_measured_written_and_thinned_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_ladder(
        tmp_path,
        best={"answer": "values", "values": [[0, 1, 0, 0]]},
        worse={"answer": "values", "values": [[0, 1, 0, 0]], "latency_ms": 20, "allocate_mb": 8},
        broken={"fail_load": "it is broken"},
    )
    arguments = ["profile", str(tmp_path), "--data", str(data(tmp_path)), *FAST, "--write"]
    assert main([*arguments, "--drop-dominated", "--device", "a bench"]) == 0
    out = capsys.readouterr().out
    assert "25.00%" in out
    assert "broken: NOT MEASURED: cannot load broken.fake: it is broken" in out
    assert "worse: dominated by best" in out
    card = read_card(tmp_path / "cards/best.yaml")
    assert card.accuracy == 0.25
    assert card.device == "a bench"
    assert read_card(tmp_path / "cards/worse.yaml").dominated_by == "best"
    plan = read_ladder(tmp_path).plan
    assert plan is not None
    assert [v.name for v in plan.variants] == ["best", "broken"]


def test_json_is_json_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_ladder(tmp_path, one={}, two={"seed": 1})
    before = sorted(p.name for p in tmp_path.iterdir())
    assert (
        main(["profile", str(tmp_path), "--only", "two", "--json", *FAST, "--threads", "1,2"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in told["figures"]] == ["two"]
    assert [one["threads"] for one in told["figures"][0]["latencies"]] == [1, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_ladder_of_which_nothing_can_be_measured_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_ladder(tmp_path, one={"fail_load": "no"})
    assert main(["profile", str(tmp_path), *FAST]) == 11
    assert "cannot measure any variant" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--threads", "one"], 2, "--threads"),
        (["--threads", "0"], 2, "above 0"),
        (["--drop-dominated"], 2, "without --write"),
        (["--only", "nobody"], 2, "'nobody'"),
        (["--data", "nowhere"], 2, "there is no nowhere"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: list[str], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_ladder(tmp_path, one={})
    assert main(["profile", str(tmp_path), *arguments]) == code
    assert says in capsys.readouterr().err


def test_int8_is_measured_and_never_assumed_to_be_faster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real pair of which the quantised one is the slower: which one that is on this machine, the figures say."""
    pytest.importorskip("ai_edge_litert")
    names = {
        "float": "mobilenet_v1_0.25_224_1_default_1.tflite",
        "int8": "mobilenet_v1_0.25_224_quant.tflite",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(shared(f"models/{name}").read_bytes())
    lines = ["ladder: pair", "task: classify", "variants:"]
    for variant, name in names.items():
        dtype = "uint8" if variant == "int8" else "float32"
        how = f"{{size: 224, layout: NHWC, dtype: {dtype}, scale: 127.5, mean: 1.0}}"
        lines += [f"  - name: {variant}", f"    file: {name}", f"    input: {how}"]
    (tmp_path / "ladder.yaml").write_text("\n".join(lines) + "\n")
    arguments = [
        "profile",
        str(tmp_path),
        "--data",
        str(shared("images")),
        "--json",
        *FAST,
        "--write",
    ]
    assert main(arguments) == 0
    by_name = {f["name"]: f for f in json.loads(capsys.readouterr().out)["figures"]}
    first, second = by_name["float"], by_name["int8"]
    assert second["agreement_with"] == "float"
    assert second["agreement"] >= 0.5
    slower = second["latencies"][0]["p50_ms"] >= first["latencies"][0]["p50_ms"]
    larger = second["memory_bytes"] // (512 * 1024) >= first["memory_bytes"] // (512 * 1024)
    if slower and second["agreement"] < 1:
        assert (second["dominated_by"] == "float") == larger
    assert first["dominated_by"] in (None, "int8")
    assert first["dominated_by"] is None or not slower
    assert read_card(tmp_path / "cards/int8.yaml").latency_ms is not None
