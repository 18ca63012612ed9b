"""Models of clips end to end: what a reference says of clips cut by hand, at their times."""

from __future__ import annotations

import json
import sqlite3
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from onnx import save
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from scripts.video_graphs import clip_classifier
from tests.support.command_line import results
from tests.support.conv3d import conv3d_logits, softmax
from tests.support.media.annotated_clips import in_rgb, pictures_of, write_clip
from tests.support.media.material import numbered

RUN = ("run", "-p", "classify", "-m", "act.onnx", "--device", "cpu", "-o", "out", "-O", "min_score=0")
SIDE, FRAMES, EVERY_S = 32, 4, 0.5
TICKS = [*range(70), *range(75, 80), *range(90, 211)]
"""In quarters of a second, two gaps among them: three time slices, and clips over their borders."""
TOML = f"""labels = ["run", "sit", "wave"]
[image]
scale = {1 / 255}
[clip]
every_s = {EVERY_S}
hop_s = 1.5
"""


def scene(index: int) -> UInt8Array:
    return np.asarray(numbered(index, SIDE, SIDE), np.uint8)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    save(clip_classifier(frames=FRAMES, side=SIDE), tmp_path / "act.onnx")
    (tmp_path / "act.toml").write_text(TOML)
    write_clip(
        tmp_path / "clip.mp4",
        ticks=TICKS,
        time_base=Fraction(1, 4),
        picture=scene,
        pix_fmt="yuv444p",  # no chroma that a reader would fill in by itself
        options={"crf": "10"},
    )
    return tmp_path


def by_hand(video: Path) -> list[tuple[float, float, np.ndarray]]:
    """Start, duration and probabilities of every clip, from PyAV's frames and a convolution in NumPy."""
    with av.open(str(video)) as container:
        shown = [(float(frame.time), in_rgb(frame)) for frame in container.decode(video=0)]
    end_s = TICKS[-1] / 4 + 0.25
    clips, start = [], 0.0
    covered_s = 0.0
    while start < end_s:
        instants = [start + EVERY_S * step for step in range(FRAMES)]
        if instants[-1] < end_s or covered_s < end_s:
            images = [[image for time, image in shown if time <= instant][-1] for instant in instants]
            clip = np.stack(images).astype(np.float32).transpose(3, 0, 1, 2) / 255
            length_s = min(FRAMES * EVERY_S, end_s - start)
            clips.append((start, length_s, softmax(conv3d_logits(clip))))
            covered_s = start + length_s
        start += 1.5
    return clips


def answered(folder: Path) -> list[tuple[float, float, dict[str, float]]]:
    with open_results(folder) as kept:
        return [
            (one.time_s, one.duration_s, {label.name: label.score for label in one.prediction.labels})
            for one in kept.frames(model="classify")
        ]


def test_every_clip_is_answered_as_the_reference_says(place: Path, mediaml) -> None:
    done = mediaml(*RUN, "clip.mp4")
    assert done.code == 0, done.err
    expected = by_hand(place / "clip.mp4")
    found = answered(place / "out")
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    for (_, _, labels), (_, _, chances) in zip(found, expected, strict=True):
        scores = [labels[name] for name in ("run", "sit", "wave")]
        np.testing.assert_allclose(scores, chances, atol=2e-3)
    assert len({max(labels, key=labels.get) for *_, labels in found}) > 1, "the clips differ"


def test_what_is_written_of_clips(place: Path, mediaml) -> None:
    assert mediaml(*RUN, "clip.mp4").code == 0
    header, *lines = results(place / "out")
    assert header["run"]["models"][0]["clip_frames"] == FRAMES
    assert [(line["frame"], line["time_s"]) for line in lines[:3]] == [(0, 0.0), (1, 1.5), (2, 3.0)]
    assert {line["duration_s"] for line in lines[:-1]} == {2.0}
    with sqlite3.connect(place / "out" / FILE_NAME) as db:
        assert db.execute("SELECT * FROM clip_model").fetchall() == [(1, FRAMES)]


def test_an_interrupted_run_answers_every_clip_once(place: Path, mediaml) -> None:
    assert mediaml(*RUN, "--annotate", "clip.mp4").code == 0
    whole = answered(place / "out")
    copy = (place / "out/clip.annotated.mp4").read_bytes()
    for kept in (1, 2):
        with sqlite3.connect(place / "out" / FILE_NAME) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("DELETE FROM task WHERE slice >= ?", (kept,))
            db.execute("UPDATE artifact SET done = 0")
        (place / "out/clip.annotated.mp4").unlink()
        assert mediaml(*RUN, "--annotate", "clip.mp4").code == 0
        assert answered(place / "out") == whole
        assert (place / "out/clip.annotated.mp4").read_bytes() == copy


