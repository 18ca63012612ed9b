"""When a slice can be drawn: as soon as all models that look at pictures have answered it, and no sooner."""

from __future__ import annotations

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.work import Failure, Task, TaskResult
from mediaml.ledger.encoding import TaskRecord, record_of
from mediaml.outputs.render.drawable_slices import DrawableSlices

SEEN = MediaInfo("clip.mp4", Kind.VIDEO, width=64, height=48)
HEARD = MediaInfo("clip.mp4", Kind.VIDEO, sample_rate=8000)


def result(number: int, model: int = 1, *, last: bool = False, info: MediaInfo | None = SEEN) -> TaskRecord:
    return record_of(TaskResult(Task(7, model, number), last=last, info=info))


def test_one_model_is_ready_slice_by_slice() -> None:
    ready = DrawableSlices()
    assert [ready.take(result(number, last=number == 3), 1) for number in range(4)] == [0, 1, 2, 3]


def test_the_slowest_of_several_models_counts() -> None:
    ready = DrawableSlices()
    assert ready.take(result(0, 1), 2) is None
    assert ready.take(result(0, 2), 2) == 0
    assert ready.take(result(1, 1), 2) == 0
    assert ready.take(result(2, 1, last=True), 2) == 0
    assert ready.take(result(1, 2), 1) == 1
    assert ready.take(result(2, 2, last=True), 1) == 2


def test_a_model_that_is_not_heard_of_yet_is_waited_for_by_one_slice() -> None:
    ready = DrawableSlices()
    assert [ready.take(result(number), 2) for number in range(3)] == [None, 0, 1]


def test_neither_sound_nor_pictures_nor_failures_are_ready() -> None:
    ready = DrawableSlices()
    assert ready.take(result(0, info=HEARD), 1) is None
    assert ready.take(result(0, info=MediaInfo("a.png", Kind.IMAGE, width=1, height=1)), 1) is None
    assert ready.take(result(0, info=None), 1) is None
    failed = TaskRecord(Task(7, 1, 0), failure=Failure("decode", "MediaError", "cut off"))
    assert ready.take(failed, 1) is None


def test_a_settled_source_is_forgotten() -> None:
    ready = DrawableSlices()
    assert ready.take(result(5, 1, last=True), 2) == 4
    ready.forget(7)
    ready.forget(7)
    assert ready.take(result(0, 2), 1) == 0
