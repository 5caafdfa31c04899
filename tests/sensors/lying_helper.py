"""A helper process that does not keep to the rules, in the way that it is told."""

from __future__ import annotations

import json
import sys
import time


def main(settings: str) -> None:
    how = json.loads(settings)["how"]
    if how == "exit":
        sys.exit(3)
    lines = {
        "junk": b"\xff\xfe not json\n",
        "shapes": b'{"senses": 5}\n[1]\n{"senses": [[]]}\n{"failed": 3}\n',
        "flood": b"x" * 1_000_000,
        "quiet": b"",
    }
    while True:
        sys.stdout.buffer.write(lines[how])
        sys.stdout.buffer.flush()
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
