"""The reader threads' work: decode a source once, for every model that wants its frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from mediaml.core.arrays import Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.byte_budget import Share
from mediaml.core.errors import ChangedError, NoAudioError
from mediaml.core.frame import Frame
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.sampling import ALL_FRAMES
from mediaml.core.slices import slice_of
from mediaml.core.work import Failure, Job, Stage, Want
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.media.reader import Reader, decoding_bytes, open_reader
from mediaml.media.sampled import Step, no_step, nothing_in_range, sampled_frames, sampling_for
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.reading import ReadingChoice
from mediaml.pipeline.still import StillFrames
from mediaml.pipeline.stream import Repeat, Stream
from mediaml.registry.plugin_errors import describe_error


def default_readers(workers: int = 1) -> int:
    """Reader threads of each of so many workers: a few, for decoders have threads of their own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
    return max(2, min(8, cores // workers))


@dataclass(frozen=True, slots=True, eq=False)
class Consumer:
    """One model's consumer of a job: what it still wants, the model itself, and where its answers go."""

    want: Want
    model: LoadedModel
    stream: Stream


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame on its way to one model; `array` is `None` before and without the stage `prepare`.

    `share` is what it takes of the bytes that may be in flight.
    """

    consumer: Consumer
    slice: int
    frame: Frame
    array: Array | None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    share: Share | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps in memory."""
        return self.frame.nbytes + (0 if self.array is None else self.array.nbytes)

    def settle(self) -> None:
        """It was answered, or is not wanted any more: other frames may take its place in memory."""
        if self.share is not None:
            self.share.give_back()

    def fail(self, stage: Stage, error: BaseException) -> None:
        """End the sample's stream: nothing more is done for this source and model."""
        message = describe_error(error, self.consumer.model.modules)
        self.consumer.stream.fail(Failure.of(stage, error, message), self.accounts, self.slice)
        self.settle()


Put = Callable[[Sample], bool]
"""Hands a sample on that is not prepared yet; false when the run is stopping."""

Mark = Callable[[Stage, int | None, float], None]
"""Called before every step: its stage, the model's index (`None` for what serves all), the time reached."""


Room = Callable[[int], AbstractContextManager[bool]]
"""Uses bytes of memory for the length of a `with` block."""


def _unbounded(_size: int) -> AbstractContextManager[bool]:
    return nullcontext(True)


def no_mark(_stage: Stage, _model: int | None, _time_s: float) -> None:
    """A `Mark` that does nothing."""


def read_job(
    job: Job,
    consumers: Sequence[Consumer],
    put: Put,
    limits: Limits,
    mark: Mark = no_mark,
    *,
    how: ReadingChoice = ReadingChoice(),  # noqa: B008
    step: Step = no_step,
    room: Room = _unbounded,
) -> None:
    """Read a source for all its models; failures end up in the streams, never here.

    Args:
        step: called for every frame, also those that are passed over: a heartbeat.
        room: waits until so many bytes may be used for decoding; false when the run is stopping.
    """
    groups: dict[tuple[Kind | None, AudioInput | None], list[Consumer]] = {}
    for consumer in consumers:
        as_kind = consumer.model.spec.reads(job.kind)
        audio = consumer.model.audio if as_kind is Kind.AUDIO else None
        groups.setdefault((as_kind, audio), []).append(consumer)
    for (as_kind, audio), members in groups.items():
        _Reading(job, as_kind or job.kind, audio, members, put, mark, how, step, room).read(limits)


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One pass over a source, for the models that read it as the same kind."""

    job: Job
    as_kind: Kind
    audio: AudioInput | None
    consumers: list[Consumer]
    put: Put
    mark: Mark
    how: ReadingChoice
    step: Step
    room: Room

    def read(self, limits: Limits) -> None:
        stage: Stage = "open"
        accounts = DecodeAccounts()
        silent = NoAudioError if self.job.kind is Kind.VIDEO else ()
        self.mark("open", None, 0.0)
        watch = FileWatch(self.job.location, self.job.stamp)
        try:
            watch.check_first()
            with open_reader(
                self.job.location, self.as_kind, audio=self.audio, limits=limits, track=self.how.track
            ) as reader:
                stage = "decode"
                for consumer in self.consumers:
                    consumer.stream.opened(replace(reader.info, kind=self.job.kind))
                try:
                    with self.room(decoding_bytes(reader)) as is_running:
                        reached = self._feed(reader, watch) if is_running else None
                finally:
                    accounts = reader.accounts
                notes = self._notes(reader)
            if reached is not None:
                watch.check()
                accounts = replace(accounts, notes=(*accounts.notes, *notes))
                self._finish_all(accounts, reached)
        except silent:
            # A video without audio is complete: there is nothing to process.
            self._finish_all(accounts, 0)
        except ChangedError as error:
            for consumer in self.consumers:
                consumer.stream.fail(Failure.of(stage, error), accounts, consumer.want.next_slice)
        except Exception as error:  # noqa: BLE001  a decoder may raise anything; it costs this file, not the run
            for consumer in self.consumers:
                consumer.stream.break_off(Failure.of(stage, error), accounts, consumer.want.next_slice)

    def _finish_all(self, accounts: DecodeAccounts, reached: int) -> None:
        for consumer in self.consumers:
            want = consumer.want
            if want.is_before_end(reached):
                consumer.stream.finish(accounts, want.next_slice)
            elif want.end_slice is not None:
                consumer.stream.finish_range(accounts, want.end_slice)

    def _feed(self, reader: Reader, watch: FileWatch) -> int | None:
        """Hand on the wanted frames; returns the last one's slice, `None` when no model wants the rest."""
        number = 0
        still = StillFrames(sampling_for(reader, self.how.sampling).still)
        for frame in self._watched(self._wanted_frames(reader), watch):
            number = slice_of(frame.time_s, self.how.slice_s)
            live = [consumer for consumer in self.consumers if not consumer.stream.failed]
            if not live:
                return None
            live = [consumer for consumer in live if consumer.want.is_before_end(number)]
            if not live:
                return number
            same_as = still.same_as(frame, number)
            for consumer in live:
                if number >= consumer.want.next_slice and not self._submit(
                    consumer, number, frame, reader.accounts, same_as
                ):
                    return None
            self.mark("decode", None, frame.time_s)
        return number

    def _watched(self, frames: Iterator[Frame], watch: FileWatch) -> Iterator[Frame]:
        """Frames, as long as their file stays what it was: looked at between slices."""
        last: int | None = None
        for frame in frames:
            number = slice_of(frame.time_s, self.how.slice_s)
            if last is not None and number != last:
                watch.check()
            last = number
            yield frame

    def _wanted_frames(self, reader: Reader) -> Iterator[Frame]:
        """Frames from the first wanted slice on, numbered as in an uninterrupted reading."""
        first = min((consumer.want for consumer in self.consumers), key=lambda want: want.next_slice)
        start_s = first.next_slice * self.how.slice_s
        self.mark("decode", None, start_s)
        if self._is_sampled(reader):
            yield from sampled_frames(reader, self.how.sampling, start_s, self.step)
            return
        if first.next_slice == 0:
            yield from reader.frames()
            return
        for index, frame in enumerate(reader.frames(start_s), start=first.frames_before):
            yield replace(frame, index=index)

    def _is_sampled(self, reader: Reader) -> bool:
        return sampling_for(reader, self.how.sampling).chosen != ALL_FRAMES

    def _notes(self, reader: Reader) -> tuple[str, ...]:
        """What a user should know where a sampling has found nothing to look at."""
        begun = any(consumer.want.next_slice for consumer in self.consumers)
        if reader.accounts.decoded or begun or not self._is_sampled(reader):
            return ()
        return (nothing_in_range(self.how.sampling, reader.info),)

    def _submit(
        self,
        consumer: Consumer,
        number: int,
        frame: Frame,
        accounts: DecodeAccounts,
        same_as: int | None,
    ) -> bool:
        """Hand a frame to a model, or have its stream repeat the answer to the frame `same_as`."""
        since = None if self.how.sampling.chosen == ALL_FRAMES else consumer.want.next_slice
        if same_as is not None:
            consumer.stream.repeat(number, Repeat(frame.index, frame.time_s, frame.duration_s, same_as))
            self.step()
            return True
        consumer.stream.expect(number, accounts, frame.index, since)
        return self.put(Sample(consumer, number, frame, None, accounts))
