"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediaml.core.errors import MediaError
from mediaml.media.files import is_of_ffmpeg


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield `target` + ".part" to write to; it becomes `target` when the block ends well, else it goes.

    Raises:
        MediaError: the folder cannot be made, or the file cannot be put in its place.
    """
    part = target.with_name(target.name + ".part")
    try:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with writing(target):
            part.replace(target)
    finally:
        # Gone already where all went well; on an error the first one is the one to tell.
        with writing(target):
            part.unlink(missing_ok=True)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what FFmpeg or the system says while `target` is written into a `MediaError`."""
    try:
        yield
    except Exception as error:
        if not (isinstance(error, OSError) or is_of_ffmpeg(error)):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MediaError(
            f"{target} cannot be written: {reason}.", "Check the free space and your rights in that folder."
        ) from error
