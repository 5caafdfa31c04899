"""The watchdog of the control loop, in a process that it may end."""

from __future__ import annotations

import subprocess
import sys
import threading

from edgerund.daemon.recovery import LONGEST_S, MOST, WITHIN_S, Recovery
from edgerund.daemon.watchdog import EXIT_HUNG, Watchdog

HANGS = """
import threading
from edgerund.daemon.watchdog import Watchdog
dog = Watchdog(hang_s=0.2, slice_s=0.05)
dog.start()
threading.Event().wait()  # a loop that never turns
"""


def test_a_loop_that_hangs_ends_its_process_and_says_where_every_thread_was() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == EXIT_HUNG
    assert "the control loop hangs" in done.stderr
    assert 'File "<string>", line 6' in done.stderr


def test_a_loop_that_turns_or_has_ended_is_left_alone() -> None:
    dog = Watchdog(hang_s=0.5, slice_s=0.005)
    dog.start()
    tick = threading.Event()
    for _ in range(200):  # twice the limit in all
        dog.beat()
        tick.wait(0.005)
    dog.stop()
    dog.join(timeout=10)
    assert not dog.is_alive()


def test_failures_wait_ever_longer_and_end_the_process_when_they_do_not_stop() -> None:
    recovery = Recovery()
    waits = [recovery.failed(float(i)) for i in range(MOST)]
    assert waits[-1] is None
    short = [w for w in waits if w is not None]
    assert len(short) == MOST - 1
    assert short == sorted(short)
    assert short[-1] <= LONGEST_S


def test_failures_of_long_ago_do_not_count() -> None:
    recovery = Recovery()
    assert all(recovery.failed(i * (WITHIN_S + 1.0)) is not None for i in range(20))
