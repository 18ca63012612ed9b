"""The reader threads' work: decode a source once, and prepare its frames for every model that wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from mediaml.errors import NoSoundError
from mediaml.inputs import SoundInput
from mediaml.media.limits import Limits
from mediaml.media.reader import Reader, open_reader
from mediaml.run.models import LoadedModel
from mediaml.run.stream import SLICE_S, Stream, slice_of
from mediaml.spec import StagedModel
from mediaml.types import Array, DecodeAccounts, Frame, Kind
from mediaml.work import Failure, Source, Stage


@dataclass(frozen=True, slots=True, eq=False)
class Want:
    """One model's part of a job: what it still wants of the source, and where its answers go.

    Attributes:
        model: which. stream: where its answers come together.
        next_slice: the first time slice that is wanted. frames_before: frames in the slices before it.
    """

    model: LoadedModel
    stream: Stream
    next_slice: int = 0
    frames_before: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One source to be decoded, for every model that wants it."""

    source: Source
    kind: Kind
    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame on its way to one model; `array` is `None` for a model without the stage `prepare`."""

    want: Want
    slice: int
    frame: Frame
    array: Array | None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)

    def fail(self, stage: Stage, error: BaseException) -> None:
        """End the sample's stream: nothing more is done for this source and model."""
        self.want.stream.fail(Failure.of(stage, error), self.accounts, self.slice)


Put = Callable[[Sample], bool]
"""Hands a sample on; false when the run is stopping."""


def read_job(job: Job, put: Put, limits: Limits) -> None:
    """Read a source for all its models; failures end up in the streams, never here."""
    groups: dict[tuple[Kind | None, SoundInput | None], list[Want]] = {}
    for want in job.wants:
        spec = want.model.spec
        as_kind = spec.reads(job.kind)
        groups.setdefault((as_kind, spec.sound if as_kind is Kind.AUDIO else None), []).append(want)
    for (as_kind, sound), wants in groups.items():
        _read_group(job, as_kind or job.kind, sound, wants, put, limits)


def _read_group(
    job: Job, as_kind: Kind, sound: SoundInput | None, wants: list[Want], put: Put, limits: Limits
) -> None:
    stage: Stage = "open"
    accounts = DecodeAccounts()
    silent = NoSoundError if job.kind is Kind.VIDEO else ()
    try:
        with open_reader(job.source.path, as_kind, sound=sound, limits=limits) as reader:
            stage = "decode"
            for want in wants:
                want.stream.opened(replace(reader.info, kind=job.kind))
            try:
                whole = _feed(reader, wants, put)
            finally:
                accounts = reader.accounts
        if whole:
            _finish_all(wants, accounts)
    except silent:
        # A silent video is whole: there is nothing to hear in it.
        _finish_all(wants, accounts)
    except Exception as error:  # noqa: BLE001  a decoder may raise anything; it costs this file, not the run
        _fail_all(wants, stage, error, accounts)


def _finish_all(wants: list[Want], accounts: DecodeAccounts) -> None:
    for want in wants:
        want.stream.finish(accounts, want.next_slice)


def _fail_all(wants: list[Want], stage: Stage, error: Exception, accounts: DecodeAccounts) -> None:
    for want in wants:
        want.stream.break_off(Failure.of(stage, error), accounts, want.next_slice)


def _feed(reader: Reader, wants: list[Want], put: Put) -> bool:
    """Hand on every frame; false when nobody wants the rest."""
    for frame in _wanted_frames(reader, wants):
        number = slice_of(frame.time_s)
        live = [want for want in wants if not want.stream.failed]
        if not live:
            return False
        for want in live:
            if number >= want.next_slice and not _submit(want, number, frame, reader.accounts, put):
                return False
    return True


def _wanted_frames(reader: Reader, wants: list[Want]) -> Iterator[Frame]:
    """Frames from the first wanted slice on, numbered as in an uninterrupted reading."""
    first = min(wants, key=lambda want: want.next_slice)
    if first.next_slice == 0:
        yield from reader.frames()
        return
    start_s = first.next_slice * SLICE_S
    for index, frame in enumerate(reader.frames(start_s), start=first.frames_before):
        yield replace(frame, index=index)


def _submit(want: Want, number: int, frame: Frame, accounts: DecodeAccounts, put: Put) -> bool:
    want.stream.expect(number, accounts)
    sample = Sample(want, number, frame, None, accounts)
    try:
        if isinstance(want.model.model, StagedModel):
            sample = replace(sample, array=want.model.model.prepare(frame))
    except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything; it costs this file
        sample.fail("prepare", error)
        return True
    return put(sample)
