"""Where results arrive in the main thread: committed, streamed, drawn, counted, reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO

import click

from mediaml.cli.losses import damage_lines, failure_lines
from mediaml.cli.patience import Patience
from mediaml.cli.progress import Progress
from mediaml.cli.shell import Shell
from mediaml.core.media import Kind
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import Results
from mediaml.outputs.jsonl import run_line, source_lines, task_lines, write_line
from mediaml.outputs.render.copies import Copies
from mediaml.outputs.render.drawable_slices import DrawableSlices
from mediaml.outputs.render.drawn import ARTIFACT, Drawn, annotated_path
from mediaml.outputs.render.segments import remove_segments
from mediaml.pipeline.plan import Planned

_MOST_COPIES_WAITING = 32
_POLL_S = 0.2


class Sink(AbstractContextManager["Sink"]):
    """Takes results in the thread that owns the ledger.

    Args:
        ledger: where results are committed. view: reads them back.
        planned: what the planner has met; it grows while results arrive.
        copies: draws copies of what is done; `None` where none are wanted.
        progress, shell: what the user sees.
        stream: `-` for stdout, or a path, of the JSON lines that are written as results come.
        patience: how many failures are borne.
        hold: see `Interrupts.held`.
    """

    def __init__(
        self,
        ledger: Ledger,
        view: Results,
        planned: Planned,
        *,
        copies: Copies | None,
        progress: Progress,
        shell: Shell,
        stream: str | None,
        patience: Patience,
        hold: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._ledger = ledger
        self._view = view
        self._planned = planned
        self._copying = copies
        self._progress = progress
        self._shell = shell
        self._patience = patience
        self._hold = hold
        self._committed: deque[TaskRecord] = deque()
        self._settled = 0
        self._failed: set[int] = set()
        self._copies = 0
        self._ready = DrawableSlices()
        self._stack = ExitStack()
        self._stream: IO[bytes] | None = None
        if stream is not None:
            self._stream = self._stack.enter_context(click.open_file(stream, "wb", lazy=False))
            write_line(self._stream, run_line(view.latest_header(), view.models()))

    def close(self) -> None:
        """Drop the copies that wait, and end the stream; closing twice does nothing."""
        if self._copying:
            self._copying.close()
        self._stack.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self, take: Callable[[], Sequence[TaskRecord]], *, stopping: bool = False) -> None:
        """Commit records in one transaction, stream them, and draw the sources that they complete.

        Args:
            take: gives the records. From there to their commit no interrupt comes between: a slice would be
                missing among those of its video for ever.
            stopping: the run is over.

        Raises:
            TooManyFailures: more files have failed than are borne; not when the run is `stopping` anyway.
        """
        with self._hold():
            records = take()
            self._ledger.commit(records)
            self._committed.extend(records)
        while self._committed:
            record = self._committed.popleft()
            self._progress.answered(len(record.frames))
            if self._stream:
                for line in task_lines(self._view, record.task):
                    write_line(self._stream, line)
            if record.failure:
                self._failed.add(record.task.source)
            self._draw_ahead(record)
            if record.last or record.failure:
                self._finished(record.task.source)
        if self._stream:
            self._stream.flush()
        self._progress.show(self._planned.seen - self._planned.jobs + self._settled)
        self._collect(wait_s=0.0)
        if not stopping:
            self._patience.check(len(self._failed), self._settled + len(self._planned.done))

    def _finished(self, source: int) -> None:
        """One model has come to the end of a source; after the last one the source is settled."""
        self._planned.under_way[source] -= 1
        if self._planned.under_way[source]:
            return
        del self._planned.under_way[source]
        self._settled += 1
        self._ready.forget(source)
        self._draw(source)
        self._shell.detail(f"{self._view.source(source).shown}: {self._outcome(source)}")

    def _outcome(self, source: int) -> str:
        failures = [row.failure for row in self._view.failures(source)]
        return "; ".join(f"failed ({f.stage}): {f.message.splitlines()[0]}" for f in failures) or "done"

    def replay(self, sources: Sequence[int]) -> None:
        """Stream, and draw where that is still to be done, sources that were done before this run."""
        for source in sources:
            row = self._view.source(source)
            if self._stream:
                for line in source_lines(self._view, row):
                    write_line(self._stream, line)
            if not self._has_copy(source):
                self._draw(source)

    def _has_copy(self, source: int) -> bool:
        """Whether the copy is up to date, and still where it was written."""
        if not self._view.artifact_done(source, ARTIFACT):
            return False
        wanted = annotated_path(self._view.source(source)) or ""
        return (self._ledger.folder / self._ledger.claim_artifact(source, ARTIFACT, wanted)).exists()

    def _draw_ahead(self, record: TaskRecord) -> None:
        """Let the slices of a video be drawn that all models have answered, while others are inferred."""
        source = record.task.source
        number = self._ready.take(record, self._planned.under_way[source])
        if self._copying is None or number is None or source in self._failed:
            return
        row = self._view.source(source)
        if annotated_path(row) is not None:
            self._copying.advance(row, number)

    def _draw(self, source: int) -> None:
        row = self._view.source(source)
        wanted = annotated_path(row)
        # A failed source has no whole copy; a copy that failed before is tried again.
        failed = any(failure.failure.stage != "write" for failure in self._view.failures(source))
        if self._copying is None or wanted is None:
            return
        if failed:
            self._copying.drop(source)
            return
        while self._copying.pending >= _MOST_COPIES_WAITING:
            self._collect(wait_s=_POLL_S)
        target = self._ledger.claim_artifact(source, ARTIFACT, wanted)
        self._copying.submit(row, self._ledger.folder / target)

    def wait_for_copies(self) -> None:
        """Wait until every annotated copy is written; no segment of one is needed then."""
        while self._copying and self._copying.pending:
            self._collect(wait_s=_POLL_S)
        if self._copying:
            self._copying.close()
        # Of sources that failed, and of earlier runs that wanted copies.
        remove_segments(self._ledger.folder, self._planned.sources)

    def _collect(self, *, wait_s: float) -> None:
        for drawn in self._copying.finished(wait_s=wait_s) if self._copying else ():
            self._settle(drawn)

    def _settle(self, drawn: Drawn) -> None:
        failure = drawn.failure
        self._ledger.settle_artifact(drawn.source.id, ARTIFACT, done=failure is None, failure=failure)
        self._copies += failure is None
        if failure is None and drawn.source.kind is Kind.VIDEO:
            remove_segments(self._ledger.folder, [drawn.source.id])
        for reason in drawn.dropped:
            self._shell.warn(f"{drawn.target.name}: {reason}")

    def report(self, results: Path) -> int:
        """Say what came of the run, failures by name; returns the number of sources that failed."""
        mine = set(self._planned.sources)
        failures = [row for row in self._view.failures() if row.source.id in mine]
        failed = len({row.source.id for row in failures})
        for line in failure_lines(failures, str(results)):
            self._shell.error(line)
        whole = mine - {row.source.id for row in failures}
        for line in damage_lines([row for row in self._view.damaged() if row[0].id in whole]):
            self._shell.warn(line)
        self._shell.say(self._summary(failed))
        self._shell.say(f"results: {results}")
        return failed

    def _summary(self, failed: int) -> str:
        planned, frames = self._planned, self._progress.frames
        done = len(planned.sources) - failed - len(planned.under_way)
        parts = [f"{done} of {len(planned.sources)} files done"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{len(planned.done)} of them earlier"] if planned.done else []
        parts += [f"{planned.not_media} not media"] if planned.not_media else []
        parts += [f"{count} {kind} not wanted" for kind, count in planned.unwanted.items()]
        speed = frames / max(self._progress.elapsed_s, 1e-9)
        parts.append(f"{frames} frames in {self._progress.elapsed_s:.1f} s ({speed:.1f} frames/s)")
        parts += [f"{self._copies} annotated"] if self._copies else []
        return ", ".join(parts)
