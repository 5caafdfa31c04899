"""How long one decision takes, and what that is of one core at 1 Hz.

    python tools/bench_decide.py [--variants 8] [--ladders 3] [--ticks 2000]

Every limit is on, the thermometer moves, and the ladders share one power budget that binds, which is the slow case.
"""

from __future__ import annotations

import argparse
import math
import time

from edgerund.policy import decide, initial
from edgerund.types import Card, LadderState, Reading, ServingFigures, Snapshot, VariantState
from edgerund.types.policy import (
    BatteryLimit,
    LadderTerms,
    LatencyLimit,
    MemoryLimit,
    PolicyPlan,
    PowerLimit,
    TempLimit,
)


def main() -> int:
    """Print percentiles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, default=8)
    parser.add_argument("--ladders", type=int, default=3)
    parser.add_argument("--ticks", type=int, default=2000)
    args = parser.parse_args()
    wall, cpu = measure(args.variants, args.ladders, args.ticks)
    wall.sort()
    cpu.sort()
    print(
        f"{args.variants} variants x {args.ladders} ladders, {args.ticks} decisions:"
        f" wall p50 {1e3 * wall[len(wall) // 2]:.3f} ms, p99 {1e3 * wall[int(0.99 * len(wall))]:.3f} ms;"
        f" processor p50 {1e3 * cpu[len(cpu) // 2]:.3f} ms, p99 {1e3 * cpu[int(0.99 * len(cpu))]:.3f} ms,"
        f" which at 1 Hz is {100 * sum(cpu) / len(cpu):.3f} % of one core"
    )
    return 0


def measure(variants: int, ladders: int, ticks: int) -> tuple[list[float], list[float]]:
    """Seconds that each decision took: on the wall (neighbours included), and of the processor."""
    names = [f"ladder{i}" for i in range(ladders)]
    policy = PolicyPlan(
        "bench",
        latency=LatencyLimit(100.0),
        temp=TempLimit(80.0),
        power=PowerLimit(4000.0 + 3000.0 * ladders),
        battery=BatteryLimit(10.0, 36_000.0),
        memory=MemoryLimit(100_000_000),
        ladders={name: LadderTerms(weight=1.0 + i) for i, name in enumerate(names)},
    )
    steps = tuple(
        VariantState(
            f"v{i}",
            Card(0.95 - 0.03 * i, 40.0 * 0.75**i, 60.0 * 0.75**i, 250.0 * 0.75**i, 1 << 28, 500.0),
            resident=True,
        )
        for i in range(variants)
    )
    state = initial(policy)
    lives = dict.fromkeys(names, steps[-1].name)
    cards = {v.name: v.card for v in steps}
    wall: list[float] = []
    cpu: list[float] = []
    for tick in range(ticks):
        load = sum(20.0 * (cards[v].energy_mj or 0.0) for v in lives.values())
        snapshot = Snapshot(
            float(tick),
            0.0,
            _senses(3000.0 + load, 65.0 + 12.0 * math.sin(tick / 90.0)),
            {
                n: LadderState(n, steps, v, 0.0, None, _serving(v, cards[v]))
                for n, v in lives.items()
            },
        )
        began, began_cpu = time.perf_counter(), time.thread_time()
        state, decisions = decide(policy, state, snapshot)
        cpu.append(time.thread_time() - began_cpu)
        wall.append(time.perf_counter() - began)
        lives = {name: d.variant for name, d in decisions.items()}
    return wall, cpu


def _senses(power_mw: float, temp_c: float) -> dict[str, Reading]:
    values = {
        "temp_c": temp_c,
        "power_mw": power_mw,
        "battery_percent": 80.0,
        "battery_energy_mwh": 90_000.0,
        "memory_available_bytes": 2e9,
    }
    return {name: Reading(name, value, "", 0.1, "bench") for name, value in values.items()}


def _serving(variant: str, card: Card) -> ServingFigures:
    ms = card.latency_ms or 1.0
    return ServingFigures(
        variant,
        1.0,
        20,
        infer_ms_mean=ms,
        infer_ms_p50=ms,
        latency_ms_p50=ms,
        latency_ms_p99=1.2 * ms,
    )


if __name__ == "__main__":
    raise SystemExit(main())
