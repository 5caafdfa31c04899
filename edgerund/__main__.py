"""``python -m edgerund``."""

from __future__ import annotations

import sys

from edgerund.cli import main

if __name__ == "__main__":
    sys.exit(main())
