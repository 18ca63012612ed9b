"""A job may be a range of slices of one source: together the ranges equal one pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mediaml.core.media import Kind
from mediaml.core.prediction import Label
from mediaml.core.work import Job, ModelIdentity, TaskResult, Want
from mediaml.engine.local.crash_attribution import advance
from mediaml.engine.messages import ReadSource, order_of
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.media.limits import Limits
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.pipeline import Pipeline
from mediaml.pipeline.sample import no_mark
from mediaml.plugin import Frame, ModelSpec
from tests.support.media.files import write_video

SLICE_S = 0.4  # ten frames
FRAMES = 45  # four slices of ten, one of five


class Indices:
    """Labels each frame with its index."""

    def predict(self, frames: Sequence[Frame]) -> list[Label]:
        return [Label(str(frame.index), 1.0) for frame in frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ranges") / "clip.mp4"
    write_video(path, frames=FRAMES, width=64, height=48)
    return path


def results(clip: Path, *wants: Want) -> list[TaskResult]:
    """What comes of a job with these wants, in order."""
    spec = ModelSpec("m", task="classify", load=lambda context: Indices())
    identity = ModelIdentity("m", "classify", "", "", "", "", "", "{}")
    model = LoadedModel(spec, Indices(), identity, ("cpu",), (), 1)
    emitted: list[TaskResult] = []
    with Pipeline(
        [model, model],
        readers=1,
        limits=Limits(),
        slice_s=SLICE_S,
        emit=emitted.append,
        shrunk=lambda *_: None,
        step=lambda: None,
        crashed=lambda error: None,
    ) as pipeline:
        pipeline.run_alone(Job(1, clip, Kind.VIDEO, wants), no_mark)
    return emitted


def seen(emitted: Sequence[TaskResult]) -> list[tuple[int, bool, list[int]]]:
    return [(r.task.slice, r.last, [answer.index for answer in r.answers]) for r in emitted]


def test_ranges_together_equal_one_pass(clip):
    whole = seen(results(clip, Want(1, 0)))
    assert [number for number, *_ in whole] == [0, 1, 2, 3, 4]
    before = {number: indices[0] for number, _, indices in whole}
    ranges = [Want(1, 0, 0, 0, 2), Want(1, 0, 2, before[2], 3), Want(1, 0, 3, before[3])]
    assert [row for want in ranges for row in seen(results(clip, want))] == whole


def test_a_range_beyond_the_end_ends_with_the_source(clip):
    assert seen(results(clip, Want(1, 0, 4, 40, 9))) == [(4, True, list(range(40, 45)))]


def test_models_may_want_different_ranges_of_one_pass(clip):
    emitted = results(clip, Want(1, 0, 0, 0, 1), Want(2, 1, 0, 0, 3))
    of_model = {model: [r for r in emitted if r.task.model == model] for model in (1, 2)}
    assert seen(of_model[1]) == [(0, False, list(range(10)))]
    assert [number for number, *_ in seen(of_model[2])] == [0, 1, 2]
    assert not any(last for _, last, _ in seen(of_model[2]))


def test_a_gap_at_the_end_of_a_range_is_closed_by_an_empty_slice(tmp_path):
    path = tmp_path / "gap.mkv"
    write_video(path, frames=10, width=64, height=48)
    emitted = results(path, Want(1, 0, 0, 0, 1))
    assert seen(emitted)[-1][0] == 0


def test_an_order_for_a_range_is_done_with_its_last_slice(clip):
    look = order_of(Job(1, clip, Kind.VIDEO, (Want(1, 0, 0, 0, 2),)))
    assert isinstance(look, ReadSource)
    first, second = (record_of(result) for result in results(clip, Want(1, 0, 0, 0, 2)))
    rest = advance(look, first)
    assert rest is not None and rest.wants == (Want(1, 0, 1, 10, 2, since_s=first.frames[-1].time_s),)
    assert isinstance(second, TaskRecord)
    assert advance(rest, second) is None
