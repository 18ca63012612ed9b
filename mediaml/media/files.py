"""Checks and errors of local files, without FFmpeg: most images need no more."""

from __future__ import annotations

import stat
from collections.abc import Hashable
from typing import BinaryIO

from mediaml.core.errors import ChangedError, MediaError
from mediaml.core.location import Location, Url, is_stream


def open_binary(path: Location) -> BinaryIO:
    """A file, or an object of a store, open for a look at some of its bytes.

    Raises:
        OSError: it cannot be opened.
        MediaError: it is an object that its store does not give.
    """
    if isinstance(path, Url):
        from mediaml.media.object_store import LOOK_BYTES, open_object

        return open_object(path, block=LOOK_BYTES)
    return path.open("rb")


def check_file(path: Location) -> int:
    """The size in bytes of a regular, non-empty file, or of an object of a store.

    Raises:
        MediaError: there is none.
    """
    if isinstance(path, Url):
        return _check_object(path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise MediaError(f"{path} does not exist.", "Check the name.") from error
    except OSError as error:
        raise unreadable(error, path, "opened") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{path} is not a regular file.", "Name a file.")
    if status.st_size == 0:
        raise MediaError(f"{path} is empty.", "Copy it again from its source.")
    return status.st_size


def _check_object(url: Url) -> int:
    from mediaml.media.object_store import object_facts

    facts = object_facts(url)
    if facts is None:
        raise MediaError(f"{url} does not exist.", "Check the address.")
    if facts.size == 0:
        raise MediaError(f"{url} is empty.", "Copy it again from its source.")
    return facts.size


class FileWatch:
    """Notices that a file is replaced or written to while it is in use; a stream is not watched.

    Args:
        path: the file.
        stamp: size in bytes and time of modification in ns that it must have; `None` takes what it has now.
    """

    def __init__(self, path: Location, stamp: tuple[int, int] | None = None) -> None:
        self._path = path
        self._stamp = stamp
        self._first = self._state()

    def _state(self) -> tuple[int, int, Hashable] | None:
        """Size, time of modification and identity, where there is a file."""
        if is_stream(self._path):
            return None
        if isinstance(self._path, Url):
            from mediaml.media.object_store import object_facts

            facts = object_facts(self._path)
            return None if facts is None else (facts.size, facts.mtime_ns, facts.etag)
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino)

    def check(self) -> None:
        """Compare the file's stamp with the earlier one.

        Raises:
            ChangedError: it is another one, was written to, or is gone.
        """
        # Of an object, each range is asked for with the ETag that it had when it was opened.
        self._compare(self._first if isinstance(self._path, Url) else self._state())

    def check_first(self) -> None:
        """The same with the file as it was when the watch began, for which it is not looked at again."""
        self._compare(self._first)

    def _compare(self, now: tuple[int, int, Hashable] | None) -> None:
        planned = self._stamp is None or self._first is None or self._first[:2] == self._stamp
        if now != self._first or not planned:
            raise ChangedError(
                f"{self._path} has changed since it was read.",
                "Run again when it is no longer being written; it is then read from the start.",
            )


def unreadable(error: Exception, path: object, doing: str) -> MediaError:
    """A readable error for what the system reported on a file.

    Args:
        error: what was raised.
        path: the file.
        doing: the participle of what was tried, such as `opened`.
    """
    if isinstance(error, PermissionError):
        return MediaError(f"{path} cannot be {doing}: permission denied.", "Check the file's permissions.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MediaError(f"{path} cannot be {doing}: {reason}.", "Check the disk or the network drive.")
