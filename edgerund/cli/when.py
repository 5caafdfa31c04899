"""Times as people write them: 14:03, 14:03:22, a date with a time, or so long ago."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from edgerund.cli.pin import parse_duration_s
from edgerund.errors import UsageError


def parse_when_s(text: str, now: datetime) -> float:
    """Unix seconds. ``now`` is local time, with its zone.

    A time of day is the latest one that has passed; ``-10m`` (or ``10m``) is so long ago; a date without a
    zone is in local time. Raises UsageError.
    """
    text = text.strip()
    if re.fullmatch(r"-?[\d.]+[a-z]+", text):
        return now.timestamp() - parse_duration_s(text.removeprefix("-"))
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    try:
        if clock:
            hour, minute, second = (int(part or 0) for part in clock.groups())
            then = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
            if then > now:
                then -= timedelta(days=1)
        else:
            then = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
            if then.tzinfo is None:
                then = then.replace(tzinfo=now.tzinfo)
    except ValueError:
        raise UsageError(
            f"cannot read the time {text!r}: write 14:03, 14:03:22, 2026-05-01T14:03, or -10m"
        ) from None
    return then.timestamp()
