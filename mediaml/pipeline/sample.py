"""A frame on its way through the pipeline to one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mediaml.core.arrays import Array
from mediaml.core.byte_budget import Share
from mediaml.core.frame import Frame
from mediaml.core.media import DecodeAccounts
from mediaml.core.work import Failure, Stage, Want
from mediaml.media.clips import Clipper
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.stream import Stream
from mediaml.registry.plugin_errors import describe_error


@dataclass(frozen=True, slots=True, eq=False)
class Consumer:
    """One model's consumer of a job: what it still wants, the model itself, and where its answers go.

    `clipper` makes clips of the frames, for a model that takes clips.
    """

    want: Want
    model: LoadedModel
    stream: Stream
    clipper: Clipper | None = None

    def is_done(self, number: int) -> bool:
        """Whether nothing is wanted of frames in that slice and after it."""
        return not self.want.is_before_end(number) and (self.clipper is None or self.clipper.is_done)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame on its way to one model; `array` is `None` before and without the stage `prepare`.

    `share` is what it takes of the bytes that may be in flight.
    """

    consumer: Consumer
    slice: int
    frame: Frame
    array: Array | None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    share: Share | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps in memory."""
        return self.frame.nbytes + (0 if self.array is None else self.array.nbytes)

    def settle(self) -> None:
        """It was answered, or is not wanted any more: other frames may take its place in memory."""
        if self.share is not None:
            self.share.give_back()

    def fail(self, stage: Stage, error: BaseException) -> None:
        """End the sample's stream: nothing more is done for this source and model."""
        message = describe_error(error, self.consumer.model.modules)
        self.consumer.stream.fail(Failure.of(stage, error, message), self.accounts, self.slice)
        self.settle()


Put = Callable[[Sample], bool]
"""Hands a sample on that is not prepared yet; false when the run is stopping."""

Mark = Callable[[Stage, int | None, float], None]
"""Called before every step: its stage, the model's index (`None` for what serves all), the time reached."""


def no_mark(_stage: Stage, _model: int | None, _time_s: float) -> None:
    """A `Mark` that does nothing."""
