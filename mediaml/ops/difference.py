"""How much two frames of one camera differ: the largest change of any small part of the picture.

A mean over the whole frame would lose something small that passes; a single pixel would find noise. So frames
are reduced to `WIDTH` x `HEIGHT`, each pixel the mean of a part of the frame, and compared there.
"""

from __future__ import annotations

from mediaml.core.arrays import UInt8Array

WIDTH, HEIGHT = 96, 54


def largest_change(one: UInt8Array, other: UInt8Array) -> float:
    """The largest difference of any channel of any pixel of two images of one shape, 0..1."""
    import cv2  # imported here, so that the process of a run, which never calls this, does without

    return float(cv2.absdiff(one, other).max()) / 255
