"""The frames of a video that a `Sampling` takes, reached by seeking where less has to be decoded so."""

from __future__ import annotations

import math
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mediaml.core.chooser import Chooser
from mediaml.core.frame import Frame
from mediaml.core.sampling import Sampling
from mediaml.media.held import held
from mediaml.media.video.packet_table import PacketTable
from mediaml.media.video.runs import Run, runs_of
from mediaml.media.video.sparse_decoder import (
    SKIPS_UNREFERRED,
    SparseDecoder,
    SparseDecoders,
    UnreliableError,
)

if TYPE_CHECKING:
    from mediaml.media.video.reader import VideoReader

# Seeking pays where at most this share of the packets has to be decoded. Where frames that no other refers to
# are left out, it pays also if all groups are needed, but few frames of each.
MOST_DECODED = 0.75
MOST_TAKEN = 0.34


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """What is to be decoded of a video.

    Attributes:
        ranks: the numbers of the frames that are taken, ascending.
        durations_s: how long each holds, seconds.
        runs: the packets that give them; `None` decodes everything from the range's start on.
        span: number of frames from the first that is taken to the last.
    """

    ranks: tuple[int, ...]
    durations_s: tuple[float, ...]
    runs: tuple[Run, ...] | None
    span: int


def plan_samples(table: PacketTable, sampling: Sampling, codec: str) -> SamplePlan:
    """Decide what to take and how.

    Args:
        codec: FFmpeg's name of it.
    """
    chooser = Chooser(sampling, table.time_base)
    times_s, keys = table.times_s.tolist(), table.shown_keys.tolist()
    ranks: list[int] = []
    end = len(times_s)
    for rank, (time_s, key) in enumerate(zip(times_s, keys, strict=True)):
        if chooser.is_past(time_s):
            end = rank
            break
        if chooser.takes(rank, time_s, key=key):
            ranks.append(rank)
    span = ranks[-1] - ranks[0] + 1 if ranks else 0
    return SamplePlan(
        tuple(ranks), tuple(_durations(table, ranks, end)), _worthwhile(table, ranks, span, codec), span
    )


def _durations(table: PacketTable, ranks: Sequence[int], end: int) -> Iterator[float]:
    """How long each frame holds: until the next that is taken, the last until the frame of number `end`."""
    for rank, following in zip(ranks, [*ranks[1:], end], strict=False):
        # The last frame's own end is not the time of another.
        last = following == len(table)
        if following == rank + 1:
            yield float(table.durations_s[rank])
        elif last:
            yield float(table.times_s[-1] + table.durations_s[-1] - table.times_s[rank])
        else:
            yield float(table.times_s[following] - table.times_s[rank])


def _worthwhile(table: PacketTable, ranks: Sequence[int], span: int, codec: str) -> tuple[Run, ...] | None:
    """The runs, where decoding them alone is less work than decoding all that is between."""
    runs = runs_of(table, ranks) if ranks else None
    if runs is None:
        return None
    decoded = sum(map(len, runs))
    few = codec in SKIPS_UNREFERRED and len(ranks) <= MOST_TAKEN * span
    return tuple(runs) if decoded <= MOST_DECODED * span or few else None


def sampled_video(
    reader: VideoReader, sampling: Sampling, since_s: float, step: Callable[[], None]
) -> Iterator[Frame]:
    """See `mediaml.media.sampled.sampled_frames`; not for `Sampling.scenes`."""
    chooser = Chooser(sampling, reader.tick_s)
    if not sampling.is_sparse and reader.is_indexed:
        frames = reader.frames(max(chooser.begins_s, since_s))
        yield from held(_keyed(frames, step), chooser, since_s)
        return
    table = reader.packets(step)
    if table is None:
        # Where the packets do not tell, only a pass from the range's start on counts frames in one way.
        frames = reader.frames(since_s if reader.is_live else chooser.begins_s)
        yield from held(_keyed(frames, step), chooser, since_s)
        return
    plan = plan_samples(table, sampling, reader.info.codec or "")
    if plan.runs is not None:
        try:
            for frame in _sparse(reader, table, plan, since_s, step):
                yield frame
                since_s = math.nextafter(frame.time_s, math.inf)
            if sampling.end_s is None:
                reader.check_end(table)
            return
        except UnreliableError:
            pass  # Go on behind the last frame that was given.
    yield from _dense(reader, table, sampling, since_s, step)


def _sparse(
    reader: VideoReader, table: PacketTable, plan: SamplePlan, since_s: float, step: Callable[[], None]
) -> Iterator[Frame]:
    """The frames of a plan from a time on.

    Raises:
        UnreliableError: the packets do not give them.
    """
    begin = bisect_left(plan.ranks, since_s, key=table.times_s.__getitem__) if since_s > 0 else 0
    durations = dict(zip(plan.ranks[begin:], plan.durations_s[begin:], strict=True))
    runs = runs_of(table, plan.ranks[begin:])
    if not runs:
        return
    _try(reader, table, runs)
    info = reader.info
    decoders = SparseDecoders(
        reader.location,
        reader.limits,
        table,
        runs,
        pixels=(info.width or 1) * (info.height or 1),
        cores=os.cpu_count() or 1,
    )
    for rank, frame, aspect in decoders.frames(step):
        if frame.interlaced_frame and reader.limits.deinterlace:
            raise UnreliableError  # The fields of its neighbours are needed.
        yield reader.placed(rank, float(table.times_s[rank]), durations[rank], frame, aspect)


def _try(reader: VideoReader, table: PacketTable, runs: Sequence[Run]) -> None:
    """Decode the first packet of a run in the middle of the file: a point of entry that is none shows there.

    Raises:
        UnreliableError: it does not give a whole frame.
    """
    first = next((run.first for run in runs if run.first > 0), None)
    if first is None:
        return
    rank = int(np.searchsorted(table.pts[table.order], table.pts[first]))
    decoder = SparseDecoder(reader.location, reader.limits, table, 1)
    try:
        for _ in decoder.decode(Run(first, first, (rank,))):
            pass
    finally:
        decoder.close()


def _dense(
    reader: VideoReader, table: PacketTable, sampling: Sampling, since_s: float, step: Callable[[], None]
) -> Iterator[Frame]:
    """The frames from a time on, with all that are between them decoded."""
    chooser = Chooser(sampling, table.time_base)
    begin = int(np.searchsorted(table.times_s, since_s)) if since_s > 0 else 0
    keys = table.shown_keys
    for rank in range(begin):
        chooser.takes(rank, float(table.times_s[rank]), key=bool(keys[rank]))
    start_s = max(since_s, chooser.begins_s)

    def numbered() -> Iterator[Frame]:
        for frame in reader.frames(start_s, numbered=False):
            rank = table.rank_at(frame.time_s)
            yield frame if rank is None else replace(frame, index=rank)

    yield from held(_keyed(numbered(), step), chooser, since_s)


def _keyed(frames: Iterator[Frame], step: Callable[[], None]) -> Iterator[tuple[Frame, bool]]:
    """Frames, and whether their decoder calls each a keyframe."""
    for frame in frames:
        step()
        decoded = getattr(frame.pixels, "frame", None)
        yield frame, bool(getattr(decoded, "key_frame", False))
