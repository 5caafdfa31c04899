"""A daemon with a ladder that the factory made, a cascade among its variants: swaps, shares, quarantine."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from edgerund.cli.status import render
from edgerund.client import Client
from edgerund.errors import ControlError
from tests.build import nets
from tests.build.beds import frames_of
from tests.build.cascade.bed import build
from tests.daemon.clients import expected_answers
from tests.daemon.conftest import Running, Start
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bed"))


def pin(daemon: Running, variant: str) -> None:
    daemon.control.call("pin", ladder="toy", variant=variant)
    daemon.wait_until_live(variant, "toy")


def quarantined(daemon: Running) -> dict[str, str | None]:
    return {v["name"]: v["quarantined"] for v in daemon.status("toy")["variants"]}


def test_it_is_swapped_to_and_from_and_says_how_often_it_escalates(
    start: Start, built: Path
) -> None:
    frames = frames_of(nets.pictures(40, seed=3))
    expected = expected_answers(built, frames)
    daemon = start({"ladders": [{"path": str(built)}]})
    with Client("toy", runtime_dir=daemon.runtime_dir) as client:
        for variant in ("both", "slow", "both", "quick", "aside"):
            pin(daemon, variant)
            for i, frame in enumerate(frames):
                answer = client.infer(frame)
                assert answer.variant == variant
                assert answer.result["classes"] == expected[variant, i]["classes"]

    def counted() -> dict[str, int]:
        told = {v["name"]: v["counters"] for v in daemon.status("toy")["variants"]}
        return dict(told["both"]) if told["aside"].get("frames") == 40 else {}

    both = wait_for(counted, what="counters")
    assert both["frames"] == 80
    assert 0 < both["escalated_1"] < 80
    share = 100 * both["escalated_1"] / both["frames"]
    said = render(daemon.control.call("status"))
    assert f"{share:.0f} % escalated" in said


def test_a_damaged_member_quarantines_the_cascade_and_what_else_is_made_of_it(
    start: Start, built: Path, tmp_path: Path
) -> None:
    ladder = shutil.copytree(built, tmp_path / "ladder")
    member = ladder / "unused.onnx"  # of "aside" alone
    member.write_bytes(member.read_bytes()[:-1] + b"\0")
    daemon = start({"ladders": [{"path": str(ladder)}]})
    with contextlib.suppress(
        ControlError
    ):  # quarantined already, where all were loaded at the start
        daemon.control.call("pin", ladder="toy", variant="aside")
    reason = wait_for(lambda: quarantined(daemon)["aside"], what="quarantine")
    assert "the sha256 of unused.onnx is" in str(reason)
    with pytest.raises(ControlError, match="quarantined"):
        daemon.control.call("pin", ladder="toy", variant="aside")
    pin(daemon, "both")


def test_a_cascade_that_answers_otherwise_than_when_it_was_made_isquarantined(
    start: Start, built: Path, tmp_path: Path
) -> None:
    ladder = shutil.copytree(built, tmp_path / "ladder")
    with np.load(ladder / "golden.npz") as stored:
        golden = {name: stored[name] for name in stored.files}
    golden["both.0"] = golden["both.0"] + 50
    np.savez(ladder / "golden.npz", **golden)
    daemon = start({"ladders": [{"path": str(ladder)}]})
    reason = wait_for(lambda: quarantined(daemon)["both"], what="quarantine")
    assert "golden" in str(reason)
