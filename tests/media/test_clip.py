"""Clips cut out of files: the packets of the source from a keyframe on, or the very frames, with audio."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.errors import MediaError
from mediaml.media.write.clip import clip_suffix, copy_clip, encode_clip
from tests.support.media.annotated_clips import clicks, frame_times, heard, pictures_of, write_clip

# Frames at 25 per second with a keyframe every 10, and pictures that refer to later ones.
OPTIONS = {"g": "10", "bf": "2", "sc_threshold": "0", "crf": "10"}
BURSTS = (0.1, 0.9, 1.3, 1.7)


def source(folder: Path, suffix: str = ".mp4", sound: str = "aac") -> Path:
    return write_clip(
        folder / f"source{suffix}",
        ticks=range(50),
        options=OPTIONS,
        sounds=[(sound, {})],
        sound=clicks(2.0, BURSTS),
    )


def packets(path: Path, kind: str) -> list[tuple[bytes, Fraction]]:
    """Bytes and presentation times of all packets of a stream."""
    with av.open(str(path)) as container:
        (stream,) = [stream for stream in container.streams if stream.type == kind]
        return [
            (bytes(packet), Fraction(packet.pts * packet.time_base))
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_copied_clip_has_the_packets_of_the_source_from_a_keyframe_on(tmp_path: Path, suffix: str) -> None:
    whole = source(tmp_path, suffix)
    target = tmp_path / f"clip{clip_suffix(whole, has_video=True, exact=False)}"
    clip = copy_clip(whole, target, 0.95, 1.5)
    assert clip.start_s == pytest.approx(0.8, abs=0.002)
    for kind in ("video", "audio"):
        before, after = packets(whole, kind), packets(target, kind)
        first = next(place for place, (_, time_s) in enumerate(before) if time_s >= clip.start_s - 1e-6)
        taken = before[first : first + len(after)]
        assert [data for data, _ in after] == [data for data, _ in taken]
        shift = {round(float(old - new), 2) for (_, old), (_, new) in zip(taken, after, strict=True)}
        assert shift == {0.8}
        assert max(time_s for _, time_s in after) >= 0.66
    shown = pictures_of(target)
    assert np.array_equal(np.stack(shown[:18]), np.stack(pictures_of(whole)[20:38]))
    assert [round(at, 2) for at in heard(target)] == [0.1, 0.5]


def test_an_exact_clip_begins_and_ends_at_the_frames_asked_for(tmp_path: Path) -> None:
    whole = source(tmp_path)
    clip = encode_clip(whole, tmp_path / "clip.mp4", 0.96, 1.48)
    assert clip.start_s == pytest.approx(0.96)
    assert [float(text) for text in frame_times(tmp_path / "clip.mp4")] == pytest.approx(
        [number / 25 for number in range(13)], abs=1e-4
    )
    for one, other in zip(pictures_of(tmp_path / "clip.mp4"), pictures_of(whole)[24:37], strict=True):
        assert np.abs(one.astype(int) - other).mean() < 3
    assert heard(tmp_path / "clip.mp4") == pytest.approx([0.34], abs=0.03)


def test_audio_alone_can_be_cut(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "v.mp4", ticks=range(50), sounds=[("aac", {})], sound=clicks(2.0, BURSTS))
    with av.open(str(whole)) as given, av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as output:
        stream = output.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(given.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    assert clip_suffix(tmp_path / "a.m4a", has_video=False, exact=False) == ".mka"
    copy_clip(tmp_path / "a.m4a", tmp_path / "clip.mka", 0.8, 1.5)
    assert heard(tmp_path / "clip.mka") == pytest.approx([0.1, 0.5], abs=0.06)


def test_what_cannot_be_copied_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "odd.wmv", codec="wmv2").rename(tmp_path / "odd.mp4")
    with pytest.raises(MediaError, match="--exact"):
        copy_clip(whole, tmp_path / "clip.mp4", 0.2, 0.6)
    assert [path.name for path in tmp_path.iterdir()] == ["odd.mp4"]
    with pytest.raises(MediaError, match="no frame"):
        encode_clip(whole, tmp_path / "clip.mp4", 5.0, 6.0)
