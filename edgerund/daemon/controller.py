"""Senses and serving figures in, decisions out, carried out at once. The loop around the pure ``decide``."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping

from edgerund.clock import Clock
from edgerund.daemon.advisor import Advisor
from edgerund.daemon.ladder_runtime import LadderRuntime
from edgerund.policy.caps import shares
from edgerund.policy.carry import carried, without
from edgerund.policy.decide import initial
from edgerund.policy.explain import sentence
from edgerund.policy.learned import advised
from edgerund.types import Decision, Decisions, Reason, Sense, Snapshot
from edgerund.types.policy import PolicyPlan

log = logging.getLogger("edgerund.controller")


class Controller:
    """Owns the policy and its state. ``before`` is the state that the latest decision began with.

    ``advisor`` asks the network that the policy names, None where it names none.
    """

    def __init__(self, policy: PolicyPlan, clock: Clock) -> None:
        self._clock = clock
        self.policy = policy
        self.advisor = None if policy.learned is None else Advisor(policy.learned, clock)
        self._state = self.before = initial(policy)
        self.snapshot = Snapshot(now_s=clock.monotonic_s(), wall_s=clock.wall_s())
        self.decisions: Decisions = {}
        self.failures = 0
        self.epoch = 0  # moves when the state is not what the last decision left
        self._failing = False

    def replace(
        self, policy: PolicyPlan, replaced: Collection[str] = (), advisor: Advisor | None = None
    ) -> None:
        """Another policy, or other ladders: what is known of the board and of the ladders that stay is kept.

        ``advisor`` has loaded the network of ``policy`` already, where that is another one.
        """
        if policy.learned != self.policy.learned:
            self.close()
            self.advisor = advisor
        if policy != self.policy or replaced:
            state = carried(self.policy, policy, self._state)
            self.policy, self._state = policy, without(state, replaced)
            self.epoch += 1

    def step(self, runtimes: Iterable[LadderRuntime], senses: Mapping[str, Sense]) -> Decisions:
        """Decide for every ladder that has a usable variant, and carry it out."""
        now_s = self._clock.monotonic_s()
        able = {r.plan.name: r for r in runtimes if r.usable()}
        for r in able.values():
            if r.hold is not None and r.hold.until_s is not None and now_s >= r.hold.until_s:
                log.info("%s: hold on %s ended", r.plan.name, r.hold.variant)
                r.hold = None
        self.snapshot = Snapshot(
            now_s=now_s,
            wall_s=self._clock.wall_s(),
            senses=dict(senses),
            ladders={name: r.state() for name, r in able.items()},
        )
        self.before = self._state
        try:
            self._state, self.decisions = advised(
                self.policy, self._state, self.snapshot, self.advisor
            )
        except Exception:  # a mistake in the decision must not end the daemon
            if not self._failing:  # log on the edge: the next tick comes soon
                log.exception(
                    "cannot decide: the cheapest variants serve; the controller starts afresh"
                )
            self._fall_back(able, now_s)
        else:
            if self._failing:
                log.info("the controller decides again")
            self._failing = False
            _carry_out(able, self.decisions)
        return self.decisions

    def close(self) -> None:
        """End the process of the network, if there is one."""
        if self.advisor is not None:
            self.advisor.discard()
            self.advisor = None

    def caps(self) -> dict[str, float]:
        """The share of full speed that each actuator of the policy may have."""
        return shares(self.policy.actuators, self._state.caps.level)

    def fall_back(self, runtimes: Iterable[LadderRuntime]) -> None:
        """The loop around this failed: the cheapest variants serve, and the next step starts afresh."""
        able = {r.plan.name: r for r in runtimes if r.usable()}
        self._fall_back(able, self._clock.monotonic_s())

    def _fall_back(self, able: Mapping[str, LadderRuntime], now_s: float) -> None:
        self._failing = True
        self.failures += 1
        self.epoch += 1
        self._state = initial(self.policy)
        self.decisions = {name: _safest(r, now_s) for name, r in able.items()}
        _carry_out(able, self.decisions)


def _carry_out(able: Mapping[str, LadderRuntime], decisions: Decisions) -> None:
    for name, decision in decisions.items():
        if name in able:
            _log_change(able[name].decision, decision)
            _log_drift(able[name].decision, decision)
            able[name].apply(decision)


def _safest(r: LadderRuntime, now_s: float) -> Decision:
    """The cheapest usable variant, for a tick without a decision."""
    reason = Reason(
        "controller", "the controller failed; the cheapest variant serves until it decides again"
    )
    return Decision(r.plan.name, r.usable()[-1], reason, now_s, voluntary=False)


def _log_change(before: Decision | None, now: Decision) -> None:
    """One line per change, none in between."""
    if before is not None and (before.variant, before.reason.code) == (
        now.variant,
        now.reason.code,
    ):
        return
    log.info("%s: %s: %s", now.ladder, now.variant, now.reason.text)


def _log_drift(before: Decision | None, now: Decision) -> None:
    """One line when a variant ceases to answer like the best one, and one when it does again."""
    was = {a.variant for a in before.agreements if a.drifted} if before is not None else set()
    for one in now.agreements:
        if one.drifted != (one.variant in was):
            say = log.warning if one.drifted else log.info
            say(
                "%s: %s: %s",
                now.ladder,
                "drift" if one.drifted else "drift is over",
                sentence(one, now),
            )
