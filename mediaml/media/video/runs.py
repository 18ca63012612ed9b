"""Which packets have to be decoded for some of a video's frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediaml.media.video.packet_table import PacketTable


@dataclass(frozen=True, slots=True)
class Run:
    """Packets to be decoded one after the other, from a keyframe on.

    Attributes:
        first, last: their positions in the file.
        ranks: the numbers of the wanted frames among them, in order of presentation.
    """

    first: int
    last: int
    ranks: tuple[int, ...]

    def __len__(self) -> int:
        return self.last - self.first + 1


def runs_of(table: PacketTable, ranks: Sequence[int]) -> list[Run] | None:
    """The runs that give some frames, in order; `None` where one of them depends on no keyframe.

    A frame that is shown before the keyframe that precedes it in the file, a leading picture of an open
    group, needs the one before that.

    Args:
        ranks: the numbers of the frames, ascending.
    """
    runs: list[Run] = []
    for rank, position, first in zip(ranks, table.order[list(ranks)], _starts(table, ranks), strict=True):
        if first < 0:
            return None
        last = runs[-1] if runs else None
        if last is not None and first <= last.last + 1:
            runs[-1] = replace(last, last=max(last.last, int(position)), ranks=(*last.ranks, rank))
        else:
            runs.append(Run(first, int(position), (rank,)))
    return runs


def _starts(table: PacketTable, ranks: Sequence[int]) -> Iterator[int]:
    """The position of the keyframe from which on each frame is decoded; -1 where there is none."""
    keys = np.flatnonzero(table.keys)
    ticks = table.pts[keys]
    for position in table.order[list(ranks)].tolist():
        at = int(np.searchsorted(keys, position, side="right")) - 1
        while at >= 0 and ticks[at] > table.pts[position]:
            at -= 1
        yield int(keys[at]) if at >= 0 else -1
