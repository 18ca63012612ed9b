"""Audio of any number of channels is mixed as `ffmpeg -ac 1` does, and none of it ends the process."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.arrays import Float32Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.media import Kind
from mediaml.media.audio.channels import MonoMix, layout_of
from mediaml.media.limits import Limits
from mediaml.media.open import open_container
from mediaml.media.reader import open_reader
from mediaml.media.write.side_streams import SideStreams
from tests.support.media.annotated_clips import ffprobe
from tests.support.media.ffmpeg import chord, ffmpeg, mixed_by_ffmpeg

ROUNDED = 4e-5
"""Twice what 16 bits round off."""


def mixed(path: Path) -> Float32Array:
    with open_container(path, Limits()) as container:
        stream = container.streams.audio[0]
        mix = MonoMix(layout_of(stream))
        return np.concatenate([mix.mix(frame) for frame in container.decode(stream)])


def rendered(folder: Path, name: str, codec: str, channels: int) -> Path:
    path = folder / name
    ffmpeg(*chord(channels, 0.2), "-c:a", codec, path)
    return path


# PCM in MOV and CAF has a layout of its own order; AAC and WavPack are planar.
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.mov", "pcm_s16le"),
        ("a.caf", "pcm_s24be"),
        ("a.mkv", "pcm_f32le"),
        ("a.flac", "flac"),
        ("a.m4a", "aac"),
        ("a.wv", "wavpack"),
    ],
)
def test_the_mix_is_that_of_ffmpeg(name: str, codec: str, channels: int, tmp_path: Path) -> None:
    path = rendered(tmp_path, name, codec, channels)
    expected = mixed_by_ffmpeg(path)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(mixed(path), expected, atol=ROUNDED)


@pytest.mark.parametrize(
    ("name", "codec", "channels"),
    [
        ("a.wav", "pcm_s16le", 9),
        ("a.wav", "pcm_s16le", 16),
        ("a.wav", "pcm_s16le", 24),
        ("a.mov", "pcm_s24le", 9),
        ("a.tta", "tta", 9),
        ("a.tta", "tta", 16),
    ],
)
def test_of_many_channels_without_positions_the_mean_is_taken(
    name: str, codec: str, channels: int, tmp_path: Path
) -> None:
    path = rendered(tmp_path, name, codec, channels)
    raw = ffmpeg("-i", path, "-f", "f32le", "-")
    expected = np.frombuffer(raw, "<f4").reshape(-1, channels).mean(1)
    np.testing.assert_allclose(mixed(path), expected, atol=ROUNDED)


def test_sixteen_channels_with_positions(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    ffmpeg(*chord(16, 0.2), "-af", "aformat=channel_layouts=hexadecagonal", "-c:a", "aac", path)
    assert np.abs(mixed(path)).max() > 0.1


@pytest.mark.parametrize("sample_format", ["u8p", "s16p", "s32p", "s64p", "fltp", "dblp", "s64", "dbl"])
def test_every_sample_format(sample_format: str) -> None:
    tone = (0.5 * np.sin(np.arange(4096) / 7)).astype(np.float32)
    source = av.AudioFrame.from_ndarray(np.tile(tone, (8, 1))[:1], "fltp", "mono")
    source.sample_rate = 48_000
    resampler = av.AudioResampler(sample_format, "7.1", 48_000)
    frames = [*resampler.resample(source), *resampler.resample(None)]
    mix = MonoMix()
    found = np.concatenate([mix.mix(frame) for frame in frames])
    # A mono source goes to the centre alone, or to all: what matters is the tone, in its shape.
    found *= np.abs(tone).max() / np.abs(found).max()
    np.testing.assert_allclose(found, tone, atol=0.02 if sample_format == "u8p" else 1e-3)


def test_stereo_is_averaged() -> None:
    left, right = np.full(100, 0.5, np.float32), np.full(100, -0.1, np.float32)
    for sample_format in ("fltp", "flt"):
        planar = np.stack([left, right])
        array = planar if sample_format == "fltp" else planar.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), sample_format, "stereo")
        frame.sample_rate = 8_000
        np.testing.assert_allclose(MonoMix().mix(frame), 0.2, atol=1e-6)


def test_no_number_is_not_loud() -> None:
    array = np.array([[np.nan, np.inf, -np.inf, 7.0]], np.float32)
    samples = MonoMix().mix(av.AudioFrame.from_ndarray(array, "flt", "mono"))
    assert samples.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_channels_that_change_on_the_way() -> None:
    mix = MonoMix()
    for layout, channels in (("stereo", 2), ("7.1", 8), ("mono", 1), ("5.1", 6), ("7.1", 8)):
        frame = av.AudioFrame.from_ndarray(np.full((1, 480 * channels), 0.25, np.float32), "flt", layout)
        frame.sample_rate = 48_000
        np.testing.assert_allclose(mix.mix(frame), 0.25, atol=1e-6)


CLIP = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.5")


@pytest.mark.parametrize(
    ("name", "codec", "channels"),
    [
        *(("a.mov", "pcm_s24le", channels) for channels in (7, 8, 9, 16)),
        *(("a.mkv", "pcm_s16le", channels) for channels in (7, 8, 9, 16)),
        ("a.mp4", "aac", 7),
        ("a.mp4", "aac", 8),
    ],
)
def test_a_video_with_many_channels_is_read_and_copied(
    name: str, codec: str, channels: int, tmp_path: Path
) -> None:
    path, copy = tmp_path / name, tmp_path / "copy.mp4"
    ffmpeg(*CLIP, *chord(channels, 0.5), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", codec, path)
    with open_reader(path, Kind.AUDIO, audio=AudioInput()) as reader:
        assert len(list(reader.frames())) == 1
    with closing(SideStreams(path, Limits())) as side, av.open(str(copy), "w") as output:
        side.board(output, side.container.streams.video[0].index, Fraction(0))
        for packet in side.until(None):
            output.mux(packet)
        assert side.audio_copied + side.audio_encoded == 1
    (audio,) = ffprobe(copy, "-select_streams", "a", "-show_streams")["streams"]
    assert float(audio["duration"]) == pytest.approx(0.5, abs=0.03)
    assert np.abs(mixed_by_ffmpeg(copy)).max() > 0.05


def test_a_time_code_is_not_taken_over(tmp_path: Path) -> None:
    """MP4's muxer would make a track of it, and refuses the rate of a copy for that."""
    path = tmp_path / "a.mov"
    ffmpeg(*CLIP, "-timecode", "01:00:00:00", "-c:v", "mpeg4", path)
    with closing(SideStreams(path, Limits())) as side, av.open(str(tmp_path / "copy.mp4"), "w") as output:
        output.add_stream("libx264", rate=60_000, width=64, height=48, pix_fmt="yuv420p")
        side.board(output, 0, Fraction(0))
        assert "timecode" in side.container.metadata | side.container.streams.video[0].metadata
        assert "timecode" not in output.metadata
