"""Which of several tracks is read: the default one, or the chosen; broken tracks are named plainly."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError, NoAudioError, UsageError
from mediaml.core.media import Kind
from mediaml.core.track import TrackChoice
from mediaml.media.limits import Limits
from mediaml.media.open import audio_streams, open_container
from mediaml.media.probe import probe
from mediaml.media.reader import open_reader
from mediaml.media.video.pixels import orientation_of
from mediaml.media.video.reader import VideoReader
from tests.support.media.annotated_clips import ffprobe
from tests.support.media.ffmpeg import ffmpeg
from tests.support.media.material import write_video

SPEC = AudioInput()
TONES = {1: 300, 2: 1_000, 3: 3_000}


def tracks(path: Path, *how: str) -> Path:
    """Three tones in English, German and Spanish, beside a video."""
    tones = [part for hertz in TONES.values() for part in ("-f", "lavfi", "-i", f"sine={hertz}:r=16000:d=2")]
    maps = [part for number in TONES for part in ("-map", f"{number}:a")]
    tags = [
        part
        for place, language in enumerate(("eng", "ger" if path.suffix == ".mkv" else "deu", "spa"))
        for part in (f"-metadata:s:a:{place}", f"language={language}")
    ]
    clip = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=2", *tones, "-map", "0:v", *maps)
    ffmpeg(*clip, "-pix_fmt", "yuv420p", "-c:a", "aac", *tags, *how, path)
    return path


def heard(path: Path, choice: TrackChoice) -> list[tuple[int | None, float, int]]:
    """Track, time and number of the tone of each window."""
    found = []
    with open_reader(path, Kind.AUDIO, audio=SPEC, track=choice) as reader:
        for index, frame in enumerate(reader.frames()):
            assert frame.index == index and frame.spectrogram is not None
            loudest = int(frame.spectrogram[:, 20:40].mean(1).argmax())
            found.append((frame.track, frame.time_s, loudest))
    bands = [pure_band(hertz) for hertz in TONES.values()]
    return [
        (track, time_s, 1 + int(np.abs(np.subtract(bands, band)).argmin())) for track, time_s, band in found
    ]


def pure_band(hertz: int) -> int:
    """The mel band of a tone."""
    from mediaml.ops.spectrogram import log_mel
    from tests.support.media.material import tone

    return int(log_mel(tone(1.0, 16_000, hertz), SPEC)[:, 20:40].mean(1).argmax())


DEFAULT_2 = ("-disposition:a:0", "0", "-disposition:a:1", "default", "-disposition:a:2", "0")


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_the_default_track_is_read(name: str, tmp_path: Path) -> None:
    path = tracks(tmp_path / name, *DEFAULT_2)
    assert {tone for _, _, tone in heard(path, TrackChoice())} == {2}
    assert all(track is None for track, _, _ in heard(path, TrackChoice()))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
@pytest.mark.parametrize(
    ("choice", "tone"), [("1", 1), ("3", 3), ("deu", 2), ("GER", 2), ("spa", 3), ("eng-US", 1)]
)
def test_a_track_is_chosen_by_number_or_language(name: str, choice: str, tone: int, tmp_path: Path) -> None:
    path = tracks(tmp_path / name)
    assert {found for _, _, found in heard(path, TrackChoice.parse(choice))} == {tone}


def test_without_a_mark_the_first_is_read(tmp_path: Path) -> None:
    path = tracks(tmp_path / "a.ts")
    assert {tone for _, _, tone in heard(path, TrackChoice())} == {1}


def test_all_tracks_come_in_order_of_time(tmp_path: Path) -> None:
    found = heard(tracks(tmp_path / "a.mkv"), TrackChoice.parse("all"))
    assert [track for track, _, _ in found] == [tone for _, _, tone in found]
    assert [(time_s, track) for track, time_s, _ in found] == sorted(
        (time_s, track) for track, time_s, _ in found
    )
    assert {track for track, _, _ in found} == {1, 2, 3}


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_tracks_are_on_the_clock_of_the_file(name: str, tmp_path: Path) -> None:
    """A track that starts later than the others, as ffprobe says it, also where it is the only one read."""
    path = tmp_path / name
    late = ("-itsoffset", "1", "-f", "lavfi", "-i", f"sine={TONES[3]}:r=16000:d=2")
    clip = (
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x48:r=10:d=3",
        "-f",
        "lavfi",
        "-i",
        f"sine={TONES[1]}:r=16000:d=2",
    )
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a")
    ffmpeg(*clip, *late, *maps, "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    about = ffprobe(path, "-show_entries", "stream=start_time:format=start_time")
    starts = [
        float(stream["start_time"]) - float(about["format"]["start_time"]) for stream in about["streams"]
    ]
    assert starts[2] == pytest.approx(1, abs=0.1)
    found = heard(path, TrackChoice.parse("all"))
    for track, tone in ((1, 1), (2, 3)):
        windows = [(time_s, heard_tone) for number, time_s, heard_tone in found if number == track]
        assert windows[0] == (pytest.approx(starts[track], abs=0.002), tone)
        alone = heard(path, TrackChoice(number=track))
        assert [(time_s, heard_tone) for _, time_s, heard_tone in alone] == windows


def test_a_start_gives_the_rest_of_all_tracks(tmp_path: Path) -> None:
    path = tracks(tmp_path / "a.mp4")
    with open_reader(path, Kind.AUDIO, audio=SPEC, track=TrackChoice(every=True)) as reader:
        whole = [(frame.index, frame.time_s, frame.track) for frame in reader.frames()]
        assert reader.accounts.decoded == len(whole)
        rest = [(frame.index, frame.time_s, frame.track) for frame in reader.frames(1.0)]
        assert reader.accounts.decoded == len(rest)
    assert rest == [frame for frame in whole if frame[1] >= 1.0]


def test_a_track_that_is_not_there(tmp_path: Path) -> None:
    path = tracks(tmp_path / "a.mkv")
    for choice in ("4", "fra"):
        with pytest.raises(MediaError, match=r"no audio track .*; it has 1 \(eng\), 2 \(ger\), 3 \(spa\)"):
            open_reader(path, Kind.AUDIO, audio=SPEC, track=TrackChoice.parse(choice))
    silent = write_video(tmp_path / "silent.mp4")
    for choice in ("4", "fra", "all"):
        with pytest.raises(NoAudioError):
            open_reader(silent, Kind.AUDIO, audio=SPEC, track=TrackChoice.parse(choice))


@pytest.mark.parametrize("text", ["0", "-1", "", "e", "1.5", "deu,eng"])
def test_what_is_no_track(text: str) -> None:
    with pytest.raises(UsageError):
        TrackChoice.parse(text)


@pytest.mark.parametrize("text", ["2", "deu", "de-DE", "all"])
def test_a_choice_reads_as_it_was_typed(text: str) -> None:
    assert str(TrackChoice.parse(text)) == text
    with pytest.raises(ValueError, match="only one"):
        TrackChoice(number=1, every=True)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_the_default_video_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    sizes = ("64x48", "96x64")
    clips = [part for size in sizes for part in ("-f", "lavfi", "-i", f"testsrc=s={size}:r=10:d=1")]
    default = ("-disposition:v:0", "0", "-disposition:v:1", "default")
    ffmpeg(*clips, "-map", "0:v", "-map", "1:v", "-pix_fmt", "yuv420p", *default, path)
    with VideoReader(path) as reader:
        assert {(frame.width, frame.height) for frame in reader.frames()} == {(96, 64)}


def without_description(path: Path, box: bytes = b"stsd") -> Path:
    """The same MP4 whose audio track has no sample description: its box is renamed."""
    data = path.read_bytes()
    audio = data.index(b"soun")
    at = data.index(box, audio)
    path.write_bytes(data[:at] + b"free" + data[at + 4 :])
    return path


def test_an_audio_track_without_a_description(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1", path)
    without_description(path)
    assert probe(path).kind is Kind.VIDEO
    assert probe(path).sample_rate is None
    with VideoReader(path) as reader:
        assert len(list(reader.frames())) == 10
    with pytest.raises(MediaError) as caught:
        open_reader(path, Kind.AUDIO, audio=SPEC)
    assert "no decoder" in str(caught.value) and "attribute" not in str(caught.value)
    with open_container(path, Limits()) as container:
        assert len(audio_streams(path, container, TrackChoice())) == 1


@pytest.mark.parametrize("kind", [Kind.VIDEO, Kind.AUDIO])
def test_an_auxiliary_track_whose_packets_have_one_time_is_whole(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    clip = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=r=48000:d=1")
    ffmpeg(*clip, "-bf", "0", path)
    data = bytearray(path.read_bytes())
    at = data.index(b"stts", data.index(b"vide" if kind is Kind.VIDEO else b"soun"))
    for entry in range(struct.unpack_from(">I", data, at + 8)[0]):
        struct.pack_into(">I", data, at + 16 + 8 * entry, 0)
    path.write_bytes(data)
    with open_reader(path, kind, audio=SPEC) as reader:
        frames = list(reader.frames())
        assert reader.accounts.corrupt == 0
    assert len(frames) == (10 if kind is Kind.VIDEO else 1)


def exif(orientation: int) -> bytes:
    tiff = (
        b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    )
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize(("orientation", "size"), [(1, (48, 32)), (6, (32, 48)), (3, (48, 32))])
def test_side_data_that_pyav_does_not_know(orientation: int, size: tuple[int, int], tmp_path: Path) -> None:
    """A camera's motion JPEG: FFmpeg 8 hands out the EXIF data of each frame."""
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg[:2] + exif(orientation) + jpeg[2:])
    path = tmp_path / "a.avi"
    ffmpeg("-framerate", "5", "-i", tmp_path / "%d.jpg", "-c", "copy", path)
    with VideoReader(path) as reader:
        frames = list(reader.frames())
    assert len(frames) == 5
    assert {(frame.width, frame.height) for frame in frames} == {size}


def test_a_view_of_stereo_video_keeps_its_turn() -> None:
    class View:
        """A frame of MV-HEVC as PyAV 18 gives it."""

        rotation = -90

        @property
        def side_data(self) -> None:
            raise ValueError("29 is not a valid Type")

    assert orientation_of(View()) == 6  # type: ignore[arg-type]
