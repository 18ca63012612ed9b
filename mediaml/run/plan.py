"""Inputs x models - what the ledger already holds = jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediaml.errors import MediaError, MediamlError
from mediaml.ledger.ledger import Ledger
from mediaml.location import Url
from mediaml.media.limits import Limits
from mediaml.media.sniff import looks_like_media_name, sniff_kind
from mediaml.run.models import LoadedModel
from mediaml.run.read import Job, Want
from mediaml.run.stream import Stream
from mediaml.store.digest import sha256_of
from mediaml.types import DecodeAccounts, Kind
from mediaml.work import Failure, Source, TaskResult


@dataclass(slots=True)
class Planned:
    """What planning has met so far; grows while jobs are drawn.

    Attributes:
        seen: number of sources looked at.
        jobs: number of sources handed to the readers. done: ids of sources with nothing left to do.
        not_media: files of folders that are not media. unwanted: by kind, media that no chosen model, or
            no `--kind`, wants.
        sources: ids of all sources of this run, in order.
        under_way: by source, how many models have not come to its end; taken from by who commits.
    """

    seen: int = 0
    jobs: int = 0
    done: list[int] = field(default_factory=list)
    not_media: int = 0
    unwanted: Counter[Kind] = field(default_factory=Counter)
    sources: list[int] = field(default_factory=list)
    under_way: dict[int, int] = field(default_factory=dict)


class Planner:
    """Turns sources into jobs, lazily, in the thread that owns the ledger.

    Args:
        ledger: what is already done.
        models: every model of the run, with its id in the ledger.
        kinds: the kinds that are wanted.
        force: do again what is done.
        hashed: tell a changed file by its content, not by its size and time of modification.
        only_failed: do nothing but what failed before.
        limits: what a file may ask of the machine.
        emit: takes the results of the streams and the failures of files that are not media.
    """

    def __init__(
        self,
        ledger: Ledger,
        models: Sequence[tuple[LoadedModel, int]],
        *,
        kinds: frozenset[Kind],
        force: bool = False,
        hashed: bool = False,
        only_failed: bool = False,
        limits: Limits = Limits(),  # noqa: B008
        emit: Callable[[TaskResult], None],
    ) -> None:
        self._ledger = ledger
        self._models = models
        self._kinds = kinds
        self._force = force
        self._hashed = hashed
        self._only_failed = only_failed
        self._limits = limits
        self._emit = emit
        self.planned = Planned()

    def jobs(self, sources: Iterable[Source]) -> Iterator[Job]:
        """Yield a job for every source with something left to do."""
        for source in sources:
            self.planned.seen += 1
            job = self._job(source)
            if job is not None:
                yield job

    def _job(self, source: Source) -> Job | None:
        try:
            if self._hashed:
                source = with_digest(source)
            kind = self._ledger.recall(source) or _kind(source, self._limits)
        except (MediamlError, OSError) as error:
            self._refuse(source, error)
            return None
        if kind is None:
            self.planned.not_media += 1
            return None
        models = [(model, id_) for model, id_ in self._models if model.spec.reads(kind)]
        if kind not in self._kinds or not models:
            self._unwanted(source, kind)
            return None
        return self._remaining(source, kind, models)

    def _remaining(self, source: Source, kind: Kind, models: Sequence[tuple[LoadedModel, int]]) -> Job | None:
        source_id = self._ledger.add_source(source, kind)
        self.planned.sources.append(source_id)
        wants = []
        for model, model_id in models:
            before = self._ledger.standing(source_id, model_id)
            if self._only_failed and before.failure is None:
                continue
            self._ledger.supersede(source_id, model_id, restart=self._force)
            standing = self._ledger.standing(source_id, model_id)
            if not standing.complete:
                stream = Stream(source_id, model_id, self._emit)
                wants.append(Want(model, stream, standing.next_slice, standing.frames))
        if not wants:
            self.planned.done.append(source_id)
            return None
        self._begin(source_id, len(wants))
        return Job(source, kind, tuple(wants))

    def _begin(self, source: int, models: int) -> None:
        self.planned.jobs += 1
        self.planned.under_way[source] = models

    def _unwanted(self, source: Source, kind: Kind) -> None:
        if source.named and kind in self._kinds:
            names = ", ".join(model.spec.name for model, _ in self._models)
            error = MediaError(f"no chosen plugin looks at {kind} (chosen: {names}).")
            self._refuse(source, error)
        else:
            self.planned.unwanted[kind] += 1

    def _refuse(self, source: Source, error: Exception) -> None:
        source_id = self._ledger.add_source(source)
        self.planned.sources.append(source_id)
        self._begin(source_id, len(self._models))
        for _, model_id in self._models:
            self._ledger.supersede(source_id, model_id, restart=True)
            stream = Stream(source_id, model_id, self._emit)
            stream.fail(Failure.of("open", error), DecodeAccounts(), 0)


def with_digest(source: Source) -> Source:
    """The source with the SHA-256 of its content; as it is where there is no such file.

    Raises:
        OSError: the file cannot be read.
    """
    path = source.path
    return replace(source, digest=sha256_of(path)) if isinstance(path, Path) and path.is_file() else source


def _kind(source: Source, limits: Limits) -> Kind | None:
    """What a file is by its content; `None` for a file of a folder that does not even claim to be media.

    Raises:
        MediaError: a file that was named, or that has a media file's name, is not media.
    """
    path = source.path
    if isinstance(path, Url):
        return sniff_kind(path, limits)
    if not path.exists():
        raise MediaError("no such file.", "Check the path.")
    if not path.is_file():
        raise MediaError("it is neither a file nor a folder.", "Only ordinary files are read.")
    if source.size == 0 and (source.named or looks_like_media_name(path)):
        raise MediaError("the file is empty.", "Copy it again from its origin.")
    kind = sniff_kind(path, limits)
    if kind is None and (source.named or looks_like_media_name(path)):
        raise MediaError("it is no image, video or sound that can be read.", "Check what the file really is.")
    return kind
