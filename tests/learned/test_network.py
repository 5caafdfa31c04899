from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from edgerund.checksum import file_sha256
from edgerund.errors import EngineError
from edgerund.learned.network import Adviser, Network, proposal
from edgerund.policy.learned import Question, proposed, width
from edgerund.types import Proposal
from edgerund.types.policy import LearnedTerms
from tests.engines.onnx_bytes import linear, model, node, value
from tests.learned.networks import answers_nan, best_allowed, likes, takes_long

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed"
)
NAMES = ("top", "mid", "low")
SEEN = (0.5,) * width(3)


def test_a_network_scores_the_variants(tmp_path: Path) -> None:
    network = Network(likes(tmp_path / "p.onnx", 1, 3))
    assert network.variants == 3
    assert list(network.scores(SEEN)) == [0.0, 1.0, 0.0]
    assert proposal(network, Question(NAMES, SEEN)) == Proposal("mid")


def test_a_network_for_another_ladder_says_what_it_takes(tmp_path: Path) -> None:
    network = Network(likes(tmp_path / "p.onnx", 1, 4))
    said = proposal(network, Question(NAMES, SEEN))
    assert said.variant is None
    assert "for 3 variants: it takes 25 numbers and scores 4; 3 variants need 20 and 3" in (
        said.trouble
    )
    with pytest.raises(EngineError, match="for 3 variants"):
        Adviser(LearnedTerms(str(tmp_path / "p.onnx")))({"m": Question(NAMES, SEEN)})


def test_scores_that_are_no_numbers_are_no_proposal(tmp_path: Path) -> None:
    said = proposal(Network(answers_nan(tmp_path / "p.onnx", 3)), Question(NAMES, SEEN))
    assert said == Proposal(None, "its scores are not numbers")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([1.0, 2.0], Proposal(None, "it scores 2 variants, this ladder has 3")),
        ([1.0, float("inf"), 0.0], Proposal(None, "its scores are not numbers")),
        ([1.0, 2.0, 2.0], Proposal("mid")),
    ],
)
def test_the_highest_score_is_the_proposal_if_it_can_be_told(
    scores: list[float], said: Proposal
) -> None:
    assert proposed(NAMES, scores) == said


@pytest.mark.parametrize("size", [0, 10])
def test_a_broken_file_and_a_missing_one_are_told(tmp_path: Path, size: int) -> None:
    path = likes(tmp_path / "p.onnx", 0, 3)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(EngineError, match=r"cannot load p\.onnx"):
        Network(path)
    path.unlink()
    with pytest.raises(EngineError, match="cannot read the policy network"):
        Network(path)


def test_another_file_than_the_policy_was_read_with_is_told(tmp_path: Path) -> None:
    sha256 = file_sha256(likes(tmp_path / "p.onnx", 0, 3))
    Network(tmp_path / "p.onnx", sha256)
    likes(tmp_path / "p.onnx", 1, 3)
    with pytest.raises(EngineError, match="it is another file than the policy was read with"):
        Network(tmp_path / "p.onnx", sha256)


@pytest.mark.parametrize(
    ("width_", "scores", "part"),
    [
        ([1, 20], [1, 4], "4 variants need 25 and 4"),
        ([1, 21], [1, 21], "21 variants need 110 and 21"),
        ([1, 1, 20], [1, 1, 3], "one float32 input of shape"),
        ([20], [3], "one float32 input of shape"),
        ([2, 20], [2, 3], "one float32 input of shape"),
    ],
)
def test_another_form_is_told(
    tmp_path: Path, width_: list[int], scores: list[int], part: str
) -> None:
    path = tmp_path / "p.onnx"
    weights = np.zeros((width_[-1], scores[-1]), np.float32)
    path.write_bytes(
        model(
            [node("MatMul", ["seen", "w"], ["scores"])],
            [value("seen", width_)],
            [value("scores", scores)],
            {"w": weights},
        )
    )
    with pytest.raises(EngineError, match=part):
        Network(path)


def test_a_picture_network_is_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "p.onnx"
    path.write_bytes(linear(np.zeros((48, 3), np.float32), np.zeros(3, np.float32)))
    with pytest.raises(EngineError, match="as a policy: it must take one float32 input"):
        Network(path)


def test_the_other_networks_of_these_tests_load(tmp_path: Path) -> None:
    assert Network(best_allowed(tmp_path / "a.onnx", 3)).variants == 3
    assert list(Network(takes_long(tmp_path / "b.onnx", 3, 8)).scores(SEEN)) == [0.0] * 3
