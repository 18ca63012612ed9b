"""The committer: writes the engine's records to the ledger, then streams, renders and counts them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mediaml.app.config import RunConfig
from mediaml.app.report import found_text
from mediaml.app.reporter import FileProgress, Progress, Reporter
from mediaml.app.stream import ResultStream
from mediaml.app.tracking import TrackFollower
from mediaml.core.work import Reading
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.result_rows import FailureRow, ModelRow
from mediaml.ledger.results import Results
from mediaml.ledger.totals import LabelTotals
from mediaml.outputs.base import Rendered, SliceOutput
from mediaml.outputs.jsonl import run_line, source_lines, task_lines
from mediaml.outputs.render.drawable_slices import DrawableSlices
from mediaml.pipeline.plan import Planned

_MOST_RENDERING = 32
_POLL_S = 0.2
_PROGRESS_S = 0.1


class Committer:
    """Takes records in the thread that owns the ledger.

    Args:
        config: of the run.
        ledger: where records are committed. view: reads them back.
        planned: the planner's counts; they grow while records arrive. models: names of the run's models.
        total: number of files.
        rendering: media that are rendered from the ledger while others are inferred.
        follower: numbers objects before they are streamed and rendered.
        reporter: gets messages and progress. stream: gets JSON lines as results come.
        hold: see `Interrupts.held`.
    """

    def __init__(
        self,
        config: RunConfig,
        ledger: Ledger,
        view: Results,
        planned: Planned,
        *,
        models: Sequence[str],
        total: int,
        rendering: Sequence[SliceOutput],
        follower: TrackFollower | None,
        reporter: Reporter,
        stream: ResultStream | None,
        hold: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._policy = config.failure_policy
        self._ledger = ledger
        self._view = view
        self._planned = planned
        self._models = frozenset(models)
        self._total = total
        self._rendering = rendering
        self._follower = follower
        self._reporter = reporter
        self._stream = stream
        self._hold = hold
        self._committed: deque[TaskRecord] = deque()
        self._settled = 0
        self._failed: set[int] = set()
        self._drawable = DrawableSlices()
        # The reader's notes by source, in order; several models read a source at once.
        self._notes: dict[int, dict[str, None]] = {}
        self._began_s = time.monotonic()
        self._shown_s = -_PROGRESS_S
        self.frames = self.taken_over = 0
        self.rendered: list[Path] = []
        if stream is not None:
            stream.write([run_line(view.latest_header(), _asked(view, models))])

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._began_s

    def commit(self, take: Callable[[], Sequence[TaskRecord]], *, stopping: bool = False) -> None:
        """Commit records in one transaction, stream them, and render the sources that they complete.

        Args:
            take: gives the records. Interrupts are held from there until the commit; otherwise a slice of a
                video could be lost for good.
            stopping: the run is over.

        Raises:
            TooManyFailures: see `FailurePolicy`; not when the run is `stopping` anyway.
        """
        with self._hold():
            records = take()
            if records:
                self._ledger.commit(records)
                self._committed.extend(records)
        while self._committed:
            self._follow(self._committed.popleft())
        self._collect(wait_s=0.0)
        if not stopping:
            self._policy.check(len(self._failed), self._settled + len(self._planned.done))

    def progress(self, reading: Sequence[Reading]) -> None:
        """Report progress, unless that was done a moment ago."""
        now_s = self.elapsed_s
        if now_s - self._shown_s < _PROGRESS_S:
            return
        self._shown_s = now_s
        current = tuple(
            FileProgress(self._view.source(file.source).shown, file.time_s, file.duration_s)
            for file in reading
        )
        files = self._planned.without_work + self._settled
        self._reporter.progress(Progress(files, self._total, self.frames, now_s, current))

    def replay(self, sources: Sequence[int]) -> None:
        """Stream sources that were already up to date, and render what is missing of them."""
        for source in sources:
            row = self._view.source(source)
            if self._follower is not None:
                self._follower.follow_source(source)
            if self._stream is not None:
                self._stream.write(source_lines(self._view, row))
            for output in self._rendering:
                if not self._is_rendered(output, source):
                    self._render(output, source)

    def wait_for_rendering(self) -> None:
        """Wait until everything that is rendered is written."""
        while any(output.pending for output in self._rendering):
            self._collect(wait_s=_POLL_S)

    def failures(self, source: int | None = None) -> Iterator[FailureRow]:
        """The failures of this run's models and sources; only those of one source where it is given."""
        mine = self._planned.sources
        kinds = {output.kind for output in self._rendering}
        for row in self._view.failures(source):
            if row.source.id in mine and (row.model in self._models or row.output in kinds):
                yield row

    def found(self, source: int | None = None) -> Iterator[LabelTotals]:
        """What each model of the run found in its sources; only in one of them where it is given."""
        models = self._view.models() if source is None else self._view.models_of(source)
        for model in models:
            if model.name in self._models:
                yield self._view.found(model, self._planned.sources if source is None else {source})

    def _follow(self, record: TaskRecord) -> None:
        """Stream, render and count what one committed record brings."""
        source = record.task.source
        self.frames += len(record.frames)
        self.taken_over += sum(frame.same_as is not None for frame in record.frames)
        if self._follower is not None:
            self._follower.follow_source(source)
        if self._stream is not None:
            self._stream.write(task_lines(self._view, record.task))
        if record.failure:
            self._failed.add(source)
        number = None
        if self._rendering:
            number = self._drawable.take(record, self._planned.under_way[source])
        if number is not None and source not in self._failed:
            row = self._view.source(source)
            for output in self._rendering:
                if output.target(row) is not None:
                    output.advance(row, number)
        if record.last or record.failure:
            self._notes.setdefault(source, {}).update(dict.fromkeys(record.accounts.notes))
            self._finished(source)

    def _finished(self, source: int) -> None:
        """One model has finished a source; after the last model the source is settled."""
        self._planned.under_way[source] -= 1
        if self._planned.under_way[source]:
            return
        del self._planned.under_way[source]
        self._settled += 1
        self._drawable.forget(source)
        for note in self._notes.pop(source, ()):
            self._reporter.note(f"{self._view.source(source).shown}: {note}")
        for output in self._rendering:
            self._render(output, source)
        rows = list(self.failures(source)) if self._rendering or source in self._failed else []
        for row in rows:
            self._reporter.failure(row)
        if not rows and self._reporter.details:
            parts = [found_text(found) for found in self.found(source) if found.labels]
            self._reporter.detail(f"{self._view.source(source).shown}: {'; '.join(parts) or 'done'}")

    def _is_rendered(self, output: SliceOutput, source: int) -> bool:
        """Whether the file is up to date, and still where it was written."""
        if not self._view.artifact_done(source, output.kind):
            return False
        wanted = output.target(self._view.source(source)) or ""
        return (self._ledger.folder / self._ledger.claim_artifact(source, output.kind, wanted)).exists()

    def _render(self, output: SliceOutput, source: int) -> None:
        row = self._view.source(source)
        wanted = output.target(row)
        if wanted is None:
            return
        # Rendered from the models that have answered; a file that no model could read has no copy, and one
        # that could not be written before is tried again.
        if {failure.model for failure in self.failures(source)} >= self._models:
            output.drop(source)
            return
        while output.pending >= _MOST_RENDERING:
            self._collect(wait_s=_POLL_S)
        target = self._ledger.claim_artifact(source, output.kind, wanted)
        output.finish(row, self._ledger.folder / target)

    def _collect(self, *, wait_s: float) -> None:
        for output in self._rendering:
            for rendered in output.finished(wait_s=wait_s):
                self._settle(output, rendered)

    def _settle(self, output: SliceOutput, rendered: Rendered) -> None:
        failure, source = rendered.failure, rendered.source.id
        self._ledger.settle_artifact(source, output.kind, done=failure is None, failure=failure)
        if failure is None:
            self.rendered.append(rendered.target)
            output.settle([source])
        for reason in rendered.dropped:
            self._reporter.warning(f"{rendered.target.name}: {reason}")


def _asked(view: Results, models: Sequence[str]) -> list[ModelRow]:
    """The models that `results.jsonl` will name: those of this run, and earlier ones that have results."""
    begun = {model.id for model in view.models()}
    return [model for model in view.models(begun=False) if model.id in begun or model.name in models]
