"""Sound: nothing is lost between windows, the right sound is at the right time, whatever the file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError
from mediaml.media.audio.reader import AudioReader
from mediaml.media.audio.windows import Chunk, Window, windows
from mediaml.ops.spectrogram import log_mel
from tests.support.media.ffmpeg import ffmpeg, mixed_by_ffmpeg
from tests.support.media.material import tone, write_sound, write_video, write_wav

SPEC = AudioInput()
SMALL = AudioInput(sample_rate=100, window_s=0.5, hop_s=0.2, fft_s=0.1, step_s=0.05, mels=4, band=(1.0, 50.0))


def cut(samples: np.ndarray, pieces: list[int], spec: AudioInput) -> list[Window]:
    chunks, at = [], 0
    for number, piece in enumerate([*pieces, len(samples)]):
        chunks.append(Chunk(samples[at : at + piece], 0.0 if number == 0 else None))
        at += piece
    return list(windows(chunks, spec))


@settings(max_examples=60)
@given(
    st.integers(0, 400),
    st.lists(st.integers(0, 90), max_size=12),
    st.sampled_from([0.1, 0.2, 0.5, 0.8]),
)
def test_every_sample_is_in_a_window(count: int, pieces: list[int], hop_s: float) -> None:
    spec = AudioInput(
        sample_rate=100, window_s=0.5, hop_s=hop_s, fft_s=0.1, step_s=0.05, mels=4, band=(1.0, 50.0)
    )
    samples = np.arange(1, count + 1, dtype=np.float32)
    found = cut(samples, pieces, spec)
    covered: set[int] = set()
    for number, window in enumerate(found):
        start = number * spec.hop_samples
        assert window.time_s == pytest.approx(start / 100)
        expected = samples[start : start + spec.window_samples]
        assert window.duration_s == pytest.approx(len(expected) / 100)
        np.testing.assert_array_equal(window.samples[: len(expected)], expected)
        assert not window.samples[len(expected) :].any()
        covered |= set(range(start, start + len(expected)))
    if hop_s <= spec.window_s:
        assert count - len(covered) < spec.step_samples
    assert bool(found) == (count > 0)


def test_sound_shorter_than_a_window_gives_one(tmp_path: Path) -> None:
    with AudioReader(write_wav(tmp_path / "a.wav", tone(0.25, 16_000), 16_000), SPEC) as reader:
        (frame,) = reader.frames()
    assert (frame.time_s, frame.duration_s) == (0.0, 0.25)
    assert frame.spectrogram is not None and frame.spectrogram.shape == (64, 98)


def test_exactly_one_window_gives_one(tmp_path: Path) -> None:
    for rate in (16_000, 44_100, 8_000):
        with AudioReader(write_wav(tmp_path / "a.wav", tone(1.0, rate), rate), SPEC) as reader:
            assert len(list(reader.frames())) == 1


def test_spectrograms_are_those_of_the_samples(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, 40_000).astype(np.float32)
    path = write_wav(tmp_path / "a.wav", samples, 16_000)
    exact = (samples * 32767).round() / 32768
    with AudioReader(path, SPEC) as reader:
        frames = list(reader.frames())
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 1.0, 1.5]
    for frame in frames:
        start = round(frame.time_s * 16_000)
        expected = log_mel(exact[start : start + 16_000].astype(np.float32), SPEC)
        assert frame.spectrogram is not None
        np.testing.assert_allclose(frame.spectrogram, expected, atol=1e-4)


FORMATS: dict[str, tuple[str, str, int, str]] = {
    "wav 8": ("a.wav", "pcm_u8", 8_000, "mono"),
    "wav 16": ("a.wav", "pcm_s16le", 44_100, "stereo"),
    "wav 24": ("a.wav", "pcm_s24le", 48_000, "stereo"),
    "wav 32": ("a.wav", "pcm_s32le", 16_000, "mono"),
    "wav float": ("a.wav", "pcm_f32le", 22_050, "stereo"),
    "wav 5.1": ("a.wav", "pcm_s16le", 48_000, "5.1"),
    "flac": ("a.flac", "flac", 44_100, "stereo"),
    "mp3": ("a.mp3", "libmp3lame", 44_100, "stereo"),
    "opus": ("a.opus", "libopus", 48_000, "stereo"),
    "aac": ("a.m4a", "aac", 48_000, "stereo"),
    "matroska": ("a.mka", "aac", 44_100, "mono"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_tone_is_as_loud_and_as_high_in_every_format(name: str, tmp_path: Path) -> None:
    file, codec, rate, layout = FORMATS[name]
    path = write_sound(tmp_path / file, 2.0, codec=codec, rate=rate, layout=layout)
    expected = log_mel(tone(1.0, 16_000), SPEC)[:, 20:80].mean(1)
    with AudioReader(path, SPEC) as reader:
        frames = list(reader.frames())
        assert reader.info.duration_s == pytest.approx(2.0, abs=0.1)
        assert (reader.info.sample_rate, reader.info.audio_tracks) == (rate, 1)
    assert [frame.time_s for frame in frames[:3]] == [0.0, 0.5, 1.0]
    middle = frames[1].spectrogram
    assert middle is not None
    profile = middle[:, 20:80].mean(1)
    assert profile.argmax() == expected.argmax()
    assert abs(profile.max() - expected.max()) < 0.15  # 0.65 dB


def test_an_event_is_at_its_time(tmp_path: Path) -> None:
    samples = np.zeros(5 * 44_100, np.float32)
    samples[round(3.2 * 44_100) : round(3.3 * 44_100)] = tone(0.1, 44_100)
    with AudioReader(write_wav(tmp_path / "a.wav", samples, 44_100), SPEC) as reader:
        loud = [
            frame.time_s + SPEC.step_s * step
            for frame in reader.frames()
            if frame.spectrogram is not None
            for step in np.flatnonzero(frame.spectrogram.max(0) > -4)
        ]
    assert min(loud) == pytest.approx(3.2, abs=0.03)
    assert max(loud) == pytest.approx(3.3, abs=0.03)


def test_silence_that_was_left_out_keeps_later_sound_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=16_000)
        stream.layout = "mono"
        for start in (0, 5 * 16_000):
            frame = av.AudioFrame.from_ndarray(
                (tone(1.2, 16_000)[None] * 32767).astype(np.int16), "s16", "mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with AudioReader(path, SPEC) as reader:
        frames = [
            (frame.index, round(frame.time_s, 3), round(frame.duration_s, 3)) for frame in reader.frames()
        ]
        assert reader.accounts.gaps == 1
    assert frames == [(0, 0.0, 1.0), (1, 0.5, 0.7), (2, 5.0, 1.0), (3, 5.5, 0.7)]


def test_picture_of_sound(tmp_path: Path) -> None:
    with AudioReader(write_wav(tmp_path / "a.wav", tone(1.0, 16_000), 16_000), SPEC) as reader:
        (frame,) = reader.frames()
    assert (frame.width, frame.height) == (98, 64)
    rows = frame.image.mean((1, 2))
    assert rows.argmax() > 40  # A low tone is near the bottom.


def test_no_sound(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="has no audio"):
        AudioReader(write_video(tmp_path / "a.mp4"), SPEC)


def test_sound_that_was_cut_off(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(4.0, 16_000), 16_000)
    path.write_bytes(path.read_bytes()[:80_000])
    with AudioReader(path, SPEC) as reader, pytest.raises(MediaError, match="cut off"):
        list(reader.frames())


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    from mediaml.core.media import Kind
    from mediaml.media.sniff import sniff_kind
    from mediaml.media.video.reader import VideoReader

    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        cover: Any = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        stream: Any = container.add_stream("aac", rate=48_000)
        frame = av.VideoFrame(32, 32, "rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode(None))
        sound = av.AudioFrame.from_ndarray(np.tile(tone(1.0, 48_000), (2, 1)), "fltp", "stereo")
        sound.sample_rate = 48_000
        resampler = av.AudioResampler("fltp", "stereo", 48_000, 1024)
        for part in (sound, None):
            for piece in resampler.resample(part):
                container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    assert sniff_kind(path) is Kind.AUDIO
    with pytest.raises(MediaError, match="no video"):
        VideoReader(path)
    with AudioReader(path, SPEC) as reader:
        assert len(list(reader.frames())) in (1, 2)


def test_audio_behind_the_video_keeps_what_its_decoder_holds_back(tmp_path: Path) -> None:
    path = tmp_path / "a.wmv"
    clip = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1:r=44100")
    ffmpeg(*clip, "-c:v", "wmv2", "-c:a", "wmav2", path)
    samples = len(mixed_by_ffmpeg(path))
    with AudioReader(path, AudioInput(window_s=0.5, hop_s=0.5)) as reader:
        heard_s = sum(window.duration_s for window in reader.windows())
    assert heard_s == pytest.approx(samples / 44_100, abs=0.01)
