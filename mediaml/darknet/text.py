"""Reads the text files of a Darknet network: the cfg and the names."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.errors import ModelError

TEXT_BYTES_LIMIT = 1_000_000
"""Bytes of the largest file that is read. YOLOv3's cfg has eight thousand; the longest names file in use,
ImageNet's 21 841 classes, 400 000."""


def read_text(path: Path, kind: str, hint: str) -> str:
    """The text of a file, decoded as UTF-8 with or without a byte order mark; other bytes are replaced.

    Args:
        kind: what the file should be, for the error. hint: for a file that is too large.

    Raises:
        ModelError: the file cannot be read, or is larger than `TEXT_BYTES_LIMIT`.
    """
    try:
        if path.stat().st_size > TEXT_BYTES_LIMIT:
            raise ModelError(f"{path} is too large for a {kind}", hint)
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
