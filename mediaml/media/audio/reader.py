"""Sound, also that of a video, as log-mel spectrograms of overlapping windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import MediaError, NoSoundError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.model_input import SoundInput
from mediaml.media.audio.windows import resampled, windows
from mediaml.media.clock import origin_s, starts_at_s, stated_duration_s
from mediaml.media.decode import Decoding, Tally, first_decoded
from mediaml.media.joints import JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import audio_stream, is_live, no_decoder, open_container
from mediaml.media.timeline import Stamp, Timeline
from mediaml.media.truncation import check_parts, check_whole
from mediaml.ops.fitting import fit_image
from mediaml.ops.spectrogram import log_mel, spectrogram_picture


@dataclass(frozen=True, slots=True, eq=False)
class SpectrogramPixels:
    """A picture of log-mel values, float32 [mels, steps], low frequencies at the bottom."""

    spectrogram: Float32Array = field(repr=False)

    def image(self) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        return spectrogram_picture(self.spectrogram)

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        """See `mediaml.core.frame.Pixels`."""
        return fit_image(self.image(), width, height, fit, pad=pad, resample=resample)


def sound_of(path: Location, container: InputContainer) -> AudioStream:
    """The audio stream that is read.

    Raises:
        MediaError: there is none, or no decoder for it.
    """
    stream = audio_stream(container)
    if stream is None:
        raise NoSoundError(f"{path} holds no sound.", "Leave the file out, or read it as what it is.")
    if stream.codec_context is None:
        raise no_decoder(path, stream)
    return stream


def sound_info(path: Location, container: InputContainer) -> MediaInfo:
    """What the header says of the sound of a file.

    Raises:
        MediaError: see `sound_of`.
    """
    stream = sound_of(path, container)
    return MediaInfo(
        path=str(path),
        kind=Kind.AUDIO,
        duration_s=stated_duration_s(container, stream),
        sample_rate=stream.codec_context.sample_rate or None,
        audio_tracks=len(container.streams.audio),
        container=container.format.name,
        codec=stream.codec.canonical_name,
        start_s=starts_at_s(container, stream),
    )


class AudioReader(AbstractContextManager["AudioReader"]):
    """Reads the first audio stream of a file in windows; see `mediaml.media.reader.Reader`.

    Raises:
        MediaError: see `open_reader`.
    """

    def __init__(self, path: Location, spec: SoundInput, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self._path = path
        self._spec = spec
        self._limits = limits
        self._joints = JointFinder(path, limits)
        self._tally = Tally()
        self._closed = False
        self._container: InputContainer | None = open_container(path, limits)
        self._live = is_live(path, self._container)
        self._fresh = True
        try:
            self._info = sound_info(path, self._container)
        except MediaError:
            self.close()
            raise

    @property
    def info(self) -> MediaInfo:
        """See `Reader.info`."""
        return self._info

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`; a header does not say how many windows there are."""
        return self._tally.accounts()

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """See `Reader.frames`. Sound before `start_s` is decoded and dropped.

        That costs little and keeps windows the same to the last bit: a decoder or resampler that starts
        in the middle gives other samples.
        """
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        # A live stream has no earlier part: see the reader of videos.
        shift_s, start_s = (start_s, 0.0) if self._live else (0.0, start_s)
        container = self._begin()
        stream = sound_of(self._path, container)
        base = stream.time_base or Fraction(1, stream.codec_context.sample_rate or 1)
        origin = origin_s(container)
        timeline = Timeline(base, None if origin is None else origin / base, None)
        decoding = Decoding(container, stream, self._path, self._tally, self._joints)
        placed = timeline.place(self._decoded(decoding), self._tally, since_s=start_s)
        end_s = begins_s = self._info.start_s or 0.0
        cut = windows(resampled(placed, self._spec.sample_rate), self._spec)
        for index, window in enumerate(cut):
            end_s = window.time_s + window.duration_s
            if window.time_s < start_s and start_s > 0:
                continue
            self._tally.decoded += 1
            spectrogram = log_mel(window.samples, self._spec)
            mels, steps = spectrogram.shape
            yield Frame(
                index,
                window.time_s + shift_s,
                window.duration_s,
                self._info,
                width=steps,
                height=mels,
                pixels=SpectrogramPixels(spectrogram),
                spectrogram=spectrogram,
            )
        # The duration of a WAV file is counted from the bytes that are there.
        is_wav = self._info.container == "wav"
        end_s -= begins_s  # A stream's duration counts from its own start.
        check_whole(self._path, self._info.duration_s, end_s, missing=decoding.missing, fewer=is_wav)
        if decoding.is_joined:
            check_parts(self._path)

    def _decoded(self, decoding: Decoding) -> Iterator[tuple[Stamp, AudioFrame]]:
        frames = iter(decoding)
        first = first_decoded(frames, self._path, "sound")
        yield _stamp(first), first
        for frame in frames:
            yield _stamp(frame), frame

    def _begin(self) -> InputContainer:
        """A container at the start: the one that told the header, if nothing was taken from it yet."""
        if self._container is None or not self._fresh:
            self._end()
            self._container = open_container(self._path, self._limits)
        self._fresh = False
        self._tally = Tally()
        return self._container

    def _end(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = None

    def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        self._end()

    def __exit__(self, *_: object) -> None:
        self.close()


def _stamp(frame: AudioFrame) -> Stamp:
    """The time stamps of decoded sound; its duration from the samples, which decoders trim."""
    base = frame.time_base
    ticks = round(frame.samples / (frame.sample_rate * base)) if base and frame.sample_rate else None
    return Stamp(frame.pts, frame.dts, ticks)
