"""`-p transform` on videos: what the graph gives by hand, at the source's times, in the graph's size."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import onnxruntime
import pytest
from onnx import save
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from scripts.picture_graphs import GRAPHS
from tests.support.media.annotated_clips import clicks, frame_times, in_rgb, pictures_of, write_clip
from tests.support.media.material import numbered

RUN = ("run", "-p", "transform", "--device", "cpu", "-o", "out")
TICKS = [*range(30), *range(31, 50), *range(52, 56)]
"""Two frames a second, three of them missing: two time slices, and times that no counting gives."""


def scene(index: int) -> UInt8Array:
    """A number, and some noise."""
    noise = np.random.default_rng(index).integers(-6, 7, (64, 96, 3))
    return np.clip(numbered(index, 96, 64) * 0.7 + 30 + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    for name, graph in GRAPHS.items():
        save(graph(), tmp_path / f"{name}.onnx")
    return write_clip(
        tmp_path / "clip.mp4",
        ticks=TICKS,
        time_base=Fraction(1, 2),
        picture=scene,
        pix_fmt="yuv444p",  # no two programs fill in chroma that is not there alike
        options={"crf": "12"},
        sounds=[("aac", {})],
        sound=clicks(28.0, [1.0, 22.0]),
    )


def by_hand(graph: Path, video: Path) -> list[UInt8Array]:
    """The graph's pictures of all frames, as ONNX Runtime and PyAV give them."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    made = []
    with av.open(str(video)) as container:
        images = [in_rgb(frame) for frame in container.decode(video=0)]
    for image in images:
        value = (image.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        result = session.run(None, {session.get_inputs()[0].name: value})[0][0]
        made.append(np.rint(result.transpose(1, 2, 0) * 255).astype(np.uint8))
    return made


def psnr(one: UInt8Array, other: UInt8Array) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def audio_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


@pytest.mark.parametrize(("name", "factor"), [("upscale", 2), ("style", 1), ("denoise", 1)])
def test_a_video_becomes_what_the_graph_makes_of_its_frames(clip, mediaml, name, factor) -> None:
    done = mediaml(*RUN, "-m", f"{name}.onnx", "clip.mp4")
    assert done.code == 0, done.err
    expected = by_hand(clip.with_name(f"{name}.onnx"), clip)
    copy = clip.parent / "out/clip.annotated.mp4"
    shown = pictures_of(copy)
    assert shown[0].shape == (64 * factor, 96 * factor, 3)
    assert len(shown) == len(expected) == len(TICKS)
    assert min(psnr(one, other) for one, other in zip(shown, expected, strict=True)) > 30
    assert frame_times(copy) == frame_times(clip)
    assert audio_packets(copy) == audio_packets(clip)
    with open_results(clip.parent / "out") as results:
        kept = [frame.prediction.picture.image for frame in results.frames(model="transform")]
    assert min(psnr(one, other) for one, other in zip(kept, expected, strict=True)) > 40
    with sqlite3.connect(clip.parent / "out" / FILE_NAME) as db:
        assert db.execute("SELECT count(*) FROM prediction WHERE picture IS NOT NULL").fetchone() == (0,)
        names = [row[0] for row in db.execute("SELECT name FROM picture_file")]
    assert names == [".pictures/1/1/000000.mkv", ".pictures/1/1/000001.mkv"]


def digests(folder: Path) -> dict[str, str]:
    files = [folder / "clip.annotated.mp4", *(folder / ".pictures").rglob("*.*")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_interrupted_run_goes_on_inside_the_video(clip, mediaml) -> None:
    assert mediaml(*RUN, "-m", "upscale.onnx", "clip.mp4").code == 0
    out = clip.parent / "out"
    whole = digests(out)
    # As a run leaves it that is killed in the second slice.
    with sqlite3.connect(out / FILE_NAME) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM task WHERE slice = 1")
        db.execute("UPDATE artifact SET done = 0")
    last = out / ".pictures/1/1/000001.mkv"
    last.replace(last.with_name("000001.mkv.part"))
    (out / "clip.annotated.mp4").unlink()
    first = (out / ".pictures/1/1/000000.mkv").stat().st_mtime_ns
    again = mediaml(*RUN, "-m", "upscale.onnx", "clip.mp4")
    assert again.code == 0 and f"{sum(tick >= 40 for tick in TICKS)} frames" in again.err
    assert digests(out) == whole
    assert (out / ".pictures/1/1/000000.mkv").stat().st_mtime_ns == first


def test_pictures_that_were_deleted_are_made_again(clip, mediaml) -> None:
    assert mediaml(*RUN, "-m", "style.onnx", "clip.mp4").code == 0
    out = clip.parent / "out"
    whole = digests(out)
    shutil.rmtree(out / ".pictures")
    assert mediaml(*RUN, "-m", "style.onnx", "clip.mp4").code == 0
    assert digests(out) == whole


def test_images_keep_their_pictures_without_loss(clip, mediaml) -> None:
    Image.fromarray(scene(3)).save(clip.parent / "photo.png")
    assert mediaml(*RUN, "-m", "upscale.onnx", "photo.png").code == 0
    kept = np.asarray(Image.open(clip.parent / "out/.pictures/1/1/000000.png"))
    session = onnxruntime.InferenceSession(clip.parent / "upscale.onnx", providers=["CPUExecutionProvider"])
    value = (scene(3).astype(np.float32) / 255).transpose(2, 0, 1)[None]
    expected = np.rint(session.run(None, {"image": value})[0][0].transpose(1, 2, 0) * 255)
    np.testing.assert_allclose(kept, expected, atol=1)
    copy = np.asarray(Image.open(clip.parent / "out/photo.annotated.png"))
    np.testing.assert_array_equal(copy[:, :, :3], kept)


def test_pictures_are_made_of_each_frame_of_a_range(mediaml, clip, tmp_path):
    done = mediaml(*RUN, "-m", "denoise.onnx", "clip.mp4", "--every", "2")
    assert (done.code, "it cannot look at every 2 frames" in done.err) == (2, True)
    assert mediaml(*RUN, "-m", "denoise.onnx", "clip.mp4", "--start", "5", "--end", "8").code == 0
    with open_results(tmp_path / "out") as kept:
        found = [(one.time_s, one.prediction.picture is not None) for one in kept.frames()]
    assert found == [(tick / 2, True) for tick in range(10, 16)]
