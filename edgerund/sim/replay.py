"""Decides again what a device recorded: byte for byte under the same policy, with a comparison under another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edgerund.observe.codec import dump_decisions
from edgerund.policy.learned import Advise, Question, advised
from edgerund.policy.state import State
from edgerund.sim.controllers import adviser_of
from edgerund.sim.networks import Networks
from edgerund.sim.otherwise import Otherwise
from edgerund.sim.recording import Tick
from edgerund.types import Decision, LadderState, Proposal, Reading, Snapshot
from edgerund.types.policy import PolicyPlan

MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """From this tick on, one ladder is decided differently in this way."""

    at_s: float
    ladder: str
    recorded: str
    now: str
    why: str


@dataclass(slots=True)
class Tally:
    """One side of the comparison. ``energy_wh`` is that of the models by their cards, above idle."""

    frames: float = 0.0
    worth: float = 0.0
    energy_wh: float = 0.0
    swaps: int = 0
    over_limit_s: float = 0.0
    live: dict[str, str] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """Mean card accuracy over all frames; None without frames or figures."""
        return self.worth / self.frames if self.frames else None

    def add(self, ladder: LadderState, variant: str, dt_s: float) -> None:
        """``variant`` served what this ladder was asked for in ``dt_s``."""
        frames = (ladder.serving.rate_hz if ladder.serving.window_s else 0.0) * dt_s
        card = next((v.card for v in ladder.variants if v.name == variant), None)
        if card is not None and card.accuracy is not None:
            self.frames += frames
            self.worth += frames * card.accuracy
        if card is not None and card.energy_mj is not None:
            self.energy_wh += frames * card.energy_mj / 3.6e6
        self.swaps += self.live.get(ladder.name, variant) != variant
        self.live[ladder.name] = variant

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        data = asdict(self)
        del data["live"], data["worth"]
        return {"accuracy": self.accuracy, **data}


@dataclass(slots=True)
class Replay:
    """What came out. ``identical`` counts ticks whose decisions are the recorded ones, byte for byte.

    ``networks`` tells whether the networks of the policies would still propose what they did.
    """

    ticks: int = 0
    identical: int = 0
    restarts: int = 0
    recorded: Tally = field(default_factory=Tally)
    now: Tally = field(default_factory=Tally)
    differences: list[Difference] = field(default_factory=list)
    parted: dict[str, tuple[str, str]] = field(default_factory=dict)
    different: int = 0
    first_mismatch_s: float | None = None
    networks: Networks = field(default_factory=Networks)

    def compare(self, now_s: float, recorded: Decision, now: Decision) -> None:
        """Note where the two part, and where they part in another way."""
        pair = (recorded.variant, now.variant)
        if pair[0] == pair[1]:
            self.parted.pop(now.ladder, None)
            return
        self.different += 1
        if self.parted.get(now.ladder) != pair and len(self.differences) < MOST_DIFFERENCES:
            self.differences.append(Difference(now_s, now.ladder, *pair, now.reason.text))
        self.parted[now.ladder] = pair


def replay(ticks: Iterable[Tick], plan: PolicyPlan, *, as_recorded: bool = False) -> Replay:
    """Decide every tick again, on exactly what was recorded; ``as_recorded``: under the policy of each head.

    What a learned policy proposed then counts again. Its network is asked once more where it is still there.
    """
    result, state = Replay(), State()
    before_s: float | None = None
    for tick in ticks:
        if tick.begins:
            state, before_s = tick.state, None
            plan = tick.plan if as_recorded and tick.plan is not None else plan
            result.restarts += result.ticks > 0
        advise = _as_recorded(tick, plan, result.networks)
        state, decisions = advised(plan, state, tick.snapshot, advise)
        before_s = _account(result, plan, tick, tick.snapshot, decisions, before_s)
    return result


def _as_recorded(tick: Tick, plan: PolicyPlan, networks: Networks) -> Advise:
    said = {name: d.proposal for name, d in tick.decisions.items() if d.proposal is not None}

    def advise(asked: Mapping[str, Question]) -> Mapping[str, Proposal]:
        if plan.learned is not None:
            networks.compare(plan.learned, asked, said)
        return said

    return advise


def replay_otherwise(ticks: Iterable[Tick], plan: PolicyPlan) -> Replay:
    """Decide every tick under another policy, on what the device would have seen (``Otherwise``: an estimate).

    Raises:
        EngineError, PluginError: the network of that policy cannot be used.
    """
    result, state = Replay(), State()
    other, advise = Otherwise(plan), adviser_of(plan)
    before_s: float | None = None
    for tick in ticks:
        if tick.begins:
            state, before_s, other = State(), None, Otherwise(plan)
            result.restarts += result.ticks > 0
        seen = other.see(tick)
        state, decisions = advised(plan, state, seen, advise)
        other.chosen(decisions)
        before_s = _account(result, plan, tick, seen, decisions, before_s)
    return result


def _account(
    result: Replay,
    plan: PolicyPlan,
    tick: Tick,
    seen: Snapshot,
    decisions: Mapping[str, Decision],
    before_s: float | None,
) -> float:
    now_s = tick.snapshot.now_s
    dt_s = 0.0 if before_s is None else max(0.0, now_s - before_s)
    result.ticks += 1
    if dump_decisions(decisions) == dump_decisions(tick.decisions):
        result.identical += 1
    elif result.first_mismatch_s is None:
        result.first_mismatch_s = now_s
    for name, ladder in tick.snapshot.ladders.items():
        recorded, now = tick.decisions.get(name), decisions.get(name)
        if recorded is None or now is None:
            continue
        result.recorded.add(ladder, recorded.variant, dt_s)
        result.now.add(ladder, now.variant, dt_s)
        result.compare(now_s, recorded, now)
    if plan.temp is not None:
        for tally, snapshot in ((result.recorded, tick.snapshot), (result.now, seen)):
            temp = snapshot.senses.get(plan.temp.sense)
            if isinstance(temp, Reading) and temp.value > plan.temp.max_c:
                tally.over_limit_s += dt_s
    return now_s
