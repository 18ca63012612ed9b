"""The reader threads' work: decode a source once, for every model that wants its frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import ChangedError, NoAudioError
from mediaml.core.frame import Frame
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.sampling import ALL_FRAMES
from mediaml.core.slices import slice_of
from mediaml.core.work import Failure, Job, Stage
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.media.reader import Reader, decoding_bytes, open_reader
from mediaml.media.sampled import Step, no_step, nothing_in_range, sampled_frames, sampling_for
from mediaml.pipeline.reading import ReadingChoice
from mediaml.pipeline.sample import Consumer, Mark, Put, Sample, no_mark
from mediaml.pipeline.still import StillFrames
from mediaml.pipeline.stream import Repeat


def default_readers(workers: int = 1) -> int:
    """Reader threads of each of so many workers: a few, for decoders have threads of their own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
    return max(2, min(8, cores // workers))


_BEFORE_S = 1.0
"""How long before a time the frame is first looked for that is shown then, seconds."""

Room = Callable[[int], AbstractContextManager[bool]]
"""Uses bytes of memory for the length of a `with` block."""


def _unbounded(_size: int) -> AbstractContextManager[bool]:
    return nullcontext(True)


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
        try:
            for frame in self._watched(self._wanted_frames(reader), watch):
                number = slice_of(frame.time_s, self.how.slice_s)
                live = [consumer for consumer in self.consumers if not consumer.stream.failed]
                if not live:
                    return None
                live = [consumer for consumer in live if not consumer.is_done(number)]
                if not live:
                    return number
                same_as = still.same_as(frame, number)
                if not all(
                    self._give(consumer, frame, number, reader.accounts, same_as) for consumer in live
                ):
                    return None
                self.mark("decode", None, frame.time_s)
        except ChangedError:
            raise
        except Exception:
            # What was read is still answered, also in clips that are cut off here.
            self._end_clips(reader.accounts)
            raise
        return number if self._end_clips(reader.accounts) else None

    def _give(
        self, consumer: Consumer, frame: Frame, number: int, accounts: DecodeAccounts, same_as: int | None
    ) -> bool:
        """Give a frame, or the clips that it completes, to a model; false when the run is stopping."""
        if consumer.clipper is not None:
            return self._give_clips(consumer, consumer.clipper.add(frame), accounts)
        want = consumer.want
        if number < want.next_slice or not want.is_before_end(number):
            return True
        return self._submit(consumer, number, frame, accounts, same_as)

    def _give_clips(self, consumer: Consumer, clips: Iterator[Frame], accounts: DecodeAccounts) -> bool:
        while True:
            try:
                clip = next(clips, None)
            except Exception as error:  # noqa: BLE001  a frame that cannot be fitted costs this model, not others
                consumer.stream.fail(Failure.of("prepare", error), accounts, consumer.want.next_slice)
                return True
            if clip is None:
                return True
            if not self._submit(consumer, slice_of(clip.time_s, self.how.slice_s), clip, accounts):
                return False

    def _end_clips(self, accounts: DecodeAccounts) -> bool:
        """Hand on the clips that the end of the file cuts off; false when the run is stopping."""
        return all(
            self._give_clips(consumer, consumer.clipper.end(), accounts)
            for consumer in self.consumers
            if consumer.clipper is not None and not consumer.stream.failed
        )

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
        """Frames from the first wanted one on, numbered as in an uninterrupted reading."""
        start_s = self._start_s()
        self.mark("decode", None, start_s)
        if self._is_sampled(reader):
            yield from sampled_frames(reader, self.how.sampling, start_s, self.step)
            return
        if start_s <= 0:
            yield from reader.frames()
            return
        numbered = [consumer.want for consumer in self.consumers if consumer.clipper is None]
        first = min(numbered, key=lambda want: want.next_slice, default=None)
        index = 0 if first is None else first.frames_before
        for frame in self._frames_from(reader, start_s):
            if first is None or slice_of(frame.time_s, self.how.slice_s) < first.next_slice:
                yield frame
            else:
                yield replace(frame, index=index)
                index += 1

    def _start_s(self) -> float:
        """Time of the first frame that a model wants; 0 for all of them."""
        starts = [
            consumer.want.next_slice * self.how.slice_s
            if consumer.clipper is None
            else consumer.clipper.from_s or 0.0
            for consumer in self.consumers
        ]
        return min(starts)

    def _frames_from(self, reader: Reader, start_s: float) -> Iterator[Frame]:
        """Frames from a time on; where clips are made, with the one that is shown then, or all."""
        if all(consumer.clipper is None for consumer in self.consumers):
            return reader.frames(start_s)
        before_s = _BEFORE_S
        while before_s < start_s:
            frames = reader.frames(start_s - before_s)
            first = next(frames, None)
            if first is not None and first.time_s <= start_s:
                return chain([first], frames)
            before_s *= 8
        return reader.frames()

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
        same_as: int | None = None,
    ) -> bool:
        """Hand a frame to a model, or have its stream repeat the answer to the frame `same_as`."""
        since = None if self.how.sampling.chosen == ALL_FRAMES else consumer.want.next_slice
        if same_as is not None:
            consumer.stream.repeat(number, Repeat(frame.index, frame.time_s, frame.duration_s, same_as))
            self.step()
            return True
        consumer.stream.expect(number, accounts, frame.index, since)
        return self.put(Sample(consumer, number, frame, None, accounts))
