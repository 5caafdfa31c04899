from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgerund.config.card import CardFile, read_card
from edgerund.config.ladder import read_ladder
from edgerund.errors import UsageError
from edgerund.profile.cards import card_of, card_text, write_card
from edgerund.profile.figures import Energy, Figures, Latency, Measured
from edgerund.profile.ladder_file import drop_variants, write_cards

SHA, OTHER = "a1" * 32, "b2" * 32
ESTIMATE = Energy(reason="no power rail", estimate_mj=1.25, formula="estimate: 1.25 ms x 1 W")


def figures(**more: Any) -> Figures:
    usual: dict[str, Any] = {
        "name": "int8",
        "backend": "onnxruntime",
        "runtime": "onnxruntime 1.20",
        "latencies": (
            Latency(1, 1.23456, 2.0, 1.1, 1.3, 500, 7, 50, 0.01, 1.0, 1.25, "onnxruntime"),
            Latency(2, 0.8, 1.5, 0.7, 0.9, 500, 9, 50, 0.02, 1.0, 1.6, "onnxruntime"),
        ),
        "load_ms": 40.0,
        "warmup_ms": 4.0,
        "memory_bytes": 5_000_000,
        "peak_bytes": 6_000_000,
        "energy": ESTIMATE,
        "file_bytes": 1000,
        "sha256": SHA,
    }
    return Figures(**{**usual, **more})


def measured(device: str = "this board") -> Measured:
    return Measured("tiny", device, (), measured_at="2026-01-02T03:04+00:00")


def test_a_card_is_written_and_read_again(tmp_path: Path) -> None:
    told = figures(
        accuracy=0.93456, metric="top1", images=100, dataset="drawn", agreement=0.99,
        agreement_with="fp16", robust={"noise 3": 0.5}, robust_images=40, dominated_by="small",
        extra={"escalated_1": 0.25},
    )  # fmt: skip
    card = card_of(told, measured(), how=("made",), made_by="a tool", facts={"macs": 7, "x": 1})
    write_card(tmp_path / "cards" / "int8.yaml", card)
    again = read_card(tmp_path / "cards" / "int8.yaml")
    assert again == card
    assert (again.accuracy, again.latency_ms, again.latency_p99_ms) == (0.9346, 1.235, 2.0)
    assert [t.threads for t in again.timings] == [1, 2]
    assert again.robust == {"noise 3": 0.5}
    assert again.dominated_by == "small"
    assert (again.macs, again.how, again.extra) == (7, ["made"], {"escalated_1": 0.25})
    assert again.measured_at == "2026-01-02"
    assert [p.name for p in (tmp_path / "cards").iterdir()] == ["int8.yaml"]


def test_an_estimate_is_never_what_the_controller_reads() -> None:
    card = card_of(figures(), measured())
    text = card_text(card)
    assert "energy_mj: not measured" in text
    assert card.energy_estimate_mj == 1.25
    assert "not measured: no power rail" in (card.energy_note or "")
    assert card.figures().energy_mj is None
    assert CardFile.model_validate(yaml.safe_load(text)).figures().energy_mj is None


def test_what_was_not_measured_now_stays() -> None:
    before = CardFile(
        accuracy=0.9, metric="top1", images=50, energy_mj=3.0, energy_source="VDD_IN", params=9,
        how="long ago", device="this board", sha256=SHA, latency_ms=9.0,
    )  # fmt: skip
    card = card_of(figures(), measured(), before)
    assert (card.accuracy, card.images, card.params, card.how) == (0.9, 50, 9, "long ago")
    assert (card.energy_mj, card.energy_source) == (3.0, "VDD_IN")
    assert card.energy_estimate_mj is None
    assert card.latency_ms == 1.235


def test_figures_of_another_board_or_file_do_not_stay() -> None:
    before = CardFile(
        accuracy=0.9, energy_mj=3.0, device="another", sha256=SHA, params=9, dominated_by="x"
    )
    moved = card_of(figures(), measured(), before)
    assert (moved.accuracy, moved.energy_mj, moved.params) == (0.9, None, 9)
    assert moved.device == "this board"
    assert moved.dominated_by is None
    changed = card_of(figures(sha256=OTHER), measured("another"), before)
    assert (changed.accuracy, changed.energy_mj, changed.params) == (None, None, None)


def test_a_variant_that_is_no_longer_dominated_loses_the_mark() -> None:
    before = CardFile(dominated_by="old", sha256=SHA, device="this board")
    assert card_of(figures(), measured(), before).dominated_by is None
    assert card_of(figures(latencies=()), measured(), before).dominated_by == "old"


LADDER = """\
# the ladder's own comment
ladder: tiny
task: tensor
variants:
  # the best one
  - name: top     # by far
    file: top.fake
    card: cards/top.yaml

  - {name: middle, file: middle.fake}
  - name: low
    file: low.fake
    card:
      accuracy: 0.5
# the end
golden_is: elsewhere
"""


def folder_of(tmp_path: Path) -> Path:
    for name in ("top", "middle", "low"):
        (tmp_path / f"{name}.fake").write_text("{}")
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/top.yaml").write_text("how: by hand\n")
    file = tmp_path / "ladder.yaml"
    file.write_text(LADDER.replace("golden_is: elsewhere\n", ""))
    return file


def test_dropping_a_variant_leaves_everything_else_as_it_was(tmp_path: Path) -> None:
    file = folder_of(tmp_path)
    drop_variants(file, ["middle"])
    text = file.read_text()
    assert "middle" not in text
    for kept in ("# the ladder's own comment", "# the best one", "# by far", "# the end"):
        assert kept in text
    drop_variants(file, ["low"])
    plan = read_ladder(file).plan
    assert plan is not None
    assert [v.name for v in plan.variants] == ["top"]
    with pytest.raises(UsageError, match="every variant"):
        drop_variants(file, ["top"])


def test_a_list_in_one_line_is_not_torn_apart(tmp_path: Path) -> None:
    file = folder_of(tmp_path)
    one_line = "ladder: t\ntask: tensor\nvariants: [{name: top, file: top.fake}, {name: low, file: low.fake}]\n"
    file.write_text(one_line)
    with pytest.raises(UsageError, match="by hand"):
        drop_variants(file, ["low"])
    assert file.read_text() == one_line


def test_cards_go_where_the_ladder_names_them(tmp_path: Path) -> None:
    reading = read_ladder(folder_of(tmp_path))
    told = Measured(
        "tiny", "this board",
        (figures(name="top"), figures(name="middle"), figures(name="low", latencies=(), failed="it crashed")),
        measured_at="2026-01-02T03:04+00:00",
    )  # fmt: skip
    lines = write_cards(reading, told)
    assert read_card(tmp_path / "cards/top.yaml").how == "by hand"
    assert read_card(tmp_path / "cards/top.yaml").latency_ms == 1.235
    assert lines[0] == "top: wrote cards/top.yaml"
    assert "add to the variant" in lines[1]
    assert lines[2] == "low: its card stays as it was: it crashed"
