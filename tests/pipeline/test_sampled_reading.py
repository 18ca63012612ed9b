"""Sampled sources: whole passes and parts get the same frames; still frames take over answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.media import Kind
from mediaml.core.prediction import Label
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.work import Job, ModelIdentity, TaskResult, Want
from mediaml.media.limits import Limits
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.pipeline import Pipeline
from mediaml.pipeline.read import no_mark
from mediaml.plugin import Frame, ModelSpec
from tests.support.media.files import write_video
from tests.support.media.material import write_video as write_pictures

SLICE_S = 0.4  # ten frames
FRAMES = 45


class Counting:
    """Labels each frame with its index, and remembers which it has seen."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def predict(self, frames: Sequence[Frame]) -> list[Label]:
        self.seen += [frame.index for frame in frames]
        return [Label(str(frame.index), 1.0) for frame in frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sampled") / "clip.mp4"
    write_video(path, frames=FRAMES, width=64, height=48)
    return path


def answered(
    path: Path,
    sampling: Sampling,
    *wants: Want,
    model: Counting | None = None,
    step: Callable[[], None] = lambda: None,
    kind: Kind = Kind.VIDEO,
) -> list[TaskResult]:
    """What comes of a job with these wants, in order."""
    spec = ModelSpec("m", task="classify", load=lambda context: Counting())
    identity = ModelIdentity("m", "classify", "", "", "", "", "", "{}")
    loaded = LoadedModel(spec, model or Counting(), identity, ("cpu",), (), 1)
    emitted: list[TaskResult] = []
    with Pipeline(
        [loaded, loaded],
        readers=1,
        limits=Limits(),
        slice_s=SLICE_S,
        sampling=sampling,
        emit=emitted.append,
        shrunk=lambda *_: None,
        step=step,
        crashed=lambda error: None,
    ) as pipeline:
        pipeline.run_alone(Job(1, path, kind, wants), no_mark)
    return emitted


def seen(emitted: Sequence[TaskResult]) -> list[tuple[int, bool, list[int]]]:
    return [(r.task.slice, r.last, [answer.index for answer in r.answers]) for r in emitted]


def test_slices_without_a_sample_are_done_too(clip):
    assert seen(answered(clip, Sampling.of(every=25), Want(1, 0))) == [
        (0, False, [0]),
        (1, False, []),
        (2, True, [25]),
    ]
    late = answered(clip, Sampling.of(start="1.3", fps=5), Want(1, 0))
    assert seen(late) == [
        (0, False, []),
        (1, False, []),
        (2, False, []),
        (3, False, [33, 38]),
        (4, True, [43]),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"every": 7},
        {"every": "0.3s"},
        {"every": 25},
        {"start": "0.5", "end": "1.5"},
        {"scenes": True},
        {"still": 0.1},
    ],
    ids=str,
)
def test_a_run_that_was_stopped_gets_the_frames_of_one_that_was_not(clip, asked):
    sampling = Sampling.of(**asked)
    whole = seen(answered(clip, sampling, Want(1, 0)))
    for next_slice in range(1, len(whole)):
        before = sum(len(indices) for _, _, indices in whole[:next_slice])
        rest = answered(clip, sampling, Want(1, 0, next_slice, before))
        assert seen(rest) == whole[next_slice:], next_slice


def test_ranges_of_slices_and_two_models_get_the_same(clip):
    sampling = Sampling.of(every=3)
    whole = seen(answered(clip, sampling, Want(1, 0)))
    both = answered(clip, sampling, Want(1, 0, 0, 0, 2), Want(2, 1, 1, 4))
    assert seen([result for result in both if result.task.model == 1]) == whole[:2]
    assert seen([result for result in both if result.task.model == 2]) == whole[1:]


def test_a_range_behind_the_end_is_noted_and_no_failure(clip):
    (result,) = answered(clip, Sampling.of(start=100), Want(1, 0))
    assert (result.answers, result.last, result.failure) == ((), True, None)
    assert result.accounts.notes == ("it has no frame from 100 s on; it lasts 1.800 s",)
    (result,) = answered(clip, Sampling.of(start=2, end=3), Want(1, 0))
    assert "it has no frame from 2 s to 3 s" in result.accounts.notes[0]


@pytest.mark.parametrize("asked", [{"scenes": True}, {"every": 40}, {"every": "20s"}], ids=str)
def test_frames_that_are_passed_over_count_as_progress(clip, asked):
    steps: list[int] = []
    answered(clip, Sampling.of(**asked), Want(1, 0), step=lambda: steps.append(1))
    assert len(steps) > 40


def scene(path: Path, moves: Callable[[int], int]) -> Path:
    """A grey picture of 20 frames with a small square whose place each frame decides."""
    pictures = []
    for number in range(20):
        picture = np.full((96, 160, 3), 90, np.uint8)
        left = moves(number)
        picture[40:48, left : left + 8] = 230
        pictures.append(picture)
    return write_pictures(path, range(0, 800, 40), size=(160, 96), pictures=pictures)


def test_a_still_frame_takes_over_the_last_answer(tmp_path):
    path = scene(tmp_path / "still.mp4", lambda number: 20 if number < 4 else 60)
    model = Counting()
    emitted = answered(path, Sampling.of(still=0.1), Want(1, 0), model=model)
    assert model.seen == [0, 4, 10]  # the first, the change, and the first of the next slice
    answers = [answer for result in emitted for answer in result.answers]
    assert [answer.index for answer in answers] == list(range(20))
    assert [answer.same_as for answer in answers[:12]] == [None, 0, 0, 0, None, 4, 4, 4, 4, 4, None, 10]
    assert [answer.prediction.labels[0].name for answer in answers[:6]] == ["0", "0", "0", "0", "4", "4"]
    assert [answer.time_s for answer in answers] == pytest.approx([0.04 * number for number in range(20)])


def test_a_slow_change_adds_up_to_an_inference(tmp_path):
    """Each frame is compared with the last one inferred, not with the one before it."""
    pictures = [np.full((96, 160, 3), 60 + 2 * number, np.uint8) for number in range(10)]
    path = write_pictures(tmp_path / "dawn.mp4", range(0, 400, 40), size=(160, 96), pictures=pictures)
    model = Counting()
    answered(path, Sampling.of(still=0.02), Want(1, 0), model=model)
    assert model.seen[:3] in ([0, 3, 6], [0, 4, 7], [0, 4, 8])


def test_something_small_that_moves_is_inferred_every_time(tmp_path):
    path = scene(tmp_path / "passing.mp4", lambda number: 10 + 6 * number)
    model = Counting()
    answered(path, Sampling.of(still=0.02), Want(1, 0), model=model)
    assert model.seen == list(range(20))


def test_still_and_a_step_go_together(tmp_path):
    path = scene(tmp_path / "still.mp4", lambda number: 20)
    model = Counting()
    emitted = answered(path, Sampling.of(every=2, still=0.05), Want(1, 0), model=model)
    assert model.seen == [0, 10]
    answers = [answer for result in emitted for answer in result.answers]
    assert [answer.index for answer in answers] == list(range(0, 20, 2))
    assert [answer.same_as for answer in answers] == [None, 0, 0, 0, 0, None, 10, 10, 10, 10]


def test_without_a_sampling_nothing_changes(clip):
    assert seen(answered(clip, ALL_FRAMES, Want(1, 0)))[0] == (0, False, list(range(10)))
