"""Annotated videos drawn slice by slice and joined: nothing doubled, dropped, moved or encoded again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mediaml.core.frame import Frame
from mediaml.media.limits import Limits
from mediaml.media.write.join import join_segments
from mediaml.media.write.segment_drawer import SegmentDrawer
from mediaml.media.write.segment_file import BrokenSegmentError, SegmentFile
from mediaml.ops.drawing import Overlay
from tests.support.media.annotated_clips import (
    around_square,
    clicks,
    ffprobe,
    heard,
    nothing,
    streams,
    write_clip,
)
from tests.support.media.annotated_video import write_annotated_video

# Quality 20 of x264 twice: the same frame encoded as another kind of picture.
LEAST_PSNR_DB = 30.0
SLICE_S = 0.7


def boxed(frame: Frame) -> Overlay:
    """A box that tells the frame's time."""
    return around_square(round(frame.time_s * 25))


def shown(path: Path) -> list[tuple[Fraction, np.ndarray[Any, Any]]]:
    """Time and grey values of every frame."""
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray(format="gray").astype(np.int16))
            for frame in container.decode(video=0)
        ]


def packets(path: Path, kind: str, track: int = 0) -> list[tuple[Any, ...]]:
    """Decoding time, time and duration in seconds, and bytes, of every packet of a stream, as stored."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[track]
        base = stream.time_base
        return [
            (packet.dts * base, packet.pts * base, packet.duration * base, bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def check_equal(joined: Path, whole: Path) -> None:
    """A copy from many segments shows and sounds as the one from one segment does."""
    for ours, theirs in zip(shown(joined), shown(whole), strict=True):
        assert ours[0] == theirs[0]
        error = float(((ours[1] - theirs[1]) ** 2).mean())
        assert error == 0 or 10 * math.log10(255**2 / error) >= LEAST_PSNR_DB, ours[0]
    mine, other = packets(joined, "video"), packets(whole, "video")
    dts = [packet[0] for packet in mine]
    assert dts == sorted(set(dts))
    assert all(packet[0] <= packet[1] for packet in mine)
    assert sorted(packet[1] for packet in mine) == sorted(packet[1] for packet in other)
    # MP4 counts a stream's length in decoding times, which end where the last packet in that order is shown.
    assert float(sum(packet[2] for packet in mine)) == pytest.approx(
        float(sum(packet[2] for packet in other)), abs=0.05
    )
    found, expected = streams(joined), streams(whole)
    for ours, theirs in zip(found, expected, strict=True):
        for key in ("codec_name", "codec_type", "start_time", "tags", "disposition", "nb_frames"):
            assert ours.get(key) == theirs.get(key), key
        assert float(ours["duration"]) == pytest.approx(float(theirs["duration"]), abs=0.05)
    with av.open(str(whole)) as container:
        counts = {kind: len(getattr(container.streams, kind)) for kind in ("audio", "subtitles")}
    for kind, count in counts.items():
        for track in range(count):
            assert packets(joined, kind, track) == packets(whole, kind, track)


def both(source: Path, folder: Path, slice_s: float = SLICE_S) -> tuple[Path, Path]:
    """A source's copy from many segments, and from one."""
    joined, whole = folder / "joined.mp4", folder / "whole.mp4"
    assert write_annotated_video(source, joined, around_square, slice_s=slice_s) == write_annotated_video(
        source, whole, around_square
    )
    return joined, whole


@pytest.mark.parametrize(
    "name",
    [
        "var_fps_video.mp4",
        "delayed_start.mp4",
        "traffic-mini.mp4",
        "video_90.mov",
        "video_270.mov",
        "h264_10bits.mp4",
        "h265_10bits.mp4",
        "av1_video.mkv",
        "nasa_13013.mp4",
        "test.avi",
        "corrupted.mp4",
        "unordered.mov",
        "flipping_a_pancake.mkv",
    ],
)
def test_real_clips_joined_equal_those_drawn_in_one_go(assets: Path, tmp_path: Path, name: str) -> None:
    check_equal(*both(assets / "media" / "video" / name, tmp_path))


