"""How files are read is part of a model's identity: what read less does not stand for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mediaml.core.media import Kind
from mediaml.core.track import TrackChoice
from mediaml.media.limits import Limits
from mediaml.pipeline.reading import reading_record
from mediaml.plugin import ModelSpec
from tests.support.command_line import results


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
    assert "no audio track" in mediaml(*command, "??").err
    said = mediaml(*command, "all")
    assert said.code == 2
    assert "Run once for each track" in said.err