def test_counted_clips_of_an_interrupted_run_go_on_with_the_right_frame(place: Path, mediaml) -> None:
    counted = TOML.replace(f"every_s = {EVERY_S}\nhop_s = 1.5", "stride = 2\nhop = 7")
    (place / "act.toml").write_text(counted)
    assert mediaml(*RUN, "clip.mp4").code == 0
    whole = answered(place / "out")
    assert [one[0] for one in whole] == [TICKS[start] / 4 for start in range(0, len(TICKS), 7)]
    with sqlite3.connect(place / "out" / FILE_NAME) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM task WHERE slice >= 1")
    assert mediaml(*RUN, "clip.mp4").code == 0
    assert answered(place / "out") == whole


@pytest.mark.parametrize("hop_s", [6.0, 19.0])
def test_a_label_holds_for_its_clip_on_the_copy(place: Path, mediaml, hop_s: float) -> None:
    """Among the clips are those from 18 s to 20 s and from 48 s on, and one over the first border."""
    (place / "act.toml").write_text(TOML.replace("hop_s = 1.5", f"hop_s = {hop_s}"))
    assert mediaml(*RUN, "--annotate", "clip.mp4").code == 0
    bare = mediaml(*RUN[:-2], "-O", "min_score=1", "--annotate", "clip.mp4", "-o", "bare")
    assert bare.code == 0, bare.err
    plain, drawn = (pictures_of(place / f"{folder}/clip.annotated.mp4") for folder in ("bare", "out"))
    changed = [
        bool((np.abs(one.astype(int) - other) > 40).any()) for one, other in zip(plain, drawn, strict=True)
    ]
    assert changed == [tick / 4 % hop_s < 2.0 for tick in TICKS]


def test_labels_are_spans_in_label_tracks(place: Path, mediaml) -> None:
    assert mediaml(*RUN, "-O", "top=1", "clip.mp4").code == 0
    assert mediaml("export", "out", "--format", "audacity", "-o", "tracks").code == 0
    rows = [line.split("\t") for line in next((place / "tracks").rglob("*.txt")).read_text().splitlines()]
    spans = sorted((float(start), float(end)) for start, end, _ in rows)
    assert spans[0][0] == 0.0 and max(end for _, end in spans) == pytest.approx(
        TICKS[-1] / 4 + 0.25, abs=0.01
    )


def test_a_frame_of_each_clip_is_written(place: Path, mediaml) -> None:
    (place / "act.toml").write_text(TOML.replace("every_s = 0.5\nhop_s = 1.5", "every_s = 0.1\nhop_s = 0.4"))
    assert mediaml(*RUN, "--frames", "clip.mp4").code == 0
    names = sorted(path.name for path in (place / "out").rglob("clip-*.jpg"))
    begins = [tick / 4 for tick in TICKS]
    spans = [(number, number * 0.4) for number in range(132)]
    held = [number for number, start in spans if any(start <= time < start + 0.4 for time in begins)]
    assert names == [f"clip-{number:06}.jpg" for number in held]
    written = np.asarray(Image.open(next((place / "out").rglob("clip-000005.jpg"))), float)
    assert np.abs(written - scene(8)).mean() < 12, "of the frame at 2.0 s"


def test_clips_run_beside_a_model_of_frames_over_one_reading(place: Path, mediaml) -> None:
    assert mediaml(*RUN, "clip.mp4").code == 0
    alone = answered(place / "out")
    both = ("run", "-p", "classify", "-m", "classify=act.onnx", "-p", "digits", "--device", "cpu")
    both = (*both, "-O", "classify.min_score=0", "clip.mp4", "-o", "both")
    lost = ("slice < 0", "slice >= 1", "slice >= 2 OR (model = 1 AND slice >= 1)", "model = 2 AND slice >= 1")
    for where in lost:
        done = mediaml(*both)
        assert done.code == 0, done.err
        assert answered(place / "both") == alone
        with open_results(place / "both") as kept:
            numbers = [(one.frame, one.time_s) for one in kept.frames(model="digits")]
        assert numbers == [(frame, tick / 4) for frame, tick in enumerate(TICKS)]
        with sqlite3.connect(place / "both" / FILE_NAME) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute(f"DELETE FROM task WHERE {where}")


