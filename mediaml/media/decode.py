"""Packets to decoded frames: damage is counted, what cannot be decoded skipped, and the decoder flushed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts
from mediaml.media.clock import SharedClock, may_restart
from mediaml.media.joints import GENERATE_PTS, Joints, timed_streams
from mediaml.media.open import translated
from mediaml.media.silent_damage import SilentDamage

# So many packets in a row that cannot be decoded end the file: it is noise, not a damaged video.
PATIENCE = 1000
# FFmpeg starts at most 16 frame threads (MAX_AUTO_THREADS of libavcodec/pthread_internal.h).
MOST_THREADS = 16
CORRUPT = (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.ArgumentError, av.error.BugError)


@dataclass(slots=True)
class Tally:
    """The running count behind `DecodeAccounts`; see there.

    Attributes:
        flagged: of `corrupt`, the frames that were decoded nevertheless.
        since: tick before which damage is not counted, since another pass has counted it.
        joints: ticks still to come at which another part of a joined recording begins.
        notes: what a user should know of how the file was read.
    """

    expected: int | None = None
    decoded: int = 0
    corrupt: int = 0
    gaps: int = 0
    flagged: int = 0
    since: int | None = None
    joints: deque[int] = field(default_factory=deque)
    notes: tuple[str, ...] = ()

    def accounts(self) -> DecodeAccounts:
        """The accounts as of now."""
        return DecodeAccounts(self.expected, self.decoded, self.corrupt, self.gaps, self.notes)

    def spoiled(self, pts: int | None) -> None:
        """Count a packet that cannot be decoded, or a frame that the decoder flags as damaged."""
        self.corrupt += self.since is None or pts is None or pts >= self.since


class Decoding:
    """The decoded frames of one stream, video or audio, in order of presentation; iterate once.

    Args:
        container: the file, open; at its start, if `joints` is given.
        stream: one of it.
        path: the file.
        tally: counts what is met.
        joints: looks for restarts of the file's clock; see `SharedClock`. Without it stamps stay as they are.

    Attributes:
        landed: position in the file, pts and dts of the first packet; `None` before there was one.
        spoiled_flush: whether the decoder met damage while it was emptied.
        missing: packets that stand in the file's index behind the last one that came; known at the end.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: Any,
        path: Location,
        tally: Tally,
        joints: Callable[[], Joints] | None = None,
    ) -> None:
        # In broadcasts another stream may be the first to show that the clock has restarted.
        self._watched = timed_streams(container) if joints and may_restart(container) else [stream]
        self._clock = SharedClock(container, self._watched, joints) if joints else None
        self._container = container
        self._stream = stream
        self._path = path
        self._tally = tally
        self._sent = 0
        self._received = 0
        self._spoiled = 0
        self._early: list[int] = []
        self._silent = SilentDamage(stream)
        self._keyed = False
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
            for packet in self._container.demux(self._watched):
                # An empty packet's own `stream_index` is 0, whatever stream it flushes.
                if packet.stream.index != self._stream.index:
                    self._place(packet)
                else:
                    yield packet
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

    def _place(self, packet: Packet[Any]) -> None:
        if self._clock is not None and self._clock.place(packet):
            self._tally.joints.extend(self._clock.starts(self._stream))

    @property
    def is_joined(self) -> bool:
        """Whether the file's clock has restarted on the way."""
        return self._clock is not None and bool(self._clock.joints)

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
                self._place(packet)
                if self._silent.send(packet):
                    self._tally.spoiled(None)
            try:
                frames = packet.decode()
            except av.error.EOFError:
                break
            except CORRUPT as error:
                self._tally.spoiled(packet.pts)
                self._silent.refused(packet)
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
            for frame in frames:
                self._check(frame)
                yield frame
        for pts in self._silent.lost():
            self._tally.spoiled(pts)

    def _check(self, frame: Any) -> None:
        """Count a frame that the decoder had to patch up: it is kept, but it is not what was recorded.

        Before the first keyframe of a video that is not damage: the stream begins within a group of pictures.
        """
        self._keyed = self._keyed or self._stream.type != "video" or frame.key_frame
        if (self._silent.is_damaged(frame) or frame.is_corrupt) and self._keyed:
            before = self._tally.corrupt
            self._tally.spoiled(frame.pts)
            self._tally.flagged += self._tally.corrupt - before

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
        if self.is_joined or self._last_dts is None or len(entries) != (self._stream.frames or None):
            return  # No index, or none of every packet.
        found = entries.search_timestamp(self._last_dts, any_frame=True)
        if found >= 0 and entries[found].timestamp == self._last_dts:
            # Auxiliary tracks give all their packets one time; which of these was the last is not known.
            while found + 1 < len(entries) and entries[found + 1].timestamp == self._last_dts:
                found += 1
            self.missing = len(entries) - 1 - found
            self._tally.corrupt += self.missing

    def earlier_than(self, ticks: int) -> int:
        """Packets so far that are shown before a tick; valid after the first frame."""
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
        f"{path}: no {what} frame could be decoded.",
        "It was cut off or damaged; copy it again from its source.",
    )
