"""The report of a build: one page that says what was made, what it costs, and which to use when.

::

    write_report(build: Build, folder: Path, *, pictures: bool = False) -> ReportFiles   # report.html, report.md

``Build`` and ``Entry`` are all that a report is made of.
"""

from __future__ import annotations

from edgerund.build.report.model import Build, Entry
from edgerund.build.report.writing import ReportFiles, write_report

__all__ = ["Build", "Entry", "ReportFiles", "write_report"]
