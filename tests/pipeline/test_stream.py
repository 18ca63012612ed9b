"""A stream hands on whole slices in order, whatever order the answers come in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.media import DecodeAccounts
from mediaml.core.picture_file import PictureFile
from mediaml.core.prediction import Picture, Prediction
from mediaml.core.slices import SLICE_S, slice_of
from mediaml.core.work import Failure, FrameAnswer
from mediaml.pipeline.stream import Stream

NOTHING = DecodeAccounts()
FAILURE = Failure("infer", "ValueError", "no")


def answer(index: int) -> FrameAnswer:
    return FrameAnswer(index, index * 1.0, 1.0, Prediction())


@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_order_of_answers_gives_whole_slices_in_order(data, sizes):
    results = []
    stream = Stream(1, 2, results.append)
    frames = [(number, index) for number, size in enumerate(sizes) for index in range(size)]
    waiting = []
    numbered = [(number, position) for position, (number, _) in enumerate(frames)]
    for number, index in numbered:
        stream.expect(number, NOTHING, index)
        waiting.append((number, index))
        while waiting and data.draw(st.booleans()):
            stream.answer(*_drawn(data, waiting))
    stream.finish(DecodeAccounts(decoded=len(frames)), 0)
    while waiting:
        stream.answer(*_drawn(data, waiting))
    assert [result.task.slice for result in results] == list(range(len(sizes)))
    assert [len(result.answers) for result in results] == sizes
    assert [a.index for result in results for a in result.answers] == list(range(len(frames)))
    assert [result.last for result in results] == [False] * (len(sizes) - 1) + [True]
    assert results[-1].accounts.decoded == len(frames)


def _drawn(data, waiting):
    number, index = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
    return number, answer(index)


def test_a_source_without_frames_ends_in_one_empty_slice():
    results = []
    Stream(1, 2, results.append).finish(NOTHING, 3)
    assert [(result.task.slice, result.last, result.answers) for result in results] == [(3, True, ())]


def test_a_failure_keeps_what_was_handed_on_and_ends_the_stream():
    results = []
    stream = Stream(1, 2, results.append)
    stream.expect(0, NOTHING, 0)
    stream.answer(0, answer(0))
    stream.expect(1, NOTHING, 1)
    stream.expect(1, NOTHING, 2)
    stream.answer(1, answer(1))
    stream.fail(FAILURE, NOTHING, 1)
    stream.fail(Failure("decode", "OSError", "later"), NOTHING, 1)
    stream.answer(1, answer(2))
    stream.finish(NOTHING, 0)
    assert stream.failed
    assert [(result.task.slice, len(result.answers), result.failure) for result in results] == [
        (0, 1, None),
        (1, 0, FAILURE),
    ]


def test_a_source_that_breaks_off_is_answered_as_far_as_it_was_read():
    results = []
    stream = Stream(1, 2, results.append)
    stream.expect(0, NOTHING, 0)
    stream.expect(0, NOTHING, 1)
    stream.answer(0, answer(1))
    stream.break_off(FAILURE, DecodeAccounts(decoded=2), 0)
    assert (results, stream.failed) == ([], False)
    stream.answer(0, answer(0))
    assert [(result.task.slice, len(result.answers), result.last) for result in results] == [
        (0, 2, False),
        (1, 0, True),
    ]
    assert results[1].failure == FAILURE
    assert stream.failed


def test_a_source_that_cannot_be_opened_fails_at_once():
    results = []
    Stream(1, 2, results.append).break_off(FAILURE, NOTHING, 3)
    assert [(result.task.slice, result.failure) for result in results] == [(3, FAILURE)]


def test_slices_follow_the_clock():
    assert [slice_of(time) for time in (-0.1, 0.0, SLICE_S - 1e-6, SLICE_S, 2.5 * SLICE_S)] == [0, 0, 0, 1, 2]


class Written:
    """Stands for the files of a slice: keeps the order in which pictures come."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.abandoned = False

    def add(self, frame: int, picture: UInt8Array) -> None:
        if picture[0, 0, 0] == 255:
            raise MediaError("the disk is full.")
        self.frames.append(frame)

    def close(self) -> tuple[PictureFile, ...]:
        return (PictureFile("name", "0" * 64, 1, self.frames[0], self.frames[-1], 1, 1),)

    def abandon(self) -> None:
        self.abandoned = True


def pictured(index: int, grey: int = 0) -> FrameAnswer:
    return FrameAnswer(
        index, index * 1.0, 1.0, Prediction(picture=Picture(np.full((1, 1, 3), grey, np.uint8)))
    )


@given(st.permutations([0, 1, 2, 3, 4]))
def test_pictures_are_written_in_the_order_of_frames_and_let_go(order):
    results, written = [], Written()
    stream = Stream(1, 2, results.append, lambda _: written)
    for index in range(5):
        stream.expect(0, NOTHING, 10 + index)
    for place in order:
        stream.answer(0, answer(12) if place == 2 else pictured(10 + place))
    stream.finish(NOTHING, 0)
    assert written.frames == [10, 11, 13, 14]
    assert [(file.first, file.last) for file in results[0].pictures] == [(10, 14)]
    assert all(one.prediction.picture is None for one in results[0].answers)


def test_a_picture_that_cannot_be_written_fails_its_file():
    results, written = [], Written()
    stream = Stream(1, 2, results.append, lambda _: written)
    stream.expect(0, NOTHING, 0)
    stream.expect(0, NOTHING, 1)
    stream.answer(0, pictured(0))
    stream.answer(0, pictured(1, grey=255))
    assert stream.failed and written.abandoned
    assert (results[0].failure.stage, results[0].failure.message) == ("write", "the disk is full.")
