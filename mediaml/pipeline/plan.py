"""Inputs x models - what the ledger already holds = jobs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from mediaml.core.errors import MediaError, MediamlError
from mediaml.core.location import Url, is_stream
from mediaml.core.media import Kind
from mediaml.core.work import Failure, Job, Sniff, Source, Task, Want
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.ledger import Ledger
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.media.sniff import Claim, looks_like_media_name, sniff_claim
from mediaml.pipeline.models import ResolvedModel
from mediaml.store.digest import sha256_of

_MOST_GROUP, _GROUP_S = 256, 0.1


@dataclass(slots=True)
class Planned:
    """What planning has counted so far; grows while jobs are drawn.

    Attributes:
        seen: number of sources looked at.
        jobs: number of sources handed to the readers. done: ids of sources with nothing left to do.
        unidentified: number of sources whose kind a worker is to identify.
        not_media: files of folders that are not media. copies: files of folders that mediaml has annotated.
        unwanted: by kind, media that no model of the run accepts, or that no `--kind` wants.
        sources: ids of all sources of this run, in order, as keys.
        under_way: by source, how many models have not come to its end; taken from by who commits.
    """

    seen: int = 0
    unidentified: int = 0
    jobs: int = 0
    done: list[int] = field(default_factory=list)
    not_media: int = 0
    copies: int = 0
    unwanted: Counter[Kind] = field(default_factory=Counter)
    sources: dict[int, None] = field(default_factory=dict)
    under_way: dict[int, int] = field(default_factory=dict)

    @property
    def without_work(self) -> int:
        """Number of sources that needed no reading: up to date, no media, or of a kind not wanted."""
        return self.seen - self.jobs - self.unidentified


class Planner:
    """Turns sources into jobs, lazily, in the thread that owns the ledger.

    Args:
        ledger: what is already done.
        models: every model of the run, with its id in the ledger.
        kinds: the kinds that are wanted.
        force: do again what is done.
        hashed: tell a changed file by its content, not by its size and time of modification.
        only_failed: retry only what failed before.
        emit: takes the failures of files that are not media.
    """

    def __init__(
        self,
        ledger: Ledger,
        models: Sequence[tuple[ResolvedModel, int]],
        *,
        kinds: frozenset[Kind],
        force: bool = False,
        hashed: bool = False,
        only_failed: bool = False,
        emit: Callable[[TaskRecord], None],
    ) -> None:
        self._ledger = ledger
        self._models = models
        self._views = [model.view for model, _ in models]
        self._kinds = kinds
        self._force = force
        self._hashed = hashed
        self._only_failed = only_failed
        self._emit = emit
        self._unsettled: dict[int, Source] = {}
        self._refused: list[TaskRecord] = []
        self.planned = Planned()

    def jobs(self, sources: Iterable[Source]) -> Iterator[Job | Sniff]:
        """Yield a job for every source with something left to do, or the question what it is.

        Every source gets its place before anything is known of it: the order of the results is that of the
        latest run, whenever each is answered and however often the run was stopped.
        """
        remaining, most = iter(sources), 1
        while True:
            seen, jobs = self.planned.seen, self._group(remaining, most)
            yield from jobs
            if self.planned.seen == seen:
                break
            most = min(2 * most, _MOST_GROUP)
        self._ledger.forget_folders(self.planned.sources)

    def _group(self, sources: Iterator[Source], most: int) -> list[Job | Sniff]:
        """Plan the next sources in one transaction: `most`, or as many as take a moment."""
        jobs: list[Job | Sniff] = []
        began_s = time.monotonic()
        with self._ledger.together():
            for source in islice(sources, most):
                self.planned.seen += 1
                job = self._job(source, self._ledger.next_position())
                if job is not None:
                    jobs.append(job)
                if time.monotonic() - began_s > _GROUP_S:
                    break
        self._emit_refused()
        return jobs

    def settle(self, sniff: Sniff, answer: Kind | Failure | None) -> Job | None:
        """Continue with a source whose kind is known, `None` for no media, or why it is unknown."""
        source = self._unsettled.pop(sniff.position)
        self.planned.unidentified -= 1
        if answer is None and not _promises_media(source):
            self.planned.not_media += 1
            return None
        if answer is None:
            answer = Failure.of("open", _no_media())
        if isinstance(answer, Failure):
            self._refuse(source, answer, sniff.position)
            self._emit_refused()
            return None
        job = self._of_kind(source, answer, sniff.position)
        self._emit_refused()
        return job

    def _emit_refused(self) -> None:
        """Emit what was refused, once its source is committed."""
        refused, self._refused = self._refused, []
        for record in refused:
            self._emit(record)

    def note_batch_limit(self, key: str, frames: int) -> None:
        """Remember the largest batch of a model that fits in memory."""
        self._ledger.note_batch_limit(key, frames)

    def _job(self, source: Source, position: int) -> Job | Sniff | None:
        if source.problem:
            self._refuse(source, Failure("open", MediaError.__name__, source.problem), position)
            return None
        try:
            if self._hashed:
                source = with_digest(source)
            known = self._ledger.recall(source)
            claim = _claim(source) if known is None else Claim(known, certain=True)
        except (MediamlError, OSError) as error:
            self._refuse(source, Failure.of("open", error), position)
            return None
        if claim is None:
            self.planned.not_media += 1
            return None
        if known is None and not source.named and _is_renamed_copy(source):
            self.planned.copies += 1
            return None
        if not claim.certain:
            self._unsettled[position] = source
            self.planned.unidentified += 1
            return Sniff(position, source.path)
        return self._of_kind(source, claim.kind, position)

    def _of_kind(self, source: Source, kind: Kind, position: int) -> Job | None:
        wanted = [
            (index, model, id_)
            for index, (model, id_) in enumerate(self._models)
            if model.spec.reads(kind) is not None
        ]
        if kind in self._kinds and wanted:
            return self._remaining(source, kind, [(index, id_) for index, _, id_ in wanted], position)
        if source.named and kind in self._kinds:
            names = ", ".join(model.spec.name for model, _ in self._models)
            error = MediaError(f"none of the selected models accepts {kind} ({names}).")
            self._refuse(source, Failure.of("open", error), position)
        else:
            self.planned.unwanted[kind] += 1
        return None

    def _remaining(
        self, source: Source, kind: Kind, models: Sequence[tuple[int, int]], position: int
    ) -> Job | None:
        source_id = self._ledger.add_source(source, kind, position)
        self.planned.sources[source_id] = None
        wants = []
        if not self._only_failed and not self._ledger.has_tasks(source_id):
            wants = [Want(model_id, index) for index, model_id in models]
            models = ()
        for index, model_id in models:
            view = self._views[index]
            before = self._ledger.task_progress(source_id, model_id, view)
            if self._only_failed and before.failure is None:
                continue
            self._ledger.supersede(source_id, model_id, restart=self._force or before.cut)
            progress = self._ledger.task_progress(source_id, model_id)
            if not progress.complete:
                first, frames = progress.next_slice, progress.frames
                wants.append(Want(model_id, index, first, frames, since_s=progress.last_s))
        if not wants:
            self.planned.done.append(source_id)
            return None
        self._begin(source_id, len(wants))
        stamp = None if is_stream(source.path) else (source.size, source.mtime_ns)
        return Job(source_id, source.path, kind, tuple(wants), stamp)

    def _begin(self, source: int, models: int) -> None:
        self.planned.jobs += 1
        self.planned.under_way[source] = models

    def _refuse(self, source: Source, failure: Failure, position: int) -> None:
        source_id = self._ledger.add_source(source, None, position)
        self.planned.sources[source_id] = None
        self._begin(source_id, len(self._models))
        for _, model_id in self._models:
            self._ledger.supersede(source_id, model_id, restart=True)
            self._refused.append(TaskRecord(Task(source_id, model_id, 0), failure=failure))


def with_digest(source: Source) -> Source:
    """The source with the SHA-256 of its content; as it is where there is no such file.

    Raises:
        OSError: the file cannot be read.
    """
    path = source.path
    return replace(source, digest=sha256_of(path)) if isinstance(path, Path) and path.is_file() else source


def _is_renamed_copy(source: Source) -> bool:
    """Whether mediaml itself wrote a file; the scan has left out those that still have the name of a copy."""
    return isinstance(source.path, Path) and is_annotated_copy(source.path)


def _claim(source: Source) -> Claim | None:
    """What a source claims to be; `None` for a file of a folder that does not even claim to be media.

    Raises:
        MediaError: a file that was named, or that has a media file's name, is not media.
    """
    path = source.path
    if isinstance(path, Url):
        if source.size == 0 and path.in_store:
            raise MediaError("the object is empty.", "Copy it again from its source.")
        return Claim(Kind.VIDEO, certain=False)
    if not path.exists():
        raise MediaError("no such file.", "Check the path.")
    if not path.is_file():
        raise MediaError("it is neither a file nor a folder.", "Only ordinary files are read.")
    promised = _promises_media(source)
    if source.size == 0 and promised:
        raise MediaError("the file is empty.", "Copy it again from its source.")
    claim = sniff_claim(path)
    if claim is None and promised:
        raise _no_media()
    return claim


def _promises_media(source: Source) -> bool:
    """Whether a source was named, or has a media file's name: it fails where others are not media."""
    path = source.path
    return source.named or looks_like_media_name(path)


def _no_media() -> MediaError:
    return MediaError("it is not a supported image, video or audio file.", "Check the file's format.")
