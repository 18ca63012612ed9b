"""The side data of a decoded frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame


def side_data_of(frame: VideoFrame) -> list[SideData]:
    """The side data of a frame; empty where PyAV does not know all of it.

    PyAV 18 raises for every frame with a kind of data that is newer than itself, such as the view of MV-HEVC
    or EXIF in MJPEG.
    """
    try:
        return list(cast(Iterable[SideData], frame.side_data))
    except ValueError:
        return []
