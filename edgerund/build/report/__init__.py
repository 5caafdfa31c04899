"""The report of a build: one page that says what was made, what it costs, and which to use when.

::

    write_report(build: Build, folder: Path) -> ReportFiles       # report.html, report.md, report/*.svg

``Build`` and ``Entry`` are all that a report is made of.
"""

from __future__ import annotations

from edgerund.build.report.model import Build, Entry

__all__ = ["Build", "Entry"]
