"""What travels with the pictures: sound in step, subtitles, languages, chapters; and what is said if not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from mediaml.core.frame import Frame
from tests.support.media.annotated_clips import (
    clicks,
    ffprobe,
    frame_times,
    heard,
    moving_square,
    nothing,
    streams,
    write_clip,
)
from tests.support.media.annotated_video import write_annotated_video

CLICKS = (0.25, 0.5, 0.7)
SOUND = clicks(0.8, CLICKS)


def packets(path: Path, track: int) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def tags(stream: dict[str, Any]) -> tuple[str | None, str | None]:
    return stream["tags"].get("language"), stream["tags"].get("handler_name")


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac", "ac3"])
def test_sound_that_mp4_holds_is_copied_bit_by_bit(tmp_path: Path, codec: str) -> None:
    source = write_clip(tmp_path / "in.mkv", sounds=[(codec, {"language": "deu"})], sound=SOUND)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert (accounts.audio_copied, accounts.audio_encoded, accounts.dropped) == (1, 0, ())
    assert packets(tmp_path / "out.mp4", 0) == packets(source, 0)
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    for before, after in zip(heard(source), heard(tmp_path / "out.mp4"), strict=True):
        assert after == pytest.approx(before, abs=0.0015)  # Matroska counts in milliseconds


@pytest.mark.parametrize(
    ("name", "codec", "start_s"),
    [
        ("in.mov", "pcm_s16le", 0.0),
        ("in.mov", "pcm_s24le", 0.3),
        ("in.mkv", "pcm_s32le", 0.3),
        ("in.mkv", "mp2", 0.3),
        ("in.avi", "mp2", 0.0),
    ],
)
def test_other_sound_becomes_aac_and_stays_in_step(
    tmp_path: Path, name: str, codec: str, start_s: float
) -> None:
    source = write_clip(tmp_path / name, sounds=[(codec, {})], sound=SOUND, sound_start_s=start_s)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert (accounts.audio_copied, accounts.audio_encoded, accounts.dropped) == (0, 1, ())
    assert [stream["codec_name"] for stream in streams(tmp_path / "out.mp4")] == ["h264", "aac"]
    before = [time_s + start_s for time_s in CLICKS] if codec.startswith("pcm") else heard(source)
    for expected, time_s in zip(before, heard(tmp_path / "out.mp4"), strict=True):
        assert time_s == pytest.approx(expected, abs=0.004)


def test_a_picture_that_starts_late_stays_late(tmp_path: Path) -> None:
    source = write_clip(
        tmp_path / "late.mp4",
        ticks=range(6_433, 6_433 + 20 * 512, 512),
        time_base=Fraction(1, 12_800),
        sounds=[("aac", {})],
        sound=SOUND,
    )
    write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    assert float(frame_times(source)[0]) == pytest.approx(6_433 / 12_800, abs=1e-3)
    assert heard(tmp_path / "out.mp4") == pytest.approx(heard(source), abs=1e-4)


def test_every_track_comes_along_with_language_and_title(tmp_path: Path) -> None:
    sounds = [
        ("aac", {"language": "deu", "title": "Ton"}),
        ("pcm_s16le", {"language": "fra", "title": "Son é"}),
    ]
    source = write_clip(tmp_path / "in.mkv", sounds=sounds, sound=SOUND)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert (accounts.audio_copied, accounts.audio_encoded) == (1, 1)
    found = streams(tmp_path / "out.mp4")
    assert [tags(stream) for stream in found[1:]] == [("deu", "Ton"), ("fra", "Son é")]
    assert [stream["disposition"]["default"] for stream in found[:2]] == [1, 1]


@pytest.mark.parametrize(("name", "codec"), [("in.mkv", "srt"), ("in.mkv", "ass"), ("in.mp4", "mov_text")])
def test_subtitles_come_along_as_text(tmp_path: Path, name: str, codec: str) -> None:
    texts = [(0.1, 0.3, "Grüße"), (0.4, 0.7, "汉字")]
    source = write_clip(tmp_path / name, texts=texts, text_codec=codec)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert accounts.subtitles == 1 and not accounts.dropped
    _, text = streams(tmp_path / "out.mp4")
    assert (text["codec_name"], text["tags"]["language"]) == ("mov_text", "spa")
    # Matroska's video starts a little after 0 where its frames are reordered; texts keep their distance.
    shift = float(frame_times(tmp_path / "out.mp4")[0])
    found = []
    with av.open(str(tmp_path / "out.mp4")) as container:
        for packet in container.demux(subtitles=0):
            length = int.from_bytes(bytes(packet)[:2], "big") if packet.size else 0
            if length:
                words = bytes(packet)[2 : 2 + length].decode()
                assert packet.pts is not None and packet.duration is not None
                start = float(packet.pts * packet.time_base)
                found.append(
                    (start - shift, start + float(packet.duration * packet.time_base) - shift, words)
                )
    for (start, end, words), (start_s, end_s, read) in zip(texts, found, strict=True):
        assert read == words
        assert (start_s, end_s) == pytest.approx((start, end), abs=0.09)


def test_chapters_and_title_come_along(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", chapters=[(0, 0.4, "one"), (0.4, 0.8, "zwei ü")])
    write_annotated_video(source, tmp_path / "out.mp4", nothing)
    chapters = ffprobe(tmp_path / "out.mp4", "-show_chapters")["chapters"]
    assert [(chapter["tags"]["title"], float(chapter["start_time"])) for chapter in chapters] == [
        ("one", 0.0),
        ("zwei ü", 0.4),
    ]


def test_what_cannot_come_along_is_said(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as output:
        videos: list[Any] = [output.add_stream("mjpeg", rate=25) for _ in range(2)]
        for video in videos:
            video.codec_context.width, video.codec_context.height = 160, 128
            video.codec_context.pix_fmt = "yuvj420p"
        bitmap = output.add_mux_stream("hdmv_pgs_subtitle", time_base=Fraction(1, 1000))
        for index in range(5):
            for video in videos:
                frame = av.VideoFrame.from_ndarray(moving_square(index), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(video.encode(frame))
        empty = av.Packet(b"\x80\x00\x00")  # the segment that ends a display set
        empty.stream, empty.pts, empty.dts, empty.time_base = bitmap, 0, 0, Fraction(1, 1000)
        output.mux(empty)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert [stream["codec_name"] for stream in streams(tmp_path / "out.mp4")] == ["h264"]
    second, pictures = accounts.dropped
    assert "stream 1" in second and "one video" in second
    assert "stream 2" in pictures and "hdmv_pgs_subtitle" in pictures and "bitmap" in pictures


def test_sound_far_longer_than_the_pictures_is_whole(tmp_path: Path) -> None:
    sound = clicks(3.0, (0.5, 2.8))
    source = write_clip(tmp_path / "in.mov", ticks=range(5), sounds=[("pcm_s16le", {})], sound=sound)
    write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert heard(tmp_path / "out.mp4") == pytest.approx([0.5, 2.8], abs=0.004)


def test_frames_that_crowd_one_moment_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(6))
    from mediaml.media.video.reader import VideoReader

    def crowded(reader: VideoReader, start_s: float = 0.0, **rest: bool) -> Any:
        for frame in whole(reader, start_s, **rest):
            time_s = 0.08 if frame.index == 3 else frame.time_s
            yield Frame(frame.index, time_s, 0.04, frame.media, frame.width, frame.height, frame.pixels)

    whole = VideoReader.frames
    monkeypatch.setattr(VideoReader, "frames", crowded)
    accounts = write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert accounts.frames == 5 and "1 frames at the same time" in accounts.dropped[0]
