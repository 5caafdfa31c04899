"""Runs under faulty_read.so: drives every reader through ENODATA, and the hub through reads that hang."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edgerund.clock import ManualClock, SystemClock
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import NoData, Reading
from tests.sensors.cases import CASES, Case, write

PERIOD_S = 0.3


def said(hub: SensorHub, case: Case) -> str:
    sense = hub.senses().get(case.sense)
    return (
        sense.reason
        if isinstance(sense, NoData)
        else "value"
        if isinstance(sense, Reading)
        else "-"
    )


def plant(case: Case, root: Path) -> None:
    for name, text in case.static.items():
        write(root, name, text)
    write(root, case.file, case.text(0))


def no_data(case: Case, root: Path) -> list[str]:
    """What is said before, during (two periods) and after (two periods)."""
    plant(case, root)
    clock = ManualClock(100.0)
    hub = SensorHub(FileRoot(root), clock, [case.reader])
    found = []
    hub.poll_due()
    for text in (case.text(1), "!ENODATA", "!ENODATA", case.text(4), case.text(5)):
        write(root, case.file, text)
        clock.advance(case.period_s)
        hub.poll_due()
        found.append(said(hub, case))
    return found


def wait(condition: Callable[[], bool], within_s: float) -> float:
    """Seconds until it came true; -1 if it did not."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        if condition():
            return time.monotonic() - began_s
        time.sleep(0.01)
    return -1.0


def hang(case: Case, root: Path) -> dict[str, Any]:
    """One reader hangs, another must not notice; then it comes back."""
    plant(case, root)
    write(root, "/sys/class/power_supply/AC/type", "Mains")
    write(root, "/sys/class/power_supply/AC/online", "1")
    other = "thermal" if case.reader == "power_supply" else "power_supply"
    seen = "mains.AC.online"
    if other == "thermal":
        write(root, "/sys/class/thermal/thermal_zone0/type", "tj-thermal")
        write(root, "/sys/class/thermal/thermal_zone0/temp", "45130")
        seen = "zone.tj-thermal.temp_c"
    options = {name: {"period_s": PERIOD_S} for name in (case.reader, other)}
    hub = SensorHub(FileRoot(root), SystemClock(), [case.reader, other], options)
    hub.start()
    n = 0

    def tick() -> None:
        nonlocal n
        n += 1
        write(root, case.file, case.text(n))

    def works() -> bool:
        tick()
        return said(hub, case) == "value"

    def oldest() -> float:
        sense = hub.senses()[seen]
        return sense.age_s if isinstance(sense, Reading) else 99.0

    first = wait(works, 5.0)
    write(root, case.file, "!HANG")
    hung = wait(lambda: said(hub, case) == "hung", 3.0)
    worst, end_s = 0.0, time.monotonic() + 3 * PERIOD_S
    while time.monotonic() < end_s:
        worst = max(worst, oldest())
        time.sleep(0.01)
    states = {s.name: s.state for s in hub.status()}
    alive = hub.progress()
    back = wait(works, 3.0)
    hub.stop()
    return {
        "first": first,
        "hung": hung,
        "other_age": worst,
        "back": back,
        "state": states[case.reader],
        "alive": alive,
    }


def main(root: Path, what: str) -> None:
    run: Callable[[Case, Path], Any] = no_data if what == "no_data" else hang
    with ThreadPoolExecutor(len(CASES)) as pool:  # a hub each: they wait most of the time
        found = pool.map(lambda c: run(c, root / f"{what}-{c.reader}"), CASES)
        print(json.dumps({c.reader: f for c, f in zip(CASES, found, strict=True)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
