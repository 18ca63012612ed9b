"""Collects the results of one model on one source, slice by slice and in order.

The reader thread opens slices and says how many frames each has; the post-processing thread brings answers,
batch by batch. A slice is handed on as a `TaskResult` when it is whole and all slices before it have been.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mediaml.core.errors import MediamlError
from mediaml.core.media import DecodeAccounts, MediaInfo
from mediaml.core.prediction import Picture
from mediaml.core.work import Failure, FrameAnswer, Task, TaskResult
from mediaml.media.write.picture_writer import PictureWriter


@dataclass(frozen=True, slots=True)
class Repeat:
    """A frame that takes over the answer to another one of its slice.

    Attributes:
        index, time_s, duration_s: of the frame. same_as: index of the other.
    """

    index: int
    time_s: float
    duration_s: float
    same_as: int


@dataclass(slots=True)
class _Slice:
    """A slice under way: the answers so far, and how many there will be (`None` while it is being read).

    Pictures are written in the order of their frames: `order` has the frames whose answers are not written
    yet, `early` the pictures of those that were answered before an earlier frame.
    """

    number: int
    answers: list[FrameAnswer] = field(default_factory=list)
    expected: int | None = None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    last: bool = False
    repeats: list[Repeat] = field(default_factory=list)
    pictures: PictureWriter | None = None
    order: deque[int] = field(default_factory=deque)
    early: dict[int, Picture | None] = field(default_factory=dict)

    def in_order(self, answer: FrameAnswer) -> list[tuple[int, Picture]]:
        """The pictures that can be written, with the numbers of their frames, now that one is answered."""
        self.early[answer.index] = answer.prediction.picture
        ready = []
        while self.order and self.order[0] in self.early:
            frame = self.order.popleft()
            picture = self.early.pop(frame)
            if picture is not None:
                ready.append((frame, picture))
        return ready

    def whole(self) -> tuple[FrameAnswer, ...]:
        """All answers in the order of their frames, those included that are taken over."""
        answers = {answer.index: answer for answer in self.answers}
        taken = [
            replace(
                answers[one.same_as],
                index=one.index,
                time_s=one.time_s,
                duration_s=one.duration_s,
                same_as=one.same_as,
            )
            for one in self.repeats
        ]
        return tuple(sorted((*self.answers, *taken), key=lambda answer: answer.index))


class Stream:
    """One model on one source. All methods may be called from any thread.

    Args:
        source, model: their ids in the ledger.
        emit: takes the results.
        pictures: begins the files for the pictures of a slice, by its number; `None` leaves pictures in the
            answers.
    """

    def __init__(
        self,
        source: int,
        model: int,
        emit: Callable[[TaskResult], None],
        pictures: Callable[[int], PictureWriter] | None = None,
    ) -> None:
        self.source = source
        self.model = model
        self._emit = emit
        self._pictures = pictures
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._slices: list[_Slice] = []
        self._read = 0
        self._next = 0
        self._info: MediaInfo | None = None
        self._failed = False
        self._broken: tuple[Failure, DecodeAccounts] | None = None

    @property
    def failed(self) -> bool:
        """Whether a failure has ended this stream: nothing more need be read or answered for it."""
        return self._failed

    def opened(self, info: MediaInfo) -> None:
        """The source could be opened."""
        self._info = info

    def expect(self, number: int, accounts: DecodeAccounts, frame: int, since: int | None = None) -> None:
        """The frame of that number, of slice `number`, is on its way; earlier slices have all theirs.

        Args:
            since: the first slice that is wanted, where slices without frames are handed on as well.
        """
        with self._lock:
            if not self._slices or self._slices[-1].number < number:
                self._end_slice(accounts)
                if since is not None:
                    begin = self._slices[-1].number + 1 if self._slices else max(self._next, since)
                    empty = (_Slice(one, expected=0, accounts=accounts) for one in range(begin, number))
                    self._slices.extend(empty)
                self._slices.append(_Slice(number))
                self._read = 0
            self._read += 1
            if self._pictures is not None:
                self._slices[-1].order.append(frame)
            self._hand_on()

    def repeat(self, number: int, frame: Repeat) -> None:
        """A frame of slice `number` takes over the answer to an earlier one of it that is on its way."""
        with self._lock:
            for slice_ in self._slices:
                if slice_.number == number:
                    slice_.repeats.append(frame)

    def finish(self, accounts: DecodeAccounts, next_slice: int) -> None:
        """The source has no more frames; `next_slice` numbers the slice of a source that had none left."""
        with self._lock:
            if self._failed:
                return
            if not self._slices:
                self._slices.append(_Slice(next_slice))
                self._read = 0
            self._end_slice(accounts)
            self._slices[-1].last = True
            self._hand_on()

    def finish_range(self, accounts: DecodeAccounts, end_slice: int) -> None:
        """No slice from `end_slice` on is wanted, though the source has more.

        A range is always closed by its last slice, if need be an empty one, so that its end is seen.
        """
        with self._lock:
            if self._failed:
                return
            self._end_slice(accounts)
            if not self._slices or self._slices[-1].number < end_slice - 1:
                self._slices.append(_Slice(end_slice - 1, expected=0, accounts=accounts))
            self._hand_on()

    def break_off(self, failure: Failure, accounts: DecodeAccounts, number: int) -> None:
        """The source cannot be read further: what was read is still answered, then the stream fails.

        `number` is the slice that fails where not one frame was read.
        """
        with self._lock:
            if self._failed:
                return
            self._next = max(self._next, number)
            self._end_slice(accounts)
            self._broken = failure, accounts
            self._hand_on()

    def answer(self, number: int, answer: FrameAnswer) -> None:
        """One frame of slice `number` has been answered."""
        if self._pictures is not None:
            answer = self._without_picture(number, answer)
        with self._lock:
            slice_ = self._slice(number)
            if slice_ is not None:
                slice_.answers.append(answer)
            self._hand_on()

    def _slice(self, number: int) -> _Slice | None:
        return next((slice_ for slice_ in self._slices if slice_.number == number), None)

    def _without_picture(self, number: int, answer: FrameAnswer) -> FrameAnswer:
        """The answer, its picture written or waiting for its turn; encoding keeps no other thread waiting."""
        assert self._pictures is not None
        with self._writing:
            with self._lock:
                slice_ = self._slice(number)
                if slice_ is None:
                    return answer
                ready = slice_.in_order(answer)
                if ready and slice_.pictures is None:
                    slice_.pictures = self._pictures(number)
            try:
                for frame, picture in ready:
                    assert slice_.pictures is not None
                    slice_.pictures.add(frame, picture.image)
            except Exception as error:  # noqa: BLE001  an encoder may raise anything; it costs this file
                self.fail(Failure.of("write", error), slice_.accounts, number)
        return replace(answer, prediction=replace(answer.prediction, picture=None))

    def fail(self, failure: Failure, accounts: DecodeAccounts, number: int) -> None:
        """The stream ends here; slices handed on before are kept. Only the first failure counts."""
        with self._lock:
            self._fail(failure, accounts, self._slices[0].number if self._slices else number)

    def _fail(self, failure: Failure, accounts: DecodeAccounts, number: int) -> None:
        if self._failed:
            return
        self._failed = True
        for slice_ in self._slices:
            if slice_.pictures is not None:
                slice_.pictures.abandon()
        self._slices.clear()
        task = Task(self.source, self.model, number)
        self._emit(TaskResult(task, failure=failure, accounts=accounts, info=self._info))

    def _end_slice(self, accounts: DecodeAccounts) -> None:
        if self._slices and self._slices[-1].expected is None:
            self._slices[-1].expected = self._read
            self._slices[-1].accounts = accounts

    def _hand_on(self) -> None:
        while self._slices and self._slices[0].expected == len(self._slices[0].answers):
            whole = self._slices[0]
            try:
                pictures = () if whole.pictures is None else whole.pictures.close()
            except MediamlError as error:
                self._fail(Failure.of("write", error), whole.accounts, whole.number)
                return
            self._slices.pop(0)
            task = Task(self.source, self.model, whole.number)
            self._emit(
                TaskResult(
                    task,
                    whole.whole(),
                    last=whole.last,
                    accounts=whole.accounts,
                    info=self._info,
                    pictures=pictures,
                )
            )
            self._next = whole.number + 1
        if self._broken and not self._slices:
            self._fail(*self._broken, self._next)
