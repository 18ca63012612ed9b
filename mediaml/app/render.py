"""Renders images and videos from a ledger and its sources; no model is run."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mediaml.app.reporter import FileProgress, Progress, Reporter
from mediaml.core.errors import MediaError, NoInputsError, OutputError, UsageError
from mediaml.core.slices import SLICE_S
from mediaml.core.text import counted
from mediaml.core.work import Failure
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import sole_writer
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.ledger.slice_rows import DrawingResults
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.ops.look import Look
from mediaml.outputs.base import Rendered
from mediaml.outputs.moved import moved_sources
from mediaml.outputs.render.annotated_media import AnnotatedMedia
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.paths import annotated_path, drawn_slices
from mediaml.outputs.render.privacy import hiding_models, why_unsafe
from mediaml.outputs.render.resumption import Resumption

WORK = ".rendering"
"""The folder in the target with what an interrupted rendering has done."""
# A run has read the sources within its limits, and they have not changed since.
UNLIMITED = Limits(pixels=None, streams=None, image_bytes=None, decoded_bytes=None)
_MOST_QUEUED = 32
_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderConfig:
    """One rendering, as it was asked for.

    Attributes:
        folder: the output folder of a run. target: the folder to write to.
        selection: which results are drawn. look: how. audio: whether copies have the audio of their sources.
        root: where the sources were moved, see `Move.of`; empty where they were not.
        overwrite: replace files that exist.
        stall_s: seconds without progress after which a copy is abandoned; `None` waits without limit.
    """

    folder: Path
    target: Path
    selection: ResultSelection = field(default_factory=ResultSelection)
    look: Look = field(default_factory=Look)
    audio: bool = True
    root: str = ""
    overwrite: bool = False
    stall_s: float | None = 300.0


@dataclass(frozen=True, slots=True)
class RenderReport:
    """The outcome of a rendering.

    Attributes:
        target: the folder that was written to.
        written: files written, those of an interrupted rendering included.
        failures: sources that were not rendered, by their names, and why.
        skipped: sources that have no copy: audio and URLs.
        stopped: whether it was interrupted.
    """

    target: Path
    written: tuple[Path, ...] = ()
    failures: tuple[tuple[str, Failure], ...] = ()
    skipped: int = 0
    stopped: bool = False

    @property
    def exit_code(self) -> int:
        """What `mediaml render` exits with: 0 all well, 1 some sources failed, 130 interrupted."""
        return 130 if self.stopped else int(bool(self.failures))


@dataclass(frozen=True, slots=True)
class _Planned:
    """One copy to be written."""

    source: SourceRow
    target: Path


def render_folder(config: RenderConfig, reporter: Reporter) -> RenderReport:
    """Render the selected sources of an output folder.

    Raises:
        OutputError: the folder holds no ledger, nothing is selected, or files exist already.
        UsageError: the style asks for what the ledger does not have, or `root` does not fit.
        NoInputsError: no selected source has a copy.
    """
    with open_results(config.folder) as results:
        exact = select_results(results, config.selection).selection
    with DrawingResults(config.folder, exact) as view:
        return _Rendering(config, RenderJob(config.look, exact, config.audio), view, reporter).run()


def require_unchanged(view: DrawingResults, source: SourceRow) -> None:
    """Raise where the file of a source is not the one that was read.

    Raises:
        MediaError: it has changed, or is not there.
    """
    if isinstance(source.file, Path) and not source.file.exists():
        raise MediaError(
            f"{source.shown} is not at {source.path} any more.",
            "Name the folder that it was moved to with --root.",
        )
    FileWatch(source.path, view.stamp(source.id)[:2]).check()


class _Rendering:
    """A rendering under way."""

    def __init__(
        self, config: RenderConfig, job: RenderJob, view: DrawingResults, reporter: Reporter
    ) -> None:
        self._config, self._job, self._view, self._reporter = config, job, view, reporter
        self._failures: list[tuple[str, Failure]] = []
        self._written: list[Path] = []
        self._unwritten = False
        self._work = config.target / WORK
        self._began_s = time.monotonic()

    def run(self) -> RenderReport:
        if "trails" in self._job.look.styles and not self._view.has_tracks():
            folder = shlex.quote(str(self._config.folder))
            raise UsageError(
                f"{self._config.folder} holds no tracks.", f"Run `mediaml track {folder}` first."
            )
        sources = moved_sources(self._view, self._config.root)
        planned = list(self._plan(sources))
        if not planned:
            raise NoInputsError(
                f"nothing to render: {counted(len(sources), 'source')}, none of them an image or video file.",
                "`mediaml status` shows what the folder holds.",
            )
        safe = [one for one in planned if not self._refused(one.source)]
        stopped = False
        if safe:
            begun = self._work.exists()
            self._work.mkdir(parents=True, exist_ok=True)
            try:
                with sole_writer(self._work):
                    stopped = self._render(safe)
            except OutputError:
                if not begun:
                    shutil.rmtree(self._work, ignore_errors=True)
                raise
            if not stopped and not self._unwritten:
                shutil.rmtree(self._work, ignore_errors=True)
        return RenderReport(
            self._config.target,
            tuple(self._written),
            tuple(self._failures),
            len(sources) - len(planned),
            stopped,
        )

    def _plan(self, sources: Sequence[SourceRow]) -> Iterator[_Planned]:
        """The copies to be written, each under a name of its own."""
        mark = "-".join(self._config.look.styles)
        taken: set[str] = set()
        for source in sources:
            name = annotated_path(source, mark)
            if name is None:
                continue
            path, number = Path(name), 1
            while str(path).casefold() in taken:
                number += 1
                path = Path(name).with_name(f"{Path(name).stem}~{number}{Path(name).suffix}")
            taken.add(str(path).casefold())
            yield _Planned(source, self._config.target / path)

    def _refused(self, source: SourceRow) -> bool:
        """Whether a source cannot be rendered, which is noted."""
        try:
            require_unchanged(self._view, source)
            reason, advice = self._unsafe(source) if self._job.look.hides else ("", "")
            if reason:
                raise MediaError(
                    f"{source.shown} is not rendered: {reason}, so not all of it can be hidden.", advice
                )
        except MediaError as error:
            self._fail(source, Failure.of("write", error))
            return True
        return False

    def _unsafe(self, source: SourceRow) -> tuple[str, str]:
        damaged = {row.id: accounts.corrupt for row, accounts in self._view.damaged()}
        return why_unsafe(self._view, source, hiding_models(self._view), damaged)

    def _render(self, planned: Sequence[_Planned]) -> bool:
        """Render what is not there yet; returns whether it was interrupted."""
        resumption = Resumption(self._work, self._job, self._view)
        missing = []
        for one in planned:
            if resumption.is_done(one.source, one.target):
                self._written.append(one.target)
            else:
                missing.append(one)
        self._require_free(missing, resumption)
        resumption.claim((one.source, one.target) for one in planned)
        with closing(AnnotatedMedia(self._config.stall_s)) as renderer:
            renderer.begin(self._config.folder, UNLIMITED, SLICE_S, self._job, self._work)
            names = {one.source.id: one.source for one in planned}
            try:
                for one in missing:
                    while renderer.pending >= _MOST_QUEUED:
                        self._collect(renderer, resumption, names)
                    renderer.finish(one.source, one.target)
                while renderer.pending:
                    self._collect(renderer, resumption, names)
                self._reporter.progress(self._progress(None, names))
            except KeyboardInterrupt:
                self._reporter.error("interrupted; rerun the same command to continue.")
                return True
        return False

    def _require_free(self, missing: Sequence[_Planned], resumption: Resumption) -> None:
        there = [
            one.target
            for one in missing
            if one.target.exists() and not resumption.may_replace(one.source, one.target)
        ]
        if there and not self._config.overwrite:
            more = f" and {counted(len(there) - 1, 'more file')}" if len(there) > 1 else ""
            raise OutputError(
                f"{there[0]}{more} exist already." if more else f"{there[0]} exists already.",
                "--overwrite replaces what exists; -o names another folder.",
            )

    def _collect(
        self, renderer: AnnotatedMedia, resumption: Resumption, sources: Mapping[int, SourceRow]
    ) -> None:
        self._reporter.progress(self._progress(renderer.drawing, sources))
        for rendered in renderer.finished(wait_s=_POLL_S):
            self._settle(rendered, resumption)
            renderer.settle([rendered.source.id])

    def _progress(self, drawing: int | None, sources: Mapping[int, SourceRow]) -> Progress:
        done = len(self._written) + len(self._failures)
        current: tuple[FileProgress, ...] = ()
        if drawing is not None and (source := sources.get(drawing)) is not None:
            length_s = source.info.duration_s if source.info else None
            current = (FileProgress(source.shown, drawn_slices(self._work, drawing) * SLICE_S, length_s),)
        total = len(sources) + len(self._failures)
        return Progress(min(done, total), total, None, time.monotonic() - self._began_s, current)

    def _settle(self, rendered: Rendered, resumption: Resumption) -> None:
        if rendered.failure is not None:
            self._unwritten = True  # what was done stays known, for the next try
            self._fail(rendered.source, rendered.failure)
            return
        resumption.note(rendered.source, rendered.target)
        self._written.append(rendered.target)
        self._reporter.detail(f"{rendered.source.shown} -> {rendered.target}")
        for reason in rendered.dropped:
            self._reporter.warning(f"{rendered.target.name}: {reason}")

    def _fail(self, source: SourceRow, failure: Failure) -> None:
        self._failures.append((source.shown, failure))
        self._reporter.error(failure.message)
