"""Frames that hardly differ from the last one that was inferred."""

from __future__ import annotations

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Frame
from mediaml.ops.difference import HEIGHT, WIDTH, largest_change


class StillFrames:
    """Compares each frame of a source with the last one that was inferred.

    In every time slice the first frame is inferred, so that slices do not depend on each other.

    Args:
        most: the largest change of a frame that takes over an answer, 0..1; `None` infers all.
    """

    def __init__(self, most: float | None) -> None:
        self._most = most
        self._place: tuple[int, int, int] | None = None
        self._image: UInt8Array | None = None
        self._index = 0

    def same_as(self, frame: Frame, number: int) -> int | None:
        """The index of the frame whose answer this one takes over; `None` where it is to be inferred.

        Args:
            number: of its time slice.
        """
        if self._most is None:
            return None
        place, image = (number, frame.width, frame.height), frame.fitted(WIDTH, HEIGHT, "stretch")
        if (
            self._image is not None
            and place == self._place
            and largest_change(self._image, image) <= self._most
        ):
            return self._index
        self._place, self._image, self._index = place, image, frame.index
        return None
