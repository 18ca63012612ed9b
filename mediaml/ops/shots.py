"""Where shots begin, by the change of content from frame to frame.

The measure and its limits are those of PySceneDetect's `ContentDetector` at its defaults: hue, saturation and
value of each pixel of the reduced frame are compared with those of the frame before; a cut is where their
differences are 27 levels of 255 on average. Cuts that follow each other within 15 frames, as in a flash, are
one, at the last of them; the first shot lasts 15 frames at least.
"""

from __future__ import annotations

import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array

THRESHOLD = 27.0
LEAST_FRAMES = 15
WIDTH = 256


def reduced_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which frames are compared: `WIDTH` pixels wide, or as they are if narrower."""
    if width <= WIDTH:
        return width, height
    return WIDTH, max(1, round(height * WIDTH / width))


def content_change(one: UInt8Array, other: UInt8Array) -> float:
    """The mean difference of hue, saturation and value of two images: uint8 HSV [height, width, 3], alike.

    Hue counts in steps of 2 degrees, and its difference is taken without going round the circle.
    """
    return float(cv2.absdiff(one, other).mean())


class ShotFinder:
    """Looks at reduced frames one after the other, beginning with the first."""

    def __init__(self) -> None:
        self._before: UInt8Array | None = None
        self._number = -1
        self._last_cut = 0
        self._merging_since: int | None = None
        self._any = False

    @property
    def is_cut(self) -> bool:
        """Whether the last frame differs from the one before it as much as a cut does."""
        return self._number > 0 and self._last_cut == self._number

    def feed(self, image: UInt8Array) -> int | None:
        """Look at the next frame: uint8 RGB [height, width, 3].

        Returns:
            How many frames ago a shot has begun, 0 for this one; `None` where none has.
        """
        self._number += 1
        seen: UInt8Array = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.uint8)
        before, self._before = self._before, seen
        if before is None:
            return None
        changed = before.shape != seen.shape or content_change(before, seen) >= THRESHOLD
        return self._merged(changed)

    def _merged(self, changed: bool) -> int | None:
        """Cuts that are too near to each other become one; see `FlashFilter` of PySceneDetect, mode MERGE."""
        long_enough = self._number - self._last_cut >= LEAST_FRAMES
        if changed:
            self._last_cut = self._number
        if self._merging_since is not None:
            if changed or not long_enough or self._last_cut - self._merging_since < LEAST_FRAMES:
                return None
            self._merging_since = None
            return self._number - self._last_cut
        if not changed:
            return None
        if long_enough:
            self._any = True
            return 0
        # Before the first cut there is nothing to merge with.
        if self._any:
            self._merging_since = self._number
        return None
