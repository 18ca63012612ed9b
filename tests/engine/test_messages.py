"""Messages arrive as they were sent, attribute falls where the mark was, and nothing is done twice."""

from __future__ import annotations

import io
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.location import Url
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.work import Failure, Job, Sniff, Task, Want
from mediaml.engine.local.crash_attribution import (
    advance,
    attribute,
    cause_of_exit,
    cause_of_time,
    failure_of,
)
from mediaml.engine.local.link import Link
from mediaml.engine.messages import Began, Order, ReadSource, Report, StepStarted, TasksDone, key_of, order_of
from mediaml.ledger.encoding import FrameRecord, TaskRecord

ODD = Path(os.fsdecode(b"/in/\xff\n\xc3\xa4.mp4"))


def sent(message, kinds):
    """What arrives of a message."""
    stream = io.BytesIO()
    Link(kinds, io.BytesIO(), stream).send(message)
    stream.seek(0)
    return Link(kinds, stream, io.BytesIO()).receive()


def test_orders_and_reports_arrive_whole():
    order = order_of(Job(3, ODD, Kind.VIDEO, (Want(1, 0, 2, 50),)))
    sniff = order_of(Sniff(4, Url("rtsp://me:secret@camera/1")))
    record = TaskRecord(
        Task(3, 1, 2),
        (FrameRecord(0, 0.0, 0.04, b"\0\1", None),),
        ("cat", "dog"),
        ((0, 0, 1, 99_999),),
        (
            (0, 0, 0, 50_000, 100, 200, 333, 400, None, None, b"a"),
            (0, 1, 1, 40_000, -5, 0, 7, 8, 3, b"o", None),
        ),
        cut=4_999,
        last=False,
        accounts=DecodeAccounts(9, 8, 1, 0),
        info="{}",
    )
    assert sent(order, Order) == order
    assert sent(order, Order).job.location == ODD
    assert sent(sniff, Order).sniff.location.text == "rtsp://me:secret@camera/1"
    assert sent(TasksDone((record,)), Report) == TasksDone((record,))
    assert key_of(record) == order.key


def test_a_line_that_breaks_is_the_end_and_nonsense_is_an_error():
    stream = io.BytesIO()
    Link(Report, io.BytesIO(), stream).send(Began("read 1"))
    whole = stream.getvalue()
    for length in range(len(whole)):
        assert Link(Report, io.BytesIO(whole[:length]), io.BytesIO()).receive() is None
    with pytest.raises(msgspec.DecodeError):
        Link(Report, io.BytesIO(b"\0\0\0\3abc"), io.BytesIO()).receive()
    with pytest.raises(msgspec.DecodeError):
        Link(Order, io.BytesIO(whole), io.BytesIO()).receive()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_what_is_done_is_not_wanted_again(counts):
    order: ReadSource | None = order_of(Job(1, ODD, Kind.VIDEO, (Want(7, 0), Want(8, 1))))
    for number, count in enumerate(counts):
        answers = tuple(FrameRecord(index, 0.0, 0.0) for index in range(count))
        order = advance(order, TaskRecord(Task(1, 7, number), answers, last=False))
    since_s = 0.0 if any(counts) else None
    assert order.wants == (Want(7, 0, len(counts), sum(counts), since_s=since_s), Want(8, 1))
    order = advance(order, TaskRecord(Task(1, 7, len(counts))))
    assert order.wants == (Want(8, 1),)
    assert advance(order, TaskRecord(Task(1, 8, 0), failure=Failure("decode", "E", "no"))) is None


def test_a_model_that_was_at_work_is_blamed_alone_and_a_decoder_for_all():
    order = ReadSource(1, b"/in/x.mp4", Kind.VIDEO, (Want(7, 0, 2), Want(8, 1)), alone=True)
    failure = Failure("infer", "CrashError", "no")
    records, rest = attribute(order, failure, StepStarted(order.key, "infer", 0, 3.0))
    assert [record.task for record in records] == [Task(1, 7, 2)]
    assert rest.wants == (Want(8, 1),)
    assert rest.alone
    records, rest = attribute(order, failure, StepStarted(order.key, "decode", None, 3.0))
    assert [record.task for record in records] == [Task(1, 7, 2), Task(1, 8, 0)]
    assert rest is None


@pytest.mark.parametrize(
    ("cause", "mark", "said"),
    [
        (cause_of_exit(-11), None, "was ended by SIGSEGV (a crash) while the file was being opened."),
        (cause_of_exit(-63), None, "was ended by signal 63 while the file was being opened."),
        (
            cause_of_exit(3),
            StepStarted("read 1", "prepare", 1, 0.0),
            "exited with code 3 while beta was preparing a frame.",
        ),
        (
            cause_of_time(9.5),
            StepStarted("read 1", "decode", None, 61.25),
            "took longer than 9.5 s (--timeout-per-file) while the file was being decoded at 61.25 s.",
        ),
    ],
)
def test_a_cause_is_told_in_a_sentence(cause, mark, said):
    failure = failure_of(cause, mark, ("alpha", "beta"))
    assert failure.message.splitlines()[0] == f"the worker process {said}"
    assert failure.stage == (mark.stage if mark else "open")
