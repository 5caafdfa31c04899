"""Train a small network as a policy, by random search in the simulator, and write it as an ONNX file.

    pip install 'edgerund[gym]' onnx
    python learned_policy.py rover.yaml net.onnx --scenario sun-on-case --rounds 40

One set of weights scores every variant from the board's numbers and its own. It is linear, so that it can be read;
put your own network and method in its place. A policy with ``learned: {file: net.onnx}`` runs what comes out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgerund.config.policy import load_policy
from edgerund.policy.learned import BOARD, VARIANT, width
from edgerund.sim import bundled
from edgerund.sim.cards import load_cards
from edgerund.sim.env import SwapEnv
from edgerund.sim.scenario import load_scenario

Weights = NDArray[np.float32]
SPREAD = 0.5
SOME = 6
"""How many of the tried weights each round goes on from."""


def matrix(weights: Weights, variants: int) -> Weights:
    """The weights as one matrix from observation to scores: each variant's own numbers, and board times place."""
    out = np.zeros((width(variants), variants), np.float32)
    for place in range(variants):
        own = len(BOARD) + place * len(VARIANT)
        out[own : own + len(VARIANT), place] = weights[: len(VARIANT)]
        out[: len(BOARD), place] = weights[len(VARIANT) :] * place / variants
    return out


def reward(env: SwapEnv, weights: Weights, variants: int, seed: int) -> float:
    """Mean effective accuracy of one episode."""
    table = matrix(weights, variants)
    seen, _ = env.reset(seed=seed)
    total, steps, over = 0.0, 0, False
    while not over:
        seen, gained, _, over, _ = env.step(int(np.argmax(seen @ table)))
        total, steps = total + gained, steps + 1
    return total / steps


def search(env: SwapEnv, variants: int, rounds: int, tries: int) -> Weights:
    """The cross-entropy method: keep the best of each round, and look around them in the next."""
    rng = np.random.default_rng(0)
    size = len(VARIANT) + len(BOARD)
    mean, spread = np.zeros(size), np.full(size, SPREAD)
    for number in range(rounds):
        tried = [rng.normal(mean, spread).astype(np.float32) for _ in range(tries)]
        scores = [reward(env, weights, variants, number) for weights in tried]
        best = np.array([tried[i] for i in np.argsort(scores)[-SOME:]])
        mean, spread = best.mean(axis=0), best.std(axis=0) + 0.02
        print(f"round {number + 1}: best {max(scores):.4f}, mean {np.mean(scores):.4f}", flush=True)
    return mean.astype(np.float32)


def save(weights: Weights, variants: int, path: Path) -> None:
    """One matrix product: float32 [1, observation] in, float32 [1, variants] out."""
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["seen", "weights"], ["scores"])],
        "policy",
        [helper.make_tensor_value_info("seen", kind, [1, width(variants)])],
        [helper.make_tensor_value_info("scores", kind, [1, variants])],
        [onnx.numpy_helper.from_array(matrix(weights, variants), "weights")],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def main() -> None:
    """Search, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("policy", type=Path, help="the policy whose limits hold")
    parser.add_argument("out", type=Path, help="the ONNX file")
    parser.add_argument("--scenario", action="append", help="may be repeated; default calm")
    parser.add_argument("--ladder", default=bundled.DEFAULT_LADDER)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tries", type=int, default=24, help="per round")
    args = parser.parse_args()
    ladder = load_cards(bundled.cards_path(args.ladder))
    names = args.scenario or ["calm"]
    scenarios = [load_scenario(bundled.scenario_path(name)) for name in names]
    env = SwapEnv(load_policy(args.policy), scenarios, ladder)
    count = len(ladder.variants)
    save(search(env, count, args.rounds, max(SOME, args.tries)), count, args.out)


if __name__ == "__main__":
    main()
