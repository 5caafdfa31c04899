"""A client says which accuracy it needs: the reply tells whether the variant has it, and the report that it asked."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgerund.types import worker as w
from tests.daemon.ladders import write_ladder
from tests.serve.embedded import Asker, Embedded, embedded
from tests.waiting import wait_for


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    folder = write_ladder(tmp_path / "demo")
    told = yaml.safe_load((folder / "ladder.yaml").read_text())
    for variant, accuracy in zip(told["variants"], (0.93, 0.85, None), strict=True):
        if accuracy is not None:
            card = folder / f"{variant['name']}.yaml"
            card.write_text(yaml.safe_dump({"accuracy": accuracy}))
            variant["card"] = card.name
    (folder / "ladder.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return folder


def ask(e: Embedded, **more: Any) -> dict[str, Any]:
    asker = Asker(e.endpoint)
    asker.send(1, **more)
    wait_for(asker.all_answered, what="answer")
    asker.close()
    return asker.replies["1"][0]


def test_the_reply_says_whether_it_is_met(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("mid", code="temperature", text="too hot")
        assert "accuracy" not in ask(e)
        assert ask(e, min_accuracy=0.85)["accuracy"] == "met"
        missed = ask(e, min_accuracy=0.9)
        assert (missed["accuracy"], missed["reason"]["code"]) == ("missed", "temperature")
        e.serve("low")
        assert ask(e, min_accuracy=0.1)["accuracy"] == "unknown"


def test_also_the_best_variant_gives_a_reason_where_it_is_not_enough(
    ladder: Path, tmp_path: Path
) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
        reply = ask(e, min_accuracy=0.99)
    assert reply["accuracy"] == "missed"
    assert (reply["reason"]["observed"], reply["reason"]["limit"]) == (0.93, 0.99)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "0.9", True, [0.9]])
def test_what_is_no_accuracy_is_refused(ladder: Path, tmp_path: Path, wrong: object) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
        assert ask(e, min_accuracy=wrong)["error"]["code"] == "bad_request"


def test_the_report_carries_the_highest_wish_of_its_window(ladder: Path, tmp_path: Path) -> None:
    with embedded(ladder, tmp_path) as e:
        e.serve("top")
        for wish in (0.5, 0.9, 0.7):
            ask(e, min_accuracy=wish)
        seen = []
        for seq in (1, 2):
            e.tell(w.Ask(seq))
            (report,) = wait_for(partial(e.heard, w.Report, seq=seq), what="figures")
            seen.append(report.figures["accuracy_asked"])
        assert seen == [0.9, None]
