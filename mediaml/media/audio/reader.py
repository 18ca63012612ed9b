"""Audio, also that of a video, as log-mel spectrograms of overlapping windows."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, MediaInfo
from mediaml.core.track import TrackChoice
from mediaml.media.audio.channels import layout_of
from mediaml.media.audio.tracks import audio_info, tracks_of
from mediaml.media.audio.windows import Window, resampled, windows
from mediaml.media.clock import origin_s, starts_at_s, stated_duration_s
from mediaml.media.decode import Decoding, Tally, first_decoded
from mediaml.media.joints import JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import is_live, open_container, sample_rate
from mediaml.media.timeline import Stamp, Timeline
from mediaml.media.truncation import check_parts, check_whole, noted
from mediaml.ops.fitting import fit_image
from mediaml.ops.spectrogram import display_input, log_mel, spectrogram_picture


@dataclass(frozen=True, slots=True, eq=False)
class SpectrogramPixels:
    """An image of the spectrogram of samples, float32 [n], low ones at the bottom; see `display_input`."""

    samples: Float32Array = field(repr=False)
    spec: AudioInput

    def image(self) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        return spectrogram_picture(log_mel(self.samples, self.spec))

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        return fit_image(self.image(), width, height, fit, pad=pad, resample=resample)


class _TrackPass:
    """One pass over one audio track of an open container, on the clock that all its tracks share.

    Args:
        path: the file.
        container: at its start.
        stream: the track.
        spec: how to cut it into windows.
        joints: of the file.

    Attributes:
        number: of the track, from 1.
        tally: what was met.
    """

    def __init__(
        self,
        path: Location,
        container: InputContainer,
        stream: AudioStream,
        spec: AudioInput,
        joints: JointFinder,
    ) -> None:
        self._path = path
        self._container = container
        self._stream = stream
        self._spec = spec
        self._joints = joints
        self.number = 1 + list(container.streams.audio).index(stream)
        self.tally = Tally()

    def windows(self, start_s: float) -> Iterator[Window]:
        """All windows; damage counts from `start_s` on.

        Raises:
            MediaError: nothing can be decoded, or the end is missing; see also `check_parts`.
        """
        container, stream = self._container, self._stream
        base = stream.time_base or Fraction(1, sample_rate(stream) or 1)
        origin = origin_s(container)
        timeline = Timeline(base, None if origin is None else origin / base, None)
        decoding = Decoding(container, stream, self._path, self.tally, self._joints)
        placed = timeline.place(self._decoded(decoding), self.tally, since_s=start_s)
        end_s = begins_s = starts_at_s(container, stream) or 0.0
        chunks = resampled(placed, self._spec.sample_rate, layout=layout_of(stream))
        for window in windows(chunks, self._spec):
            end_s = window.time_s + window.duration_s
            yield window
        check_whole(
            self._path,
            stated_duration_s(container, stream),
            end_s - begins_s,  # A stream's duration counts from its own start.
            container=container.format.name,
            missing=decoding.missing,
        )
        if decoding.is_joined:
            check_parts(self._path)
        self.tally.notes = noted(self._path, container.format.name)

    def _decoded(self, decoding: Decoding) -> Iterator[tuple[Stamp, AudioFrame]]:
        frames = iter(decoding)
        first = first_decoded(frames, self._path, "audio")
        yield _stamp(first), first
        for frame in frames:
            yield _stamp(frame), frame


class AudioReader(AbstractContextManager["AudioReader"]):
    """Reads the audio of a file in windows; see `mediaml.media.reader.Reader`.

    Where all tracks are chosen, their windows come in order of time, each with the number of its track.

    Raises:
        MediaError: see `open_reader`.
    """

    def __init__(
        self,
        path: Location,
        spec: AudioInput,
        *,
        limits: Limits = Limits(),  # noqa: B008
        track: TrackChoice = TrackChoice(),  # noqa: B008
    ) -> None:
        self._path = path
        self._spec = spec
        self._limits = limits
        self._joints = JointFinder(path, limits)
        self._track = track
        self._passes: list[_TrackPass] = []
        self._closed = False
        self._containers = [open_container(path, limits)]
        self._live = is_live(path, self._containers[0])
        self._fresh = True
        try:
            self._info = audio_info(path, self._containers[0], track)
        except MediaError:
            self.close()
            raise

    @property
    def info(self) -> MediaInfo:
        """See `Reader.info`."""
        return self._info

    @property
    def is_live(self) -> bool:
        """Whether it is a stream without an end, which is read from now on."""
        return self._live

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`; a header does not say how many windows there are."""
        tallies = [one.tally for one in self._passes]
        return DecodeAccounts(
            decoded=sum(tally.decoded for tally in tallies),
            corrupt=sum(tally.corrupt for tally in tallies),
            gaps=sum(tally.gaps for tally in tallies),
            notes=tuple(dict.fromkeys(note for tally in tallies for note in tally.notes)),
        )

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """See `Reader.frames`. Audio before `start_s` is decoded and dropped.

        That costs little and keeps windows the same to the last bit: a decoder or resampler that starts
        in the middle gives other samples.
        """
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        shift_s, start_s = (start_s, 0.0) if self._live else (0.0, start_s)
        self._begin()
        spec, shown = self._spec, display_input(self._spec)
        for index, (window, track) in enumerate(self._merged(start_s)):
            if window.time_s < start_s and start_s > 0:
                continue
            track.tally.decoded += 1
            yield Frame(
                index,
                window.time_s + shift_s,
                window.duration_s,
                self._info,
                width=shown.steps,
                height=shown.mels,
                pixels=SpectrogramPixels(window.samples, shown),
                samples=window.samples,
                spectrogram=log_mel(window.samples, spec) if spec.features == "log-mel" else None,
                track=track.number if self._track.every else None,
            )

    def windows(self) -> Iterator[Window]:
        """The samples behind `frames`, from the start on: a new pass, which ends an unfinished one.

        Raises:
            MediaError: see `Reader.frames`.
            ValueError: the reader is closed.
        """
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        self._begin()
        for window, track in self._merged(0.0):
            track.tally.decoded += 1
            yield window

    def _merged(self, start_s: float) -> Iterator[tuple[Window, _TrackPass]]:
        """The windows of all tracks by time, those of the same time by track."""

        def numbered(track: _TrackPass) -> Iterator[tuple[Window, _TrackPass]]:
            for window in track.windows(start_s):
                yield window, track

        return heapq.merge(*map(numbered, self._passes), key=lambda pair: pair[0].time_s)

    def _begin(self) -> None:
        """New passes from the start: the first with the container that told the header, if that is fresh."""
        if not self._fresh:
            self._end()
            self._containers.append(open_container(self._path, self._limits))
        self._fresh = False
        streams = tracks_of(self._path, self._containers[0], self._track)
        while len(self._containers) < len(streams):
            self._containers.append(open_container(self._path, self._limits))
        self._passes = [
            _TrackPass(
                self._path,
                container,
                tracks_of(self._path, container, self._track)[place],
                self._spec,
                self._joints,
            )
            for place, container in enumerate(self._containers)
        ]

    def _end(self) -> None:
        while self._containers:
            self._containers.pop().close()

    def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        self._end()

    def __exit__(self, *_: object) -> None:
        self.close()


def _stamp(frame: AudioFrame) -> Stamp:
    """The time stamps of decoded audio; its duration from the samples, which decoders trim."""
    base = frame.time_base
    ticks = round(frame.samples / (frame.sample_rate * base)) if base and frame.sample_rate else None
    return Stamp(frame.pts, frame.dts, ticks)
