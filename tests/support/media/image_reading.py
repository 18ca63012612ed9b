"""Reads an image as the tests compare it: every frame, and what was noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mediaml.media.image.reader import ImageReader
from mediaml.media.limits import Limits


def read(path: Path, **limits: Any) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Every frame, and the notes."""
    with ImageReader(path, limits=Limits(**limits)) as reader:
        frames = [frame.image for frame in reader.frames()]
        assert reader.accounts.decoded == reader.accounts.expected == len(frames)
        return frames, reader.accounts.notes


def only(path: Path) -> np.ndarray:
    frames, notes = read(path)
    assert len(frames) == 1 and notes == ()
    return frames[0].astype(int)


def centres(image: np.ndarray) -> np.ndarray:
    """The middle of each quarter: at their borders, colours of half the resolution mix."""
    return np.stack([image[y : y + 8, x : x + 8] for y in (8, 32) for x in (12, 44)]).astype(int)
