"""Learned policies: what they are shown, an ONNX file as one, and the shield of constraints around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgerund.errors import EngineError
from edgerund.policy.shield import allowed, shield
from edgerund.ports import LoadOptions
from edgerund.registry import resolve
from edgerund.sim.baselines import deadline_ms, energy_share, value_of
from edgerund.sim.controllers import Decider
from edgerund.types import Decision, LadderState, Snapshot
from edgerund.types.policy import PolicyPlan

BOARD = ("temp_headroom", "power", "energy_share", "busy", "since_swap")
VARIANT = ("accuracy", "latency_share", "power", "allowed", "live")


class Proposer(Protocol):
    """Scores the variants of one ladder from its observation; the highest score is the proposal."""

    def __call__(self, seen: Sequence[float], /) -> Sequence[float]: ...


def observation(
    plan: PolicyPlan, snapshot: Snapshot, ladder: LadderState, decision: Decision, alone: bool
) -> list[float]:
    """``BOARD``, then ``VARIANT`` for each variant, best first; about 0..1 each, -1 where nothing is known.

    temp_headroom: kelvins below the limit / 30; power: W / 20; energy_share: what the mission allows over what is
    drawn, at most 2, / 2; busy: share of time spent inferring; since_swap: seconds / 60, at most 1. latency_share:
    expected inference over the deadline, at most 2, / 2; power of a variant: W above idle / 10.
    """
    temp_c, power_mw = value_of(snapshot, "temp_c"), value_of(snapshot, "power_mw")
    share = energy_share(snapshot, plan)
    serving = ladder.serving
    rate_hz = (
        (serving.answered + serving.refused) / serving.window_s if serving.window_s > 0 else 0.0
    )
    live = next((v.card.latency_ms for v in ladder.variants if v.name == serving.variant), None)
    slow = serving.infer_ms_mean / live if serving.infer_ms_mean and live else 1.0
    asked_ms = deadline_ms(ladder, plan)
    limit_c = None if plan.temp is None else plan.temp.max_c
    seen = [
        -1.0 if temp_c is None or limit_c is None else (limit_c - temp_c) / 30,
        -1.0 if power_mw is None else power_mw / 20_000,
        -1.0 if share is None else min(2.0, share) / 2,
        min(1.0, rate_hz * (serving.infer_ms_mean or 0.0) / 1000),
        min(1.0, (snapshot.now_s - ladder.since_s) / 60),
    ]
    fit = allowed(decision, alone)
    for variant in ladder.variants:
        card = variant.card
        late = (card.latency_ms or 0.0) * slow / asked_ms if asked_ms else 0.0
        seen += [
            -1.0 if card.accuracy is None else card.accuracy,
            min(2.0, late) / 2,
            -1.0 if card.energy_mj is None else card.energy_mj * rate_hz / 10_000,
            float(variant.name in fit),
            float(variant.name == ladder.live),
        ]
    return seen


class Learned(Decider):
    """``decide`` with a proposer inside its constraints."""

    name = "learned"

    def __init__(self, plan: PolicyPlan, propose: Proposer) -> None:
        super().__init__(plan)
        self._propose = propose

    def step(self, snapshot: Snapshot) -> Mapping[str, str]:
        self.decide(snapshot)
        proposals = {}
        for name, decision in self.decisions.items():
            ladder = snapshot.ladders[name]
            alone = len(self.decisions) == 1
            scores = self._propose(observation(self.plan, snapshot, ladder, decision, alone))
            best = max(range(len(ladder.variants)), key=lambda i: scores[i])
            proposals[name] = ladder.variants[best].name
        return self.shielded(snapshot, proposals)

    def shielded(self, snapshot: Snapshot, proposals: Mapping[str, str]) -> Mapping[str, str]:
        """Take these proposals where no constraint stands against them."""
        self.decisions = shield(snapshot, self.decisions, proposals)
        return {name: decision.variant for name, decision in self.decisions.items()}


class OnnxProposer:
    """A policy network: float32 [1, n] in (``observation``), float32 [1, variants] out.

    Raises:
        EngineError: the file cannot be loaded, or has another form.
    """

    def __init__(self, path: Path) -> None:
        backend = resolve("engines", "onnxruntime")()
        self._engine: Any = backend.load(path, LoadOptions(threads=1), lambda _share, _text: None)
        spec = self._engine.spec
        if len(spec.inputs) != 1 or len(spec.inputs[0].shape) != 2:
            raise EngineError(
                f"cannot use {path} as a policy: it must take one input of shape [1, observation]"
            )
        self._path = path
        self._width = spec.inputs[0].shape[1]

    def __call__(self, seen: Sequence[float]) -> Sequence[float]:
        if self._width not in (None, len(seen)):
            raise EngineError(
                f"cannot use {self._path} as a policy here: it takes {self._width} numbers, "
                f"this ladder has {len(seen)}"
            )
        (scores,) = self._engine.infer([np.asarray([seen], dtype=np.float32)])
        row: list[float] = scores[0].tolist()
        return row
