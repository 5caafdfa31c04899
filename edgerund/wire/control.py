"""The control socket's name in the runtime folder; what goes over it is JSON (``docs/control.md``)."""

from __future__ import annotations

CONTROL_SOCKET = "control.sock"
