"""Packets to decoded frames: what is corrupt is skipped and counted, and the decoder is flushed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from mediaml.media.open import translated
from mediaml.types import DecodeAccounts

# AVERROR_INVALIDDATA on so many packets in a row ends the file: it is noise, not a damaged video.
PATIENCE = 1000
GENERATE_PTS = 0x0001  # AVFMT_FLAG_GENPTS of libavformat/avformat.h


@dataclass(slots=True)
class Tally:
    """The running count behind `DecodeAccounts`; see there. `sent` counts packets given to the decoder."""

    expected: int | None = None
    sent: int = 0
    decoded: int = 0
    corrupt: int = 0
    gaps: int = 0

    def accounts(self) -> DecodeAccounts:
        """The accounts as of now."""
        return DecodeAccounts(self.expected, self.decoded, self.corrupt, self.gaps)


def packets(container: InputContainer, stream: Any, path: Path, tally: Tally) -> Iterator[Packet[Any]]:
    """The packets of one stream, the last one empty: it flushes the decoder.

    Damage in the container ends the file there and counts as one corrupt packet.

    Raises:
        MediaError: the file can no longer be read, as when a disk or a network drive fails.
    """
    # PyAV asks FFmpeg to make up missing presentation times, which misorders AVI files; the decoding time,
    # which `timeline` falls back on, is right there.
    container.flags &= ~GENERATE_PTS
    try:
        yield from container.demux(stream)
    except (av.error.InvalidDataError, av.error.ArgumentError):
        tally.corrupt += 1
        yield _flush_packet(stream)
    except (av.FFmpegError, OSError) as error:
        raise translated(error, path, "read to its end") from error


def decode(container: InputContainer, stream: Any, path: Path, tally: Tally) -> Iterator[Any]:
    """The decoded frames of one stream, video or sound, in order of presentation.

    Raises:
        MediaError: see `packets`; or a decoder that knows no way on, such as one out of memory.
    """
    failures = 0
    for packet in packets(container, stream, path, tally):
        tally.sent += bool(packet.size) and not packet.is_discard
        try:
            frames = packet.decode()
        except av.error.EOFError:
            break
        except (av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.ArgumentError) as error:
            tally.corrupt += 1
            failures += 1
            if failures > PATIENCE:
                raise translated(error, path, "decoded") from error
            continue
        except (av.FFmpegError, OSError) as error:
            raise translated(error, path, "decoded") from error
        failures = 0
        yield from frames


def _flush_packet(stream: Any) -> Packet[Any]:
    packet: Packet[Any] = Packet()
    packet.stream = stream
    return packet
