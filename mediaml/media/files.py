"""Local files, and what the system says of them, without FFmpeg: most pictures need no more."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.errors import MediaError


def check_file(path: Path) -> int:
    """The size in bytes of a regular, non-empty file.

    Raises:
        MediaError: there is none.
    """
    try:
        if not path.exists():
            raise MediaError(f"{path} does not exist.", "Check the name.")
        if not path.is_file():
            raise MediaError(f"{path} is not a regular file.", "Name a file.")
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(error, path, "opened") from error
    if size == 0:
        raise MediaError(f"{path} is empty.", "Copy it again from where it came.")
    return size


def unreadable(error: Exception, path: object, doing: str) -> MediaError:
    """What the system said of a file, in plain words.

    Args:
        error: what was raised.
        path: the file.
        doing: the participle of what was tried, such as `opened`.
    """
    if isinstance(error, PermissionError):
        return MediaError(
            f"{path} cannot be {doing}: permission denied.", "Give yourself the right to read it."
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MediaError(f"{path} cannot be {doing}: {reason}.", "Check the disk or the network drive.")
