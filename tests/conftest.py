"""What holds for every test: no telemetry, and hypothesis neither measures time nor surprises.

Examples are the same in every run, so that a failure is the change's. ``--hypothesis-profile=explore`` looks further.
"""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before anything imports onnxruntime

# A background job is born deaf to Ctrl-C, and its children inherit that: tests that send it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

_SLOW = (HealthCheck.too_slow,)
settings.register_profile("steady", deadline=None, suppress_health_check=_SLOW, derandomize=True)
settings.register_profile("explore", deadline=None, suppress_health_check=_SLOW, max_examples=1000)
settings.load_profile("steady")
