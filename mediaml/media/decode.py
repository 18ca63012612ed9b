"""Packets to decoded frames: what is corrupt is skipped and counted, and the decoder is flushed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts
from mediaml.media.open import translated

# So many packets in a row that cannot be decoded end the file: it is noise, not a damaged video.
PATIENCE = 1000
GENERATE_PTS = 0x0001  # AVFMT_FLAG_GENPTS of libavformat/avformat.h
# FFmpeg starts at most 16 frame threads (MAX_AUTO_THREADS of libavcodec/pthread_internal.h).
MOST_THREADS = 16
CORRUPT = (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.ArgumentError, av.error.BugError)


@dataclass(slots=True)
class Tally:
    """The running count behind `DecodeAccounts`; see there.

    Attributes:
        since: tick before which damage is not counted, since another pass has counted it.
    """

    expected: int | None = None
    decoded: int = 0
    corrupt: int = 0
    gaps: int = 0
    since: int | None = None

    def accounts(self) -> DecodeAccounts:
        """The accounts as of now."""
        return DecodeAccounts(self.expected, self.decoded, self.corrupt, self.gaps)

    def spoiled(self, pts: int | None) -> None:
        """Count a packet that cannot be decoded."""
        self.corrupt += self.since is None or pts is None or pts >= self.since


class Decoding:
    """The decoded frames of one stream, video or sound, in order of presentation; iterate once.

    Attributes:
        landed: position in the file, pts and dts of the first packet; `None` before there was one.
        spoiled_flush: whether the decoder met damage while it was emptied.
        missing: packets that stand in the file's index behind the last one that came; known at the end.
    """

    def __init__(self, container: InputContainer, stream: Any, path: Location, tally: Tally) -> None:
        self._container = container
        self._stream = stream
        self._path = path
        self._tally = tally
        self._sent = 0
        self._received = 0
        self._spoiled = 0
        self._early: list[int] = []
        self.spoiled_flush = False
        self.missing = 0
        self._last_dts: int | None = None
        self._running: Generator[Any, None, None] | None = None
        self.landed: tuple[int | None, int | None, int | None] | None = None

    def packets(self) -> Iterator[Packet[Any]]:
        """The packets of the stream; the last one is empty and flushes the decoder.

        Damage in the container ends the file there and counts as one corrupt packet.

        Raises:
            MediaError: the file can no longer be read, as when a disk or a network drive fails.
        """
        # PyAV asks FFmpeg to make up missing presentation times, which misorders AVI files; the decoding
        # time, on which `timeline` falls back, is right there.
        self._container.flags &= ~GENERATE_PTS
        try:
            yield from self._container.demux(self._stream)
        except CORRUPT:
            self._tally.spoiled(None)
            yield self._flush()
        except IndexError:
            # PyAV 18 flushes all streams of FFmpeg, but does not list those found while reading (FLV, TS).
            yield self._flush()
        except (av.FFmpegError, OSError) as error:
            raise translated(error, self._path, "read to its end") from error

    def _flush(self) -> Packet[Any]:
        flush: Packet[Any] = Packet()
        flush.stream = self._stream
        return flush

    def __iter__(self) -> Iterator[Any]:
        """The frames.

        Raises:
            MediaError: see `packets`; or the decoder knows no way on.
        """
        self._running = self._run()
        return self._running

    def _run(self) -> Generator[Any, None, None]:
        failures = 0
        for packet in self.packets():
            flushing = packet.size == 0 and packet.pts is None and packet.dts is None
            if packet.size == 0 and not flushing:
                continue  # Decoders take an empty packet for the end.
            if flushing:
                self._count_missing()
            else:
                self._note(packet)
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except CORRUPT as error:
                self._tally.spoiled(packet.pts)
                self._spoiled += 1
                self.spoiled_flush = flushing
                failures += 1
                if failures > PATIENCE:
                    raise translated(error, self._path, "decoded") from error
                continue
            except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
                raise translated(error, self._path, "decoded") from error
            failures = 0
            self._received += len(frames)
            yield from frames

    def _note(self, packet: Packet[Any]) -> None:
        if self.landed is None:
            self.landed = (packet.pos, packet.pts, packet.dts)
        self._last_dts = packet.dts
        if shows(packet):
            self._sent += 1
            if self._received == 0 and packet.pts is not None:
                self._early.append(packet.pts)

    def _count_missing(self) -> None:
        entries = self._stream.index_entries
        if self._last_dts is None or not self._stream.frames or len(entries) != self._stream.frames:
            return  # No index, or none of every packet.
        found = entries.search_timestamp(self._last_dts, any_frame=True)
        if found >= 0 and entries[found].timestamp == self._last_dts:
            # Auxiliary tracks give all their packets one time; which of these was the last is not known.
            while found + 1 < len(entries) and entries[found + 1].timestamp == self._last_dts:
                found += 1
            self.missing = len(entries) - 1 - found
            self._tally.corrupt += self.missing

    def earlier_than(self, ticks: int) -> int:
        """Packets so far that are shown before a tick; to be asked when the first frame has come."""
        return sum(pts < ticks for pts in self._early)

    @property
    def short(self) -> bool:
        """Whether a few frames are missing at the end that no error accounts for."""
        return 0 < self._sent - self._received - self._spoiled <= MOST_THREADS

    def close(self) -> None:
        """Stop decoding."""
        if self._running is not None:
            self._running.close()


def shows(packet: Packet[Any]) -> bool:
    """Whether a packet is one that a viewer sees: an edit list may have the decoder read more."""
    return packet.size > 0 and not packet.is_discard


def first_decoded(frames: Iterator[Any], path: Location, what: str) -> Any:
    """The first frame.

    Raises:
        MediaError: there is none.
    """
    for frame in frames:
        return frame
    raise MediaError(
        f"{path}: nothing of its {what} could be decoded.",
        "It was cut off or damaged; copy it again from where it came.",
    )
