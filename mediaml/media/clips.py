"""Frames to clips, as a model asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from mediaml.core.clip_input import ALL_CLIPS, ClipInput, ClipRange
from mediaml.core.frame import Frame
from mediaml.media.clip_cutting import ByTime, Counted


class Clipper(Protocol):
    """Makes clips of the frames of one file, which come in order. Belongs to one thread.

    A clip is a `Frame` with its number, start and duration and, as `clip`, its frames. Equal files give equal
    clips, wherever a reading begins.
    """

    @property
    def from_s(self) -> float | None:
        """Time from which on frames are needed, with the one shown then; `None` for all of them."""

    @property
    def is_done(self) -> bool:
        """Whether all clips wanted are made."""

    def add(self, frame: Frame) -> Iterator[Frame]:
        """The clips that are complete, now that a frame has come."""

    def end(self) -> Iterator[Frame]:
        """The clips that the end of the file cuts off; see `ClipInput.last`."""


def clipper_of(spec: ClipInput, wanted: ClipRange = ALL_CLIPS) -> Clipper:
    """What makes the clips that a model takes."""
    return Counted(spec, wanted) if spec.every_s is None else ByTime(spec, wanted)


def clips_of(frames: Iterable[Frame], spec: ClipInput) -> Iterator[Frame]:
    """The clips of all frames of a file."""
    clipper = clipper_of(spec)
    for frame in frames:
        yield from clipper.add(frame)
    yield from clipper.end()
