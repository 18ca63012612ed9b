"""How files are read is part of a model's identity: what read less does not stand for all."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from PIL import Image

from mediaml.core.media import Kind
from mediaml.core.track import TrackChoice
from mediaml.media.limits import Limits
from mediaml.pipeline.reading import reading_record
from mediaml.plugin import ModelSpec
from tests.support.command_line import results
from tests.support.media.files import write_sound
from tests.support.results_schema import schema


@pytest.fixture
def animation(tmp_path):
    frames = [Image.fromarray(np.full((40, 40, 3), level, np.uint8)) for level in (0, 90, 200)]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    return path


def test_a_run_of_first_frames_does_not_stand_for_all(mediaml, animation, tmp_path):
    command = ("run", "-p", "digits", animation, "-o", "out", "--device", "cpu")
    said = mediaml(*command, "--first-frame")
    assert said.code == 0, said.err
    assert len(results(tmp_path / "out")) == 1 + 1
    said = mediaml(*command)
    assert "3 frames" in said.err
    assert len(results(tmp_path / "out")) == 1 + 3
    again = mediaml(*command, "--first-frame")
    assert "0 frames" in again.err
    assert len(results(tmp_path / "out")) == 1 + 1


def test_a_run_without_tone_mapping_does_not_stand_for_one_with_it():
    spec = ModelSpec("any", task="classify", load=lambda _: None, kinds=frozenset({Kind.VIDEO}))
    images = replace(spec, kinds=frozenset({Kind.IMAGE}))
    assert reading_record(spec, Limits(), TrackChoice()) == {}
    plain = Limits(tone_map=False, deinterlace=False)
    assert reading_record(spec, plain, TrackChoice()) == {"@tone_map": False, "@deinterlace": False}
    assert reading_record(images, plain, TrackChoice()) == {}


def test_a_track_is_a_number_or_a_language(mediaml, animation):
    command = ("run", "-p", "spoken", animation, "-o", "out", "--audio-track")
    assert "not an audio track" in mediaml(*command, "??").err


def test_all_audio_tracks_are_read_and_told_apart(mediaml, tmp_path):
    write_sound(tmp_path / "tone.wav", seconds=3.0)
    inputs = ["-i", str(tmp_path / "tone.wav")] * 2
    command = ["ffmpeg", "-v", "error", *inputs, "-map", "0", "-map", "1", "-c:a", "flac"]
    languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"]
    subprocess.run([*command, *languages, str(tmp_path / "two.mkv")], check=True)
    run = ("run", "-p", "spoken", "-O", "spoken.all=yes", "two.mkv", "-o", "out", "--device", "cpu")
    said = mediaml(*run, "--audio-track", "all")
    assert said.code == 0, said.err
    lines = results(tmp_path / "out")[1:]
    for line in lines:
        jsonschema.validate(line, schema())
    tracks = [line["audio_track"] for line in lines]
    assert set(tracks) == {1, 2}
    assert tracks.count(1) == tracks.count(2)
    alone = mediaml(*run, "--audio-track", "fra")
    assert alone.code == 0, alone.err
    assert len(results(tmp_path / "out")) - 1 == tracks.count(2)
    assert "audio_track" not in results(tmp_path / "out")[1]


def test_a_copy_of_an_animation_has_its_frames(mediaml, animation):
    for name, options, frames in (("copies", (), 3), ("first", ("--first-frame",), 1)):
        said = mediaml("run", "-p", "digits", animation, "-o", name, "--annotate", *options)
        assert said.code == 0 and "shows only" not in said.err
        (copy,) = animation.parent.joinpath(name).rglob("*.annotated.*")
        with Image.open(copy) as image:
            assert (image.format, image.n_frames) == ("GIF", frames)
