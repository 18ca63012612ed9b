"""Receives what a run reports: messages, progress, failures, and the final report."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mediaml.app.report import RunReport
    from mediaml.ledger.result_rows import FailureRow


@dataclass(frozen=True, slots=True)
class FileProgress:
    """Progress of one file.

    Attributes:
        source: the file, as the user would type it.
        time_s: media time reached, seconds.
        duration_s: length of the file by its header, seconds; `None` where it does not say.
    """

    source: str
    time_s: float
    duration_s: float | None

    @property
    def share(self) -> float:
        """The part that is done, 0..1; 0 where the length is not known."""
        if not self.duration_s:
            return 0.0
        return min(1.0, max(0.0, self.time_s / self.duration_s))


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run.

    Attributes:
        files: settled, whether done or failed. total: of the run.
        frames: inferred so far, one for each model; `None` where no model runs.
        elapsed_s: seconds since the run began.
        current: the files that are being read.
    """

    files: int
    total: int
    frames: int | None
    elapsed_s: float
    current: tuple[FileProgress, ...] = ()

    @property
    def share(self) -> float:
        """The part of the run that is done, 0..1, files counted alike."""
        done = self.files + sum(file.share for file in self.current)
        return min(1.0, done / self.total) if self.total else 1.0

    @property
    def remaining_s(self) -> float | None:
        """Seconds left at the speed so far; `None` before anything is done."""
        return self.elapsed_s * (1 - self.share) / self.share if self.share > 0 else None

    @property
    def frames_per_s(self) -> float:
        """Frames inferred per second since the run began."""
        return (self.frames or 0) / max(self.elapsed_s, 1e-9)


class Reporter(Protocol):
    """Called in the thread that runs; must return soon and must not raise."""

    @property
    def details(self) -> bool:
        """Whether lines for verbose output are wanted; else `detail` is not called for each file."""

    def note(self, text: str) -> None:
        """One informational line."""

    def detail(self, text: str) -> None:
        """One line for verbose output."""

    def warning(self, text: str) -> None:
        """One warning; may be repeated."""

    def error(self, text: str) -> None:
        """What stopped the run, in one or two lines."""

    def failure(self, failure: FailureRow) -> None:
        """A file has failed for a model, or an output of it could not be written."""

    def progress(self, progress: Progress) -> None:
        """Progress of the run; called at most about ten times per second."""

    def finished(self, report: RunReport) -> None:
        """The run is over; the last call."""


class LoggingReporter:
    """Reports to the logger `mediaml`: the default of `mediaml.run`."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("mediaml")
        self._warned: set[str] = set()

    @property
    def details(self) -> bool:
        """Whether the level DEBUG is logged."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def note(self, text: str) -> None:
        """Log at level INFO."""
        self._logger.info("%s", text)

    def detail(self, text: str) -> None:
        """Log at level DEBUG."""
        self._logger.debug("%s", text)

    def warning(self, text: str) -> None:
        """Log at level WARNING, each text once."""
        if text not in self._warned:
            self._warned.add(text)
            self._logger.warning("%s", text)

    def error(self, text: str) -> None:
        """Log at level ERROR."""
        self._logger.error("%s", text)

    def failure(self, failure: FailureRow) -> None:
        """Log at level WARNING."""
        self._logger.warning(
            "%s: %s: %s", failure.source.shown, failure.part, failure.failure.message.splitlines()[0]
        )

    def progress(self, progress: Progress) -> None:
        """Nothing: progress is not logged."""

    def finished(self, report: RunReport) -> None:
        """Log the counts at level INFO."""
        self._logger.info("%d of %d files done, %d failed", report.done, report.files, report.failed)
