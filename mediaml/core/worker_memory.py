"""What the media that one worker process reads may take of memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mediaml.core.errors import require

BATCHED_BYTES = 24 << 20
"""In flight for each frame of a batch: two frames of 3840x2160 in 8-bit 4:2:0, of which one waits."""


@dataclass(frozen=True, slots=True)
class WorkerMemory:
    """Shares of one worker's memory, bytes.

    Attributes:
        pictures: images that are being decoded, together.
        in_flight: frames that are read and not answered yet, together.
    """

    pictures: int = 1 << 30
    in_flight: int = 1 << 30

    def __post_init__(self) -> None:
        require(min(self.pictures, self.in_flight) > 0, "shares of memory must be positive")

    def in_flight_for(self, batches: Iterable[int]) -> int:
        """Bytes in flight for models of these batch sizes: what keeps them busy, within the share."""
        return min(self.in_flight, BATCHED_BYTES * max(batches, default=1))
