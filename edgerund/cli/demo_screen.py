"""What the demo shows: a live block in a terminal, or a line a second; a summary at the end."""

from __future__ import annotations

import shutil
import statistics
import sys
from dataclasses import dataclass, field
from typing import Any

from edgerund.errors import RequestError
from edgerund.types import LadderPlan
from edgerund.types.policy import PolicyPlan

BAR = 24


@dataclass(slots=True)
class Tally:
    """What one variant did."""

    answered: int = 0
    right: int = 0
    latency_ms: list[float] = field(default_factory=list)


class Screen:
    """Counts and draws. ``live`` redraws a block in place."""

    def __init__(self, plan: LadderPlan, policy: PolicyPlan, *, live: bool) -> None:
        self.errors = 0
        self._plan = plan
        self._limit, self._reserve = limits_of(policy)
        self._live = live
        self._tallies = {v.name: Tally() for v in plan.variants}
        self._swaps: list[str] = []
        self._variant = ""
        self._drawn_lines = 0
        self._said_s = -1.0

    def say(self, text: str) -> None:
        """One line that stays."""
        print(text, flush=True)

    def answered(self, now_s: float, label: str, answer: Any) -> None:
        """Count one answer, and note a swap."""
        tally = self._tallies[answer.variant]
        tally.answered += 1
        tally.right += answer.labels[:1] == (label,)
        tally.latency_ms.append(answer.round_trip_ms)
        if answer.variant != self._variant:
            if self._variant:
                why = answer.reason.text if answer.reason else "every limit is kept again"
                swap = f"{now_s:5.1f} s  {self._variant} -> {answer.variant}: {why}"
                self._swaps.append(swap)
                if not self._live:
                    print(swap, flush=True)
            self._variant = answer.variant

    def failed(self, error: RequestError) -> None:
        """A frame without an answer."""
        self.errors += 1
        self._swaps.append(f"         frame lost: {error}")

    def draw(self, now_s: float, seconds: float, board: Any, ladder: dict[str, Any]) -> None:
        """Show the present state."""
        if not self._live:
            if now_s - self._said_s >= 1.0:
                self._said_s = now_s
                print(self._line(now_s, board, ladder), flush=True)
            return
        lines = self._block(now_s, seconds, board, ladder)
        width = shutil.get_terminal_size().columns
        if self._drawn_lines:
            sys.stdout.write(f"\x1b[{self._drawn_lines}F\x1b[J")
        for line in lines:
            print(line[:width])
        sys.stdout.flush()
        self._drawn_lines = len(lines)

    def _line(self, now_s: float, board: Any, ladder: dict[str, Any]) -> str:
        total, right = self._totals()
        p50 = ladder["serving"].get("latency_ms_p50")
        latency = "-" if p50 is None else f"{p50:.2f} ms"
        return (
            f"{now_s:5.1f} s  {self._variant:<14} accuracy so far {100 * right / max(1, total):5.1f} %  "
            f"latency {latency:>9}  {board.temp_c:5.1f} C  {board.power_mw / 1e3:4.1f} W  "
            f"battery {board.percent:3.0f} %  {board.story}"
        )

    def _block(self, now_s: float, seconds: float, board: Any, ladder: dict[str, Any]) -> list[str]:
        total, right = self._totals()
        reason = (ladder["reason"] or {}).get("text", "")
        lines = [
            "",
            f"  {now_s:4.0f} / {seconds:.0f} s   {board.story}",
            f"  temperature {_bar((board.temp_c - 20) / 80)} {board.temp_c:5.1f} C{self._limit}",
            f"  power       {_bar(board.power_mw / 15e3)} {board.power_mw / 1e3:5.1f} W",
            f"  battery     {_bar(board.percent / 100)} {board.percent:5.0f} %{self._reserve}",
            "",
        ]
        lines += [self._variant_line(v.name, v.card.accuracy) for v in self._plan.variants]
        lines += [
            "",
            f"  {total} frames, {100 * right / max(1, total):.1f} % right, {self.errors} lost",
        ]
        lines += [f"  because {reason}", "", *(f"  {s}" for s in self._swaps[-6:])]
        return lines

    def _variant_line(self, name: str, accuracy: float | None) -> str:
        tally = self._tallies[name]
        mark = ">" if name == self._variant else " "
        recent = statistics.median(tally.latency_ms[-60:]) if tally.latency_ms else None
        return (
            f"  {mark} {name:<16} card {'-' if accuracy is None else f'{100 * accuracy:.2f} %':>8}   "
            f"{'-' if recent is None else f'{recent:.2f} ms':>9}   {tally.answered:5d} answered"
        )

    def _totals(self) -> tuple[int, int]:
        tallies = self._tallies.values()
        return sum(t.answered for t in tallies), sum(t.right for t in tallies)

    def summary(self) -> None:
        """The run in figures."""
        total, _right = self._totals()
        print("\nswaps, each with the reason that the replies carried:")
        for swap in self._swaps or ["  none"]:
            print(f"  {swap}")
        print(
            f"\n{'variant':<16} {'answered':>8} {'right':>8} {'p50':>9} {'p99':>9}  (round trip at the client)"
        )
        for name, t in self._tallies.items():
            if t.answered:
                ordered = sorted(t.latency_ms)
                p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
                share = f"{100 * t.right / t.answered:.1f} %"
                print(
                    f"{name:<16} {t.answered:>8} {share:>8} {statistics.median(ordered):>6.2f} ms {p99:>6.2f} ms"
                )
        print(
            f"\n{total} frames sent, {total} answered, {self.errors} lost"
            if not self.errors
            else f"\n{total + self.errors} frames sent, {total} answered, {self.errors} LOST"
        )


def limits_of(policy: PolicyPlan) -> tuple[str, str]:
    """What the policy says about temperature and charge, to be written behind them; empty where it says nothing."""
    temp = f"   limit {policy.temp.max_c:g} C" if policy.temp is not None else ""
    kept = [
        c.below
        for rule in policy.rules
        for c in rule.when
        if c.sense == "battery_percent" and c.below is not None
    ]
    if policy.battery is not None and policy.battery.reserve_percent > 0.0:
        kept.append(policy.battery.reserve_percent)
    return temp, f"   reserve {max(kept):g} %" if kept else ""


def _bar(share: float) -> str:
    full = max(0, min(BAR, round(share * BAR)))
    return "[" + "#" * full + "." * (BAR - full) + "]"
