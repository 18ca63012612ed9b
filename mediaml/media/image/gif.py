"""Whether a GIF is whole: decoders drop a frame that is cut off without a word."""

from __future__ import annotations

CUT_OFF = "it is cut off: its end is missing"
EXTENSION, IMAGE = 0x21, 0x2C


def check_gif(data: bytes) -> None:
    """Walk the blocks to the trailer, or to anything that is not a block (GIF89a specification).

    A file that ends behind a complete frame is whole: some encoders leave the trailer out.

    Raises:
        ValueError: a block is cut off, or there is no frame.
    """
    frames = 0
    try:
        offset = 13 + _table(data[10])
        while offset < len(data) and data[offset] in (EXTENSION, IMAGE):
            if data[offset] == EXTENSION:
                offset = _sub_blocks(data, offset + 2)
            else:
                offset = _sub_blocks(data, offset + 10 + _table(data[offset + 9]) + 1)
                frames += 1
    except IndexError as error:
        raise ValueError(CUT_OFF) from error
    if not frames:
        raise ValueError("it holds no frame")


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: bytes, offset: int) -> int:
    """The offset behind a chain of sub-blocks."""
    while data[offset]:
        offset += data[offset] + 1
    return offset + 1