def test_photos_animations_and_pages_are_clips_too(place: Path, mediaml) -> None:
    pages = [Image.fromarray(scene(index)) for index in range(5)]
    pages[0].save(place / "photo.png")
    pages[0].save(place / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(place / "moving.gif", save_all=True, append_images=pages[1:], duration=500)
    done = mediaml(*RUN, "photo.png", "pages.tif", "moving.gif")
    assert done.code == 0, done.err
    spans: dict[str, list[tuple[float, float]]] = {}
    with open_results(place / "out") as kept:
        for one in kept.frames():
            spans.setdefault(one.source, []).append((one.time_s, one.duration_s))
            if one.source == "photo.png":
                clip = np.stack([scene(0)] * FRAMES).astype(np.float32).transpose(3, 0, 1, 2) / 255
                chances = softmax(conv3d_logits(clip))
                scores = {label.name: label.score for label in one.prediction.labels}
                np.testing.assert_allclose(
                    [scores[name] for name in ("run", "sit", "wave")], chances, atol=1e-3
                )
    assert spans["photo.png"] == [(0.0, 0.0)]
    assert spans["pages.tif"] == [(0.0, 2.0), (1.5, 2.0), (3.0, 2.0)]
    assert spans["moving.gif"] == [(0.0, 2.0), (1.5, 1.0)]


def test_a_graph_of_five_axes_is_described(place: Path, mediaml) -> None:
    (place / "act.toml").unlink()
    done = mediaml("models", "describe", "act.onnx", "--write")
    assert done.code == 0, done.err
    text = (place / "act.toml").read_text()
    assert "[clip]" in text and 'layout = "CTHW"' in text and f"frames = {FRAMES}" in text
    assert "a frame every 1/15 s guessed" in done.out
    assert mediaml(*RUN, "clip.mp4").code == 0
    record = {"frames": FRAMES, "every_s": EVERY_S, "hop_s": 1.5}
    image = {"width": SIDE, "height": SIDE, "scale": 1 / 255}
    metadata = {"mediaml.input": json.dumps(image), "mediaml.clip": json.dumps(record)}
    save(clip_classifier(frames=FRAMES, side=SIDE, metadata=metadata), place / "act.onnx")
    (place / "act.toml").unlink()
    assert mediaml(*RUN, "clip.mp4", "-o", "by-metadata").code == 0
    assert [one[0] for one in answered(place / "by-metadata")][:3] == [0.0, 1.5, 3.0]


@pytest.mark.parametrize("layout", ["TCHW", "THWC"])
def test_other_orders_of_axes_give_the_same(place: Path, mediaml, layout: str) -> None:
    assert mediaml(*RUN, "clip.mp4").code == 0
    first = answered(place / "out")
    save(clip_classifier(frames=FRAMES, side=SIDE, layout=layout), place / "act.onnx")
    assert mediaml(*RUN, "clip.mp4", "-o", "again").code == 0
    assert [one[:2] for one in answered(place / "again")] == [one[:2] for one in first]
    for (*_, one), (*_, other) in zip(answered(place / "again"), first, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ("[clip]\nframe = 8\n", "has no field 'frame'"),
        ("[clip]\nframes = 8\n", "is described as taking"),
        ("[clip]\nevery_s = 0.1\nstride = 2\n", "leave them out beside every_s"),
        ('[clip]\nlayout = "CHWT"\n', "cannot be 'CHWT'"),
    ],
)
def test_a_wrong_description_of_clips_is_refused(place: Path, mediaml, toml: str, why: str) -> None:
    (place / "act.toml").write_text(toml)
    done = mediaml(*RUN, "clip.mp4")
    assert done.code == 4 and why in done.err


def test_axes_that_may_be_read_in_two_ways_are_asked_for(place: Path, mediaml) -> None:
    (place / "act.toml").unlink()
    save(clip_classifier(frames=3, side=SIDE), place / "act.onnx")
    done = mediaml(*RUN, "clip.mp4")
    assert done.code == 4 and "may be CTHW and TCHW" in done.err and "[clip], layout" in done.err


@pytest.mark.parametrize("flags", [("--every", "2"), ("--start", "1"), ("--still", "0.02")])
def test_a_model_of_clips_chooses_its_frames_itself(mediaml, place, flags):
    done = mediaml(*RUN, "clip.mp4", *flags)
    assert (done.code, "classify takes clips of frames and chooses these itself" in done.err) == (2, True)
