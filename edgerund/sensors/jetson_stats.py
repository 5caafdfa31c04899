"""jetson-stats as an optional second opinion on a Jetson: ``jtop.rail.*``, ``jtop.zone.*``, load and memory.

Its licence is AGPL-3.0: it runs in a helper process, only where the settings name it, and nothing needs it.
"""

from __future__ import annotations

from edgerund.clock import Clock
from edgerund.ports import SysRoot
from edgerund.sensors.child import ChildSensor


class JetsonStats(ChildSensor):
    """Needs ``pip install 'edgerund[jetson]'``, a running ``jtop.service``, and membership in group ``jtop``.

    Args:
        root: not used.
        clock: real time.
        interval_s: how often jtop samples.
        period_s: how often to look at what it sampled.
    """

    module = "edgerund.sensors.jetson_stats_helper"
    headline = "jtop.cpu.load"
    period_s = 1.0

    def __init__(
        self,
        root: SysRoot,
        clock: Clock,
        *,
        interval_s: float = 1.0,
        period_s: float | None = None,
    ) -> None:
        if not 0.1 <= interval_s <= 60:
            raise ValueError(f"cannot sample every {interval_s} s: interval_s must be 0.1 to 60")
        super().__init__(root, clock, {"interval_s": interval_s}, period_s)
        self.max_age_s = max(5.0, 3 * interval_s)
