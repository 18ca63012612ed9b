"""Results reach the supervisor whatever comes after them, small ones together, and in their order."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from mediaml.core.prediction import Picture, Prediction
from mediaml.core.work import Failure, FrameAnswer, Task, TaskResult
from mediaml.engine.local.link import Link
from mediaml.engine.local.outbox import MOST_WAIT_S, Outbox
from mediaml.engine.messages import Report, TasksDone

MANY = 1000


class Ends:
    """An outbox, and the other end of its link; a message that does not come ends the test."""

    def __init__(self) -> None:
        receiving, sending = os.pipe()
        self.files = os.fdopen(receiving, "rb"), os.fdopen(sending, "wb")
        self.link: Link[Report] = Link(Report, self.files[0], self.files[1])
        self.outbox = Outbox(self.link, debug=False)

    def received(self, results: int) -> list[list[int]]:
        """The sources of as many results, by message."""
        messages: list[list[int]] = []
        guard = threading.Timer(20, self.files[1].close)
        guard.start()
        while sum(map(len, messages)) < results:
            message = self.link.receive()
            assert isinstance(message, TasksDone), "the results did not come"
            messages.append([record.task.source for record in message.records])
        guard.cancel()
        return messages


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    for file in made.files:
        file.close()


def flat(messages: list[list[int]]) -> list[int]:
    """The sources in the order in which they came."""
    return [source for message in messages for source in message]


def small(source: int) -> TaskResult:
    return TaskResult(Task(source, 1, 0), (FrameAnswer(0, 0.0, 0.0, Prediction()),))


def failed(source: int) -> TaskResult:
    return TaskResult(Task(source, 1, 0), failure=Failure("infer", "ValueError", "no"))


def drawn(source: int) -> TaskResult:
    picture = Picture(np.zeros((4, 4, 3), np.uint8))
    return TaskResult(Task(source, 1, 0), (FrameAnswer(0, 0.0, 0.0, Prediction(picture=picture)),))


@pytest.mark.parametrize("make", [small, failed, drawn])
def test_results_are_sent_though_nothing_follows(ends, make) -> None:
    for source in range(3):
        ends.outbox.add(make(source))
    assert flat(ends.received(3)) == [0, 1, 2]


def test_results_that_come_close_together_share_messages(ends) -> None:
    thread = threading.Thread(target=lambda: [ends.outbox.add(small(source)) for source in range(MANY)])
    thread.start()
    messages = ends.received(MANY)
    thread.join()
    assert flat(messages) == list(range(MANY))
    assert len(messages) < MANY / 4


def test_results_that_come_apart_are_sent_at_once(ends) -> None:
    for source in range(3):
        ends.outbox.add(small(source))
        assert ends.received(1) == [[source]]
        threading.Event().wait(2 * MOST_WAIT_S)


def test_large_results_take_what_waits_along(ends) -> None:
    for source, make in enumerate([small, small, drawn, small, failed]):
        ends.outbox.add(make(source))
    assert flat(ends.received(5)) == [0, 1, 2, 3, 4]


def test_several_threads_lose_nothing(ends) -> None:
    def add(first: int) -> None:
        for source in range(first, MANY, 4):
            ends.outbox.add((failed if source % 97 == 0 else small)(source))

    threads = [threading.Thread(target=add, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    received = flat(ends.received(MANY))
    for thread in threads:
        thread.join()
    assert sorted(received) == list(range(MANY))
    for first in range(4):
        assert [source for source in received if source % 4 == first] == list(range(first, MANY, 4))


def test_a_closed_link_is_told_to_those_that_add(ends) -> None:
    ends.files[0].close()
    with pytest.raises(BrokenPipeError):
        for source in range(MANY):
            ends.outbox.add(small(source))
    ends.files[1].raw.close()
