"""``python -m tools.reference`` writes the generated pages; ``--check`` names the stale ones and exits 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.reference.pages import PAGES, stale, write

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a page is stale"
    )
    if not parser.parse_args().check:
        for name in PAGES:
            write(ROOT, name)
        return 0
    old = stale(ROOT)
    for name in old:
        print(f"{name} is stale: run python -m tools.reference", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
