"""Annotated videos: every frame at its time, upright, with its box on the right pixels, playable anywhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.media.video.reader import VideoReader
from mediaml.ops.drawing import Overlay
from tests.support.media.annotated_clips import (
    HEIGHT,
    SIDE,
    WIDTH,
    around_square,
    box_of,
    ffprobe,
    frame_times,
    moving_square,
    nothing,
    pictures_of,
    place_of,
    square_at,
    streams,
    write_clip,
)
from tests.support.media.annotated_video import write_annotated_video

ONE = 65536
# Display matrices that turn the stored picture clockwise by so many degrees, and one that mirrors it.
TURNS = {
    90: (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
    180: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30),
    270: (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30),
}
MIRROR = (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
UNEVEN = [0, 1, 2, 5, 6, 9, 14, 15, 16, 21, 22, 23, 24, 31, 33, 34, 40, 41, 42, 43, 50]


def check_squares_and_boxes(pictures: list[UInt8Array], stretch: float = 1.0) -> None:
    """Squares are where the source has them, and boxes 8 pixels around them, within a pixel."""
    for index, image in enumerate(pictures):
        x, y = square_at(index)
        left, _, right, bottom = box_of(image)
        assert abs(left - (x - 8) * stretch) <= 1 and abs(right - (x + SIDE + 8) * stretch) <= 1, index
        assert abs(bottom - (y + SIDE + 8)) <= 1, index
        inside = image[max(0, y - 4) : y + SIDE + 4, max(0, left + 4) : right - 4]
        found = place_of(inside)
        assert abs(found[0] + left + 4 - x * stretch) <= 1 + stretch, index
        assert abs(found[1] + max(0, y - 4) - y) <= 1, index


def test_frames_keep_their_uneven_times_and_their_boxes(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "uneven.mp4", ticks=UNEVEN, time_base=Fraction(1001, 30000), last_ticks=7)
    target = tmp_path / "uneven.annotated.mp4"
    accounts = write_annotated_video(source, target, around_square)
    assert frame_times(target) == frame_times(source)
    assert accounts.frames == len(UNEVEN)
    check_squares_and_boxes(pictures_of(target))
    (video,) = streams(target)
    assert float(video["duration"]) == pytest.approx(57 * 1001 / 30000, abs=1e-5)
    assert accounts.seconds == pytest.approx(57 * 1001 / 30000)


def test_it_is_h264_that_browsers_play_with_its_index_first(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    write_annotated_video(write_clip(tmp_path / "in.mp4"), target, nothing)
    (video,) = streams(target)
    assert (video["codec_name"], video["pix_fmt"], video["profile"]) == ("h264", "yuv420p", "High")
    assert video["has_b_frames"] > 0
    data = target.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("degrees", TURNS)
def test_a_turned_video_is_written_upright(tmp_path: Path, degrees: int) -> None:
    def stored(index: int) -> UInt8Array:
        return np.ascontiguousarray(np.rot90(moving_square(index), degrees // 90))

    source = write_clip(tmp_path / "turned.mov", picture=stored, matrix=TURNS[degrees])
    target = tmp_path / "upright.mp4"
    write_annotated_video(source, target, around_square)
    (video,) = streams(target)
    assert (video["width"], video["height"]) == (WIDTH, HEIGHT)
    assert "side_data_list" not in video
    check_squares_and_boxes(pictures_of(target))


def test_a_mirrored_video_is_written_as_displayed(tmp_path: Path) -> None:
    source = write_clip(
        tmp_path / "mirrored.mov",
        picture=lambda index: np.ascontiguousarray(moving_square(index)[:, ::-1]),
        matrix=MIRROR,
    )
    write_annotated_video(source, tmp_path / "out.mp4", around_square)
    check_squares_and_boxes(pictures_of(tmp_path / "out.mp4"))


@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_an_odd_size_gets_one_more_line_and_nothing_moves(tmp_path: Path, degrees: int) -> None:
    def odd(index: int) -> UInt8Array:
        return moving_square(index)[: HEIGHT - 1, : WIDTH - 3]

    source = write_clip(
        tmp_path / "odd.mkv",
        picture=lambda index: np.ascontiguousarray(np.rot90(odd(index), degrees // 90)),
        codec="ffv1",
        matrix=TURNS.get(degrees),
    )
    target = tmp_path / "even.mp4"
    write_annotated_video(source, target, around_square)
    (video,) = streams(target)
    assert (video["width"], video["height"]) == (WIDTH - 2, HEIGHT)
    pictures = pictures_of(target)
    check_squares_and_boxes(pictures)
    assert np.abs(pictures[0][:, -1].astype(int) - pictures[0][:, -2]).max() < 12


def test_oblong_pixels_are_made_square(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "oblong.mp4", aspect=Fraction(3, 2))

    def stretched(index: int) -> Overlay:
        return around_square(index).placed(1.5, 1)

    target = tmp_path / "square.mp4"
    write_annotated_video(source, target, stretched)
    (video,) = streams(target)
    assert (video["width"], video["height"]) == (WIDTH * 3 // 2, HEIGHT)
    assert video.get("sample_aspect_ratio", "1:1") == "1:1"
    check_squares_and_boxes(pictures_of(target), stretch=1.5)


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "full_range"),
    [
        ("yuvj420p", "libx264", True),
        ("yuv444p", "ffv1", False),
        ("yuv420p10le", "ffv1", False),
        ("bgr0", "ffv1", True),
    ],
)
def test_colors_come_out_as_they_went_in(tmp_path: Path, pix_fmt: str, codec: str, full_range: bool) -> None:
    bars = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for column, color in enumerate([(200, 30, 40), (20, 180, 60), (40, 50, 210), (250, 250, 250), (0, 0, 0)]):
        bars[:, column * 32 : column * 32 + 32] = color
    source = write_clip(
        tmp_path / "bars.mkv",
        picture=lambda _: bars,
        codec=codec,
        pix_fmt=pix_fmt,
        full_range=full_range,
        ticks=range(3),
        options={"crf": "1"} if codec == "libx264" else None,
    )
    target = tmp_path / "out.mp4"
    write_annotated_video(source, target, nothing)
    (video,) = streams(target)
    assert video["pix_fmt"] == "yuv420p" and video.get("color_range", "tv") == "tv"
    written = pictures_of(target)[0].astype(int)
    for column in range(5):
        centre = written[20:-20, column * 32 + 8 : column * 32 + 24]
        assert np.abs(centre.mean(axis=(0, 1)) - bars[0, column * 32 + 8]).max() < 6


def test_a_frame_that_cannot_be_decoded_shifts_no_box(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mov", codec="mjpeg", pix_fmt="yuvj420p", full_range=True)
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packet = next(
            packet
            for packet in container.demux(video=0)
            if packet.pts == 7 * packet.stream.time_base.denominator // 25
        )
        assert packet.pos is not None
    data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    source.write_bytes(data)
    with VideoReader(source) as reader:
        seen = [(frame.index, round(frame.time_s * 25)) for frame in reader.frames()]
    assert seen == [(index, index + (index >= 7)) for index in range(19)]
    asked: list[int] = []

    def answers(index: int) -> Overlay:
        asked.append(index)
        return around_square(seen[index][1])

    accounts = write_annotated_video(source, tmp_path / "out.mp4", answers)
    assert asked == list(range(19)) and accounts.frames == 19
    assert [round(float(time) * 25) for time in frame_times(tmp_path / "out.mp4")] == [at for _, at in seen]
    for image, (_, shown) in zip(pictures_of(tmp_path / "out.mp4"), seen, strict=True):
        assert abs(box_of(image)[0] - (square_at(shown)[0] - 8)) <= 1


def test_pictures_take_the_place_of_frames(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(6))
    red = np.full((30, 50, 3), (200, 20, 20), np.uint8)
    target = tmp_path / "out.mp4"
    write_annotated_video(source, target, nothing, pictures=lambda index: red if index % 2 else None)
    assert frame_times(target) == frame_times(source)
    for index, image in enumerate(pictures_of(target)):
        assert image.shape == (HEIGHT, WIDTH, 3)
        expected = (200, 20, 20) if index % 2 else (90, 90, 90)
        assert np.abs(image[70, 150].astype(int) - expected).max() < 8


def test_an_error_leaves_no_half_file_and_the_old_one_alone(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4")
    target = tmp_path / "out" / "größer 汉.mp4"
    target.parent.mkdir()
    target.write_bytes(b"old")

    def answers(index: int) -> Overlay:
        if index == 5:
            raise RuntimeError("no answer")
        return Overlay()

    with pytest.raises(RuntimeError, match="no answer"):
        write_annotated_video(source, target, answers)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == b"old"
    write_annotated_video(source, target, nothing)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert len(frame_times(target)) == 20


def test_what_is_no_video_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        write_annotated_video(tmp_path / "text.mp4", tmp_path / "out.mp4", nothing)
    source = write_clip(tmp_path / "in.mp4", ticks=range(3))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MediaError, match="cannot be written"):
        write_annotated_video(source, tmp_path / "file" / "out.mp4", nothing)
    assert not (tmp_path / "out.mp4").exists()


def test_a_transport_stream_starts_at_zero(tmp_path: Path) -> None:
    source = write_clip(
        tmp_path / "in.ts", time_base=Fraction(1, 90_000), ticks=range(450_000, 522_000, 3600)
    )
    assert float(frame_times(source)[0]) > 1
    write_annotated_video(source, tmp_path / "out.mp4", around_square)
    start = Fraction(frame_times(source)[0])
    shifted = [Fraction(time) - start for time in frame_times(source)]
    assert [Fraction(time) for time in frame_times(tmp_path / "out.mp4")] == shifted
    check_squares_and_boxes(pictures_of(tmp_path / "out.mp4"))


@pytest.mark.parametrize(
    "name",
    [
        "var_fps_video.mp4",
        "delayed_start.mp4",
        "traffic-mini.mp4",
        "video_90.mov",
        "h265_10bits.mp4",
        "av1_video.mkv",
    ],
)
def test_real_clips_keep_the_times_of_their_frames(assets: Path, tmp_path: Path, name: str) -> None:
    source = assets / "media" / "video" / name
    write_annotated_video(source, tmp_path / "out.mp4", around_square)
    start = Fraction(ffprobe(source, "-show_entries", "format=start_time")["format"]["start_time"])
    expected = [Fraction(time) - start for time in frame_times(source)]
    assert [Fraction(time) for time in frame_times(tmp_path / "out.mp4")] == expected
