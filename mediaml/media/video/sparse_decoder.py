"""Decodes runs of packets: what lies between them is neither read nor decoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

from mediaml.core.channel import Channel
from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.media.joints import GENERATE_PTS
from mediaml.media.limits import Limits
from mediaml.media.open import open_container, video_stream
from mediaml.media.video.aspect import PixelAspect
from mediaml.media.video.decoder_threads import configure_threads
from mediaml.media.video.packet_table import PacketTable
from mediaml.media.video.runs import Run

# Codecs in which no frame ever refers to one that is marked as not referred to. In HEVC another layer may.
SKIPS_UNREFERRED = frozenset({"h264", "mpeg2video", "mpeg4"})
# A demuxer may go by decoding times, of which Matroska has none: seconds to go further back, one by one.
STEPS_BACK_S = (0.0, 1.0, 5.0, 25.0)
MOST_DECODERS = 4
# Longer runs keep the threads of one decoder busy; of shorter ones several are decoded at once.
SHORT_RUN = 30
FRAME_BYTES_PER_PIXEL = 3


SparseFrame = tuple[int, VideoFrame, Fraction | None]
"""A frame's number, the frame, and the shape of its pixels; see `PixelAspect`."""


class _End:
    """Behind the last frame of a run."""


class UnreliableError(Exception):
    """The packets do not give the frames that the table promises: all of the file has to be decoded."""


class SparseDecoder:
    """One open container with a decoder of its own; used from one thread.

    Args:
        path: the file. table: its packets.
        threads: of the decoder; 0 takes one for each core, as far as memory goes.
    """

    def __init__(self, path: Location, limits: Limits, table: PacketTable, threads: int) -> None:
        self._table = table
        self._ticks = table.pts[table.order]
        self._container = open_container(path, limits)
        stream = video_stream(self._container)
        if stream is None or stream.codec_context is None:
            self._container.close()
            raise UnreliableError
        stream.thread_type = "AUTO"
        options = configure_threads(stream.codec_context, limits, threads)
        stream.codec_context.options = {**options, "max_pixels": limits.ffmpeg_pixels}
        self._skips = stream.codec.canonical_name in SKIPS_UNREFERRED
        self._stream = stream
        self._aspect = PixelAspect(self._container, stream)
        self._container.flags &= ~GENERATE_PTS

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def decode(self, run: Run, step: Callable[[], None] = lambda: None) -> Iterator[SparseFrame]:
        """The wanted frames of a run, in order.

        Args:
            step: called for every packet.

        Raises:
            UnreliableError: see there.
        """
        try:
            yield from self._checked(run, step)
        except (av.FFmpegError, OSError, ValueError, IndexError, MemoryError) as error:
            raise UnreliableError from error

    def _checked(self, run: Run, step: Callable[[], None]) -> Iterator[SparseFrame]:
        key = int(self._table.pts[run.first])
        wanted = {int(self._ticks[rank]): rank for rank in run.ranks}
        begun = False
        for frame in self._frames(run, {int(self._table.order[rank]) for rank in run.ranks}, step):
            if frame.is_corrupt:
                raise UnreliableError
            begun = begun or (frame.pts == key and bool(frame.key_frame))
            rank = None if frame.pts is None else wanted.pop(frame.pts, None)
            if rank is not None:
                if not begun:
                    raise UnreliableError  # Such a point of entry gives whole frames only later on.
                yield rank, frame, self._aspect.of(frame)
        if wanted or not begun:
            raise UnreliableError

    def _frames(self, run: Run, positions: set[int], step: Callable[[], None]) -> Iterator[VideoFrame]:
        context: Any = self._stream.codec_context
        for position, packet in self._packets(run):
            step()
            if self._skips:
                context.skip_frame = "DEFAULT" if position in positions else "NONREF"
            yield from packet.decode()
        yield from context.decode(None)

    def _packets(self, run: Run) -> Iterator[tuple[int, Any]]:
        """The packets of a run with their positions, checked to come one after the other."""
        expected = run.first
        for position, packet in self._from(run.first):
            if position != expected:
                raise UnreliableError
            yield position, packet
            expected += 1
            if expected > run.last:
                return
        raise UnreliableError

    def _from(self, first: int) -> Iterator[tuple[int, Any]]:
        base = self._table.time_base
        wanted = int(self._table.pts[first])
        for back_s in STEPS_BACK_S:
            self._container.seek(
                max(int(self._ticks[0]), wanted - int(back_s / base)), stream=self._stream, backward=True
            )
            is_behind = False
            for packet in self._container.demux(self._stream):
                position = self._position(packet)
                if position >= first:
                    if position > first and not is_behind:
                        break  # It has landed too late.
                    is_behind = True
                    yield position, packet
            if is_behind:
                return
        raise UnreliableError

    def _position(self, packet: Any) -> int:
        """Of a packet in the file; -1 for one before the first, and for the empty one at the end.

        Raises:
            UnreliableError: it is not in the table.
        """
        if not packet.size or packet.pts is None:
            return -1
        rank = int(np.searchsorted(self._ticks, packet.pts))
        if rank >= len(self._ticks) or self._ticks[rank] != packet.pts:
            raise UnreliableError
        return int(self._table.order[rank])


