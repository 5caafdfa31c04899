"""One file per reader. Adding one: write the file, add its line here, and run the contract suite."""

from __future__ import annotations

TABLE: dict[str, str] = {}
