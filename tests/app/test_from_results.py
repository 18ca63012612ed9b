"""The library's functions over an output folder: equal to the commands, typed, and without a model."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import mediaml
from mediaml.app import from_results
from mediaml.core.errors import OutputError, UsageError
from mediaml.derive.lines import Line
from mediaml.derive.tracker import TRACKERS
from mediaml.ledger.ledger import Ledger
from mediaml.ops.look import STYLES
from scripts.evaluation.scene import HIDDEN, Detector, commit_scene, even
from tests.support.listener import Listener
from tests.support.media.annotated_clips import pictures_of
from tests.support.media.noisy_square import found_square, square_box, write_noisy_clip
from tests.support.output_folder import House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path, write_noisy_clip(tmp_path / "clip.mp4"), 20.0)
    made.answer(made.model("yolo"), found_square)
    yield made
    made.ledger.close()


def test_render_hides_persons_and_tells_how_far_it_is(house, tmp_path):
    listener = Listener()
    done = mediaml.render(
        tmp_path / "out", tmp_path / "to", styles="blur", classes="person", reporter=listener
    )
    (copy,) = done.written
    assert (copy.name, done.failures) == ("clip.blur.mp4", ())
    before, after = pictures_of(house.given.path)[0], pictures_of(copy)[0]
    left, top, right, bottom = map(int, square_box(0).corners)
    inside = np.s_[top:bottom, left:right]
    assert after[inside].std() < 0.6 * before[inside].std()
    assert listener.shares[-1] == 1.0


def test_what_cannot_be_done_raises(house, tmp_path):
    with pytest.raises(ValueError, match="unknown style: blurr"):
        mediaml.render(tmp_path / "out", styles=["blurr"])
    with pytest.raises(OutputError, match="no class 'persn'"):
        mediaml.render(tmp_path / "out", classes=["persn"])
    with pytest.raises(TypeError, match="clases"):
        mediaml.render(tmp_path / "out", clases=["person"])
    with pytest.raises(OutputError, match=r"nothing in .* was tracked"):
        mediaml.count(tmp_path / "out")
    with pytest.raises(UsageError, match="tracker"):
        mediaml.track(tmp_path / "out", tracker="bytetrak")


def test_track_count_and_report(tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        commit_scene(ledger, HIDDEN, even(20, 40), Detector())
    tracked = mediaml.track(tmp_path / "out", lost_s=2.0)
    assert [options.lost_s for _, options in tracked.models] == [2.0]
    (counts,) = mediaml.count(tmp_path / "out", lines="gate=320,0,320,360", classes="car").counts
    assert len(counts.objects) == 8
    assert [one.direction for one in counts.crossings] == ["out"] * 8
    assert mediaml.count(tmp_path / "out", least_s=100.0).counts[0].objects == ()
    lasting = [one.end_s - one.begin_s for one in counts.objects]
    some = mediaml.count(tmp_path / "out", least_s=sorted(lasting)[4]).counts[0].objects
    assert len(some) == sum(one >= sorted(lasting)[4] for one in lasting) < 8
    page = mediaml.report(tmp_path / "out", lines="gate=320,0,320,360")
    assert '"gate"' in page.read_text("utf-8")
    with pytest.raises(OutputError, match="exists"):
        mediaml.report(tmp_path / "out")
    assert mediaml.report(tmp_path / "out", overwrite=True) == page


def test_the_docstrings_name_what_there_is():
    render, track = (inspect.getdoc(function) or "" for function in (mediaml.render, mediaml.track))
    assert all(f"`{style}`" in render for style in STYLES)
    assert all(f"`{name}`" in track for name in TRACKERS)
    assert from_results._lines("a=0,0,1,1") == [Line("a", 0, 0, 1, 1)]
