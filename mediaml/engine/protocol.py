"""The protocol of engines, which run jobs on local processes or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from mediaml.core.media import Kind
from mediaml.core.work import Failure, Job, Reading, Sniff
from mediaml.engine.messages import ModelDevices, Setup
from mediaml.ledger.encoding import TaskRecord


class JobPlanner(Protocol):
    """Plans jobs and keeps their outcome; called in the thread that drives the engine."""

    def settle(self, sniff: Sniff, answer: Kind | Failure | None) -> Job | None:
        """Continue with a source once its kind is known, `None` for no media, or why it is unknown."""

    def note_batch_limit(self, key: str, frames: int) -> None:
        """Remember the largest batch of a model that fits in memory, by `batch_keys`."""


class Engine(Protocol):
    """Runs jobs and returns records; its callers do not deal with processes.

    A `Job` is a source with the slices that each model still needs of it: from a time slice on, and where
    `Want.end_slice` is set, up to one. So one long source may be several jobs.

    The calls come in this order: `begin`, `ready`, `run` with `take` after every turn, `close`.
    """

    def begin(self, setup: Setup, *, later: bool = False) -> None:
        """Load the models; returns at once.

        Args:
            later: only when `run` meets a job, which may be never; nothing is `ready` before.
        """

    def ready(self) -> Sequence[ModelDevices]:
        """Wait until the models are loaded; returns what each runs on, in the order of the setup.

        Raises:
            MediamlError: a model could not be loaded, or its device was not obtained.
        """

    def run(self, jobs: Iterator[Job | Sniff], planner: JobPlanner) -> Iterator[None]:
        """Do the jobs; yields several times a second, so that the caller can `take` and report.

        `jobs` is drawn from as there is room for more, in the caller's thread.
        """

    def emit(self, record: TaskRecord) -> None:
        """Add a record of the caller's own to those that `take` returns."""

    def take(self) -> list[TaskRecord]:
        """The records since the last call."""

    def reading(self) -> Sequence[Reading]:
        """The sources that are being read, with the media time reached."""

    def close(self) -> None:
        """Stop at once; records that have arrived can still be taken. Closing twice does nothing."""
