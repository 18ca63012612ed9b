"""Threads of video decoders by the size of frames; fixed numbers, and a decoder that keeps to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaml.media.limits import Limits
from mediaml.media.video.decoder_threads import dav1d_frames, frame_threads
from mediaml.media.video.video_pass import VideoPass
from tests.support.media.files import write_square_video

MIB = 1 << 20
HD, UHD = 1920 * 1080, 3840 * 2160


@pytest.mark.parametrize(
    ("pixels", "memory", "cores", "threads"),
    [
        (640 * 480, 128 * MIB, 2, 0),
        (HD, 128 * MIB, 32, 0),
        (HD, 64 * MIB, 32, 10),
        (UHD, 128 * MIB, 32, 5),
        (UHD, 128 * MIB, 2, 2),
        (UHD, 1 * MIB, 32, 2),
    ],
)
def test_frame_threads(pixels: int, memory: int, cores: int, threads: int) -> None:
    assert frame_threads(pixels, memory, cores) == threads


@pytest.mark.parametrize(
    ("pixels", "bits", "memory", "threads", "frames"),
    [
        (HD, 8, 128 * MIB, 16, 4),
        (HD, 10, 128 * MIB, 16, 3),
        (UHD, 8, 128 * MIB, 16, 1),
        (UHD, 8, 160 * MIB, 16, 2),
        (UHD, 10, 16 * MIB, 16, 1),
        (640 * 480, 8, 128 * MIB, 2, 2),
    ],
)
def test_dav1d_frames(pixels: int, bits: int, memory: int, threads: int, frames: int) -> None:
    assert dav1d_frames(pixels, bits, memory, threads) == frames


def test_a_pass_keeps_to_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    write_square_video(tmp_path / "a.mp4", frames=5)  # 160 x 96
    run = VideoPass(tmp_path / "a.mp4", Limits(decoder_bytes=4 * 3 * 160 * 96))
    assert run.stream.codec_context.thread_count == 4
    assert len(list(run.frames())) == 5
    run.close()