def clip_of_everything(path: Path) -> Path:
    """Uneven times, two sounds, one of which is encoded anew, texts and chapters."""
    ticks = [tick * 40 + tick * tick % 7 for tick in range(90)]
    return write_clip(
        path,
        ticks=ticks,
        time_base=Fraction(1, 1000),
        last_ticks=55,
        sounds=[("aac", {"language": "deu"}), ("pcm_s16le", {"language": "fra"})],
        sound=clicks(3.6, (0.2, 1.39, 1.41, 2.8)),
        texts=[(0.1, 0.9, "Grüße"), (1.2, 1.6, "über die Naht")],
        chapters=[(0, 1.5, "one"), (1.5, 3.6, "two")],
    )


def test_everything_that_travels_along_is_whole_over_the_joints(tmp_path: Path) -> None:
    source = clip_of_everything(tmp_path / "in.mkv")
    joined, whole = both(source, tmp_path)
    check_equal(joined, whole)
    assert heard(joined, 1) == heard(whole, 1)
    assert ffprobe(joined, "-show_chapters") == ffprobe(whole, "-show_chapters")
    assert float(streams(joined)[0]["duration"]) == pytest.approx(3.6 + 0.055, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 30])
@pytest.mark.parametrize("slice_s", [0.04, 0.08, 0.5])
def test_few_frames_and_segments_of_one_frame(tmp_path: Path, count: int, slice_s: float) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(count))
    check_equal(*both(source, tmp_path, slice_s))