class SparseDecoders:
    """Several decoders, each with every so manieth run, in threads of their own.

    Args:
        runs: in order. pixels: of a frame. cores: to use.
    """

    def __init__(
        self,
        path: Location,
        limits: Limits,
        table: PacketTable,
        runs: Sequence[Run],
        *,
        pixels: int,
        cores: int,
    ) -> None:
        self._path, self._limits, self._table, self._runs = path, limits, table, runs
        fitting = limits.decoder_bytes // max(1, FRAME_BYTES_PER_PIXEL * pixels)
        short = sum(map(len, runs)) <= SHORT_RUN * len(runs)
        self._count = max(1, min(MOST_DECODERS, cores, len(runs), fitting // 4)) if short else 1
        self._threads = max(1, cores // self._count)
        self._stop = threading.Event()
        self._decoded, self._seen = [0] * self._count, 0
        room = max(1, fitting // self._count)
        self._channels: list[Channel[SparseFrame | Exception | _End]] = [
            Channel(room, self._stop) for _ in range(self._count)
        ]

    def frames(self, step: Callable[[], None]) -> Iterator[SparseFrame]:
        """The wanted frames of all runs, in order.

        Args:
            step: called whenever something was decoded.

        Raises:
            UnreliableError: see there.
            MediaError: the file can no longer be opened.
        """
        if self._count == 1:
            yield from self._alone(step)
            return
        threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self._count)]
        for thread in threads:
            thread.start()
        try:
            for number, _ in enumerate(self._runs):
                yield from self._taken(number % self._count, step)
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _alone(self, step: Callable[[], None]) -> Iterator[SparseFrame]:
        """The frames of all runs, decoded in the caller's thread."""
        decoder = SparseDecoder(self._path, self._limits, self._table, 0)
        try:
            for run in self._runs:
                yield from decoder.decode(run, step)
        finally:
            decoder.close()

    def _taken(self, place: int, step: Callable[[], None]) -> Iterator[SparseFrame]:
        """The frames of the next run of one decoder."""
        while True:
            item = self._channels[place].get()
            decoded = sum(self._decoded)
            if decoded != self._seen:
                self._seen = decoded
                step()
            if isinstance(item, _End):
                return
            if isinstance(item, Exception):
                raise item
            if item is not None:
                yield item

    def _note(self, place: int) -> None:
        self._decoded[place] += 1

    def _work(self, place: int) -> None:
        channel = self._channels[place]
        try:
            decoder = SparseDecoder(self._path, self._limits, self._table, self._threads)
            try:
                for run in self._runs[place :: self._count]:
                    for item in decoder.decode(run, partial(self._note, place)):
                        if not channel.put(item):
                            return
                    if not channel.put(_End()):
                        return
            finally:
                decoder.close()
        except (UnreliableError, MediaError) as error:
            channel.put(error)
