"""Sampled runs at the command line: identity, reruns, boxes that hold, images, audio, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest
from PIL import Image

import mediaml as library
from mediaml.core.errors import UsageError
from mediaml.core.sampling import Sampling
from tests.support.command_line import results
from tests.support.media.files import square_left, write_image, write_sound, write_square_video
from tests.support.results_schema import schema


def frames(folder: Path) -> list[int]:
    return [line["frame"] for line in results(folder)[1:]]  # type: ignore[misc]


@pytest.fixture
def command(square_finder, tmp_path):
    """A run on a clip of a moving square, 3.2 s long."""
    write_square_video(tmp_path / "clip.mp4", frames=80)
    return ("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "-o", "out", "--device", "cpu")


def test_the_same_sampling_has_nothing_to_do_and_another_has(mediaml, command, tmp_path):
    said = mediaml(*command, "--no-annotate", "--every", "0.5s")
    assert said.code == 0, said.err
    assert frames(tmp_path / "out") == [0, 13, 25, 38, 50, 63, 75]
    for line in results(tmp_path / "out"):
        jsonschema.validate(line, schema())
    assert "0 frames" in mediaml(*command, "--no-annotate", "--fps", "2").err
    said = mediaml(*command, "--no-annotate", "--every", "10", "--dry-run")
    assert "sampling: every 0.5 s is now every 10 frames" in said.out
    assert "clip.mp4: 8 frames of 80" in said.out
    assert "8 frames" in mediaml(*command, "--no-annotate", "--every", "10").err
    assert frames(tmp_path / "out") == list(range(0, 80, 10))
    assert "0 frames" in mediaml(*command, "--no-annotate", "--every", "500ms").err
    assert frames(tmp_path / "out") == [0, 13, 25, 38, 50, 63, 75]


def test_a_box_holds_until_the_next_sample(mediaml, command, tmp_path):
    assert mediaml(*command, "--every", "1s", "--end", "2.4").code == 0
    lines = results(tmp_path / "out")[1:]
    assert [(line["frame"], line["duration_s"]) for line in lines] == [(0, 1.0), (25, 1.0), (50, 0.4)]
    with av.open(str(tmp_path / "out" / "clip.annotated.mp4")) as copy:
        shown = [frame.to_ndarray(format="rgb24") for frame in copy.decode(video=0)]
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        plain = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert len(shown) == 80
    changed = [np.abs(a.astype(int) - b).max(axis=2) > 60 for a, b in zip(shown, plain, strict=True)]
    for number in (0, 7, 24, 25, 40, 49, 50, 59):
        sample = max(one for one in (0, 25, 50) if one <= number)
        left = square_left(sample)
        columns = np.flatnonzero(changed[number].any(axis=0))
        assert abs(columns.min() - left) <= 6, number
    assert not any(changed[number].any() for number in (60, 70, 79))


def test_a_sample_holds_over_the_slices_that_have_none(mediaml, square_finder, tmp_path):
    write_square_video(tmp_path / "long.mp4", frames=25 * 45)
    said = mediaml(
        *("run", "-p", "yolo", "-m", square_finder, "long.mp4", "-o", "out", "--device", "cpu"),
        *("--every", "42s"),
    )
    assert said.code == 0, said.err
    assert frames(tmp_path / "out") == [0, 1050]
    with av.open(str(tmp_path / "out" / "long.annotated.mp4")) as copy:
        shown = [frame.to_ndarray(format="gray") for frame in copy.decode(video=0)]
    left = square_left(0)
    for number in (10, 600, 1049):  # in the first slice, in one without samples, before the second sample
        assert shown[number][48, left - 3 : left + 3].max() > 60, number


def test_what_was_sampled_hides_nothing(mediaml, command, tmp_path):
    assert mediaml(*command, "--no-annotate", "--every", "1s").code == 0
    said = mediaml("render", "out", "--style", "blur")
    assert said.code == 1
    assert "looked at some frames of" in said.err
    assert "without --every" in said.err


def test_still_frames_are_marked_in_the_results(mediaml, square_finder, tmp_path):
    (tmp_path / "in").mkdir()
    frames_ = [Image.fromarray(np.full((48, 64, 3), level, np.uint8)) for level in (0, 1, 200, 201)]
    frames_[0].save(
        tmp_path / "in" / "moving.png",
        save_all=True,
        append_images=frames_[1:],
        duration=100,
        default_image=False,
    )
    said = mediaml("run", "-p", "digits", "in", "-o", "out", "--device", "cpu", "--still", "0.02")
    assert said.code == 0, said.err
    assert "4 frames (2 like another) in" in said.err
    lines = results(tmp_path / "out")
    for line in lines:
        jsonschema.validate(line, schema())
    assert [line.get("same_as") for line in lines[1:]] == [None, 0, None, 2]
    with library.open_results(tmp_path / "out") as kept:
        assert [frame.same_as for frame in kept.frames()] == [None, 0, None, 2]
        assert kept.connection.execute("SELECT same_as FROM frames").fetchall() == [
            (None,),
            (0,),
            (None,),
            (2,),
        ]


def test_single_images_ignore_times_and_pages_follow_them(mediaml, tmp_path):
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "photo.png", 40, 40)
    pages = [Image.fromarray(np.full((40, 40), level, np.uint8)) for level in (0, 60, 120, 180, 240)]
    pages[0].save(tmp_path / "in" / "scan.tiff", save_all=True, append_images=pages[1:])
    run = ("run", "-p", "digits", "in", "-o", "out", "--device", "cpu", "--no-annotate")
    assert mediaml(*run, "--start", "1", "--every", "2s").code == 0
    found = [(Path(str(line["source"])).name, line["frame"]) for line in results(tmp_path / "out")[1:]]
    assert found == [("photo.png", 0), ("scan.tiff", 1), ("scan.tiff", 3)]
    said = mediaml("probe", "--start", "1", "--every", "2s", "in/photo.png", "in/scan.tiff", "--json")
    probed = [json.loads(line) for line in said.out.splitlines()]
    assert [(line["sampled_frames"], line["frames"]) for line in probed] == [(1, 1), (2, 5)]


def test_audio_obeys_the_range_and_ignores_the_rest(mediaml, tmp_path):
    write_sound(tmp_path / "tone.wav", seconds=6)
    run = ("run", "-p", "spoken", "tone.wav", "--device", "cpu")
    assert mediaml(*run, "-o", "all").code == 0
    whole = [line for line in results(tmp_path / "all")[1:] if 2 <= line["time_s"] < 4]  # type: ignore[operator]
    assert mediaml(*run, "-o", "out", "--start", "2", "--duration", "2", "--every", "10").code == 0
    assert results(tmp_path / "out")[1:] == whole
    assert whole
    again = mediaml(*run, "-o", "out", "--start", "2", "--end", "0:04", "--keyframes")
    assert "0 frames" in again.err
    said = mediaml(*run, "-o", "late", "--start", "60")
    assert said.code == 0
    assert "it has no audio from 60 s on; it lasts 6.000 s" in said.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--every", "0"], "--every 0 must be more than 0."),
        (["--every", "5x"], "neither a number of frames nor seconds"),
        (["--start", "5", "--end", "3"], "--end 3 is not after --start 5."),
        (["--every", "2", "--fps", "3"], "--every and --fps contradict each other."),
        (["--keyframes", "--every", "1s"], "--every and --keyframes contradict each other."),
        (["--still", "7"], "--still 7.0 is not between 0 and 1."),
    ],
)
def test_what_contradicts_itself_is_refused_in_two_lines(mediaml, command, options, said):
    for words in (command, ("probe", "clip.mp4")):
        if words[0] == "probe" and options[0] == "--still":
            continue
        result = mediaml(*words, *options)
        assert result.code == 2
        assert said in result.err
        assert len(result.err.strip().splitlines()) == 2


def test_a_start_behind_the_end_is_said_and_a_rate_above_the_sources_takes_all(mediaml, command, tmp_path):
    result = mediaml(*command, "--no-annotate", "--start", "1:40")
    assert result.code == 0
    assert "clip.mp4: it has no frame from 100 s on; it lasts 3.200 s" in result.err
    assert mediaml(*command, "--no-annotate", "--fps", "1000").code == 0
    assert frames(tmp_path / "out") == list(range(80))


def test_the_library_takes_a_sampling_or_its_words(square_finder, tmp_path):
    write_square_video(tmp_path / "clip.mp4", frames=50)
    asked = {"weights": square_finder, "device": "cpu", "annotate": False, "out": tmp_path / "out"}
    library.run(tmp_path / "clip.mp4", "yolo", sampling={"every": "0.5s", "start": 1}, **asked)
    assert frames(tmp_path / "out") == [25, 38]
    report = library.run(tmp_path / "clip.mp4", "yolo", sampling=Sampling.of(fps=2, start=1), **asked)
    assert report.frames == 0
    with pytest.raises(UsageError, match="sampling has no 'evry'"):
        library.run(tmp_path / "clip.mp4", "yolo", sampling={"evry": 2}, **asked)
    assert library.Sampling is Sampling
