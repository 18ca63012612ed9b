"""A reporter that keeps what it is told."""

from __future__ import annotations

from mediaml.app.report import RunReport
from mediaml.app.reporter import Progress
from mediaml.ledger.result_rows import FailureRow


class Listener:
    """A reporter that keeps what it is told.

    Attributes:
        details: details are wanted. notes: every line. shares: how far the run was.
        failures: names of sources. reports: the last calls.
    """

    details = True

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.shares: list[float] = []
        self.failures: list[str] = []
        self.reports: list[RunReport] = []

    def note(self, text: str) -> None:
        """Keep a line."""
        self.notes.append(text)

    detail = warning = error = note

    def failure(self, failure: FailureRow) -> None:
        """Keep the name of the source."""
        self.failures.append(failure.source.shown)

    def progress(self, progress: Progress) -> None:
        """Keep how far it is."""
        self.shares.append(progress.share)

    def finished(self, report: RunReport) -> None:
        """Keep the report."""
        self.reports.append(report)