def test_slices_without_frames_are_passed_over(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", ticks=[0, 1, 2, 100, 101, 190])
    joined, whole = both(source, tmp_path)
    check_equal(joined, whole)
    assert len(shown(joined)) == 6
    for copy in (joined, whole):
        assert float(streams(copy)[0]["duration"]) == pytest.approx(191 / 25, abs=0.001)


def test_a_last_frame_after_a_long_gap_counts_where_frames_are_reordered(tmp_path: Path) -> None:
    """x264 gives still images B-frames, whose decoding times run ahead."""
    source = write_clip(tmp_path / "in.mkv", ticks=[0, 1, 2, 100, 101, 190])
    write_annotated_video(source, tmp_path / "out.mp4", nothing)
    assert float(streams(tmp_path / "out.mp4")[0]["duration"]) == pytest.approx(191 / 25, abs=0.001)


def test_a_transport_stream_is_joined_at_its_own_times(tmp_path: Path) -> None:
    ticks = range(450_000, 450_000 + 60 * 3600, 3600)
    source = write_clip(
        tmp_path / "in.ts",
        time_base=Fraction(1, 90_000),
        ticks=ticks,
        sounds=[("mp2", {})],
        sound=clicks(2.4, (0.3, 1.4)),
        sound_start_s=5.0,
    )
    joined, whole = both(source, tmp_path)
    check_equal(joined, whole)
    assert shown(joined)[0][0] < 1


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def drawn(drawer: SegmentDrawer, folder: Path, numbers: Iterator[int] | list[int]) -> list[SegmentFile]:
    files = [SegmentFile(folder, number) for number in numbers]
    for file in files:
        drawer.draw(file, boxed, fingerprint=lambda frames: "")
    return files


@pytest.mark.parametrize("gop", [250, 12])
@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts"])
def test_segments_drawn_in_any_order_are_the_same_bytes(tmp_path: Path, name: str, gop: int) -> None:
    """A resumed run begins in the middle: it seeks, and gets the very frames of a pass from the start."""
    source = write_clip(tmp_path / name, ticks=range(80), options={"g": str(gop), "bf": "3"})
    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        drawn(drawer, tmp_path / "forward", [0, 1, 2, 3, 4])
        assert not drawer.slices.sought and drawer.slices.following is None
    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        drawn(drawer, tmp_path / "backward", [4, 2, 3, 0, 1])
    for number in range(5):
        for suffix in ("h264", "json"):
            name = f"{number:06}.{suffix}"
            assert (tmp_path / "forward" / name).read_bytes() == (tmp_path / "backward" / name).read_bytes()
    assert not list((tmp_path / "forward").glob("*.part"))


def test_a_pass_from_the_start_goes_on_to_far_slices(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(80))
    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        for number in (1, 3):
            drawer.draw(SegmentFile(tmp_path, number), boxed, fingerprint=lambda frames: "", from_start=True)
            assert not drawer.slices.sought
        (file,) = drawn(drawer, tmp_path, [2])
        assert drawer.slices.sought
        again = drawer.draw(file, boxed, fingerprint=lambda frames: "", from_start=True)
        assert not drawer.slices.sought
    assert again == file.read()


def test_a_segment_says_what_it_holds_and_plays_by_itself(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(40))
    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        asked: list[float] = []
        file = SegmentFile(tmp_path / "new" / "folder", 1)
        told = drawer.draw(
            file,
            lambda frame: asked.append(frame.time_s) or Overlay(),
            fingerprint=lambda frames: f"{len(frames)} frames",
        )
    assert told == file.read()
    assert told.fingerprint == "17 frames" and told.following == 2
    assert [time_s for time_s, _ in told.frames] == asked
    assert [round(time_s * 25) for time_s in asked] == list(range(18, 35))
    assert told.units[0].key
    with av.open(str(file.stream), format="h264") as container:
        assert sum(1 for _ in container.decode(video=0)) == len(told.units)


def test_what_is_damaged_is_not_joined(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(40))
    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        files = drawn(drawer, tmp_path, [0, 1, 2])
        layout = drawer.slices.layout
    good = files[1].stream.read_bytes()

    def join() -> None:
        join_segments(source, tmp_path / "out.mp4", layout, files)

    for harm in (good[:-1], good[:200] + bytes([good[200] ^ 1]) + good[201:], None):
        if harm is None:
            files[1].stream.unlink()
        else:
            files[1].stream.write_bytes(harm)
        with pytest.raises(BrokenSegmentError, match="segment 1"):
            join()
        files[1].stream.write_bytes(good)
    record = files[1].record.read_bytes()
    for harm in (b"{", record.replace(b'"version":1', b'"version":0'), record.replace(b"67640", b"67641", 1)):
        files[1].record.write_bytes(harm)
        with pytest.raises(BrokenSegmentError, match="segment 1"):
            join()
    files[1].record.write_bytes(record)
    assert not (tmp_path / "out.mp4").exists()
    join()
    assert len(shown(tmp_path / "out.mp4")) == 40
    files[1].remove()
    files[1].remove()
    assert files[1].read() is None


def test_a_stop_leaves_neither_segment_nor_copy(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks=range(40))

    def stop(frame: Frame) -> Overlay:
        if frame.index == 20:
            raise KeyboardInterrupt
        return Overlay()

    with SegmentDrawer(source, Limits(), slice_s=SLICE_S) as drawer:
        (first,) = drawn(drawer, tmp_path / "segments", [0])
        with pytest.raises(KeyboardInterrupt):
            drawer.draw(SegmentFile(tmp_path / "segments", 1), stop, fingerprint=lambda frames: "")
        assert names(tmp_path / "segments") == ["000000.h264", "000000.json"]
        files = [first, *drawn(drawer, tmp_path / "segments", [1, 2])]
        calls = iter(range(30))

        def check() -> None:
            if next(calls) == 25:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            join_segments(source, tmp_path / "out.mp4", drawer.slices.layout, files, check=check)
    assert names(tmp_path) == ["in.mp4", "segments"]


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    source = clip_of_everything(tmp_path / "in.mkv")
    for name in ("a.mp4", "b.mp4"):
        write_annotated_video(source, tmp_path / name, nothing, slice_s=SLICE_S)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
