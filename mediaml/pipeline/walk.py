"""Walks folders in natural order, each once; reports what cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from mediaml.core.text import counted, escape_control
from mediaml.ledger.recognise import OWN_NAMES, PIECES, is_output_folder, pieces_in
from mediaml.ledger.schema import FILE_NAME as LEDGER
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.pipeline.patterns import Filter, natural_key


class SkipReason(StrEnum):
    """Why a path is not among the sources."""

    OUTPUT_FOLDER = "it is a mediaml output folder"
    ANNOTATED_COPY = "it is an annotated copy that mediaml wrote"
    PIECES = "they are crops, frames or clips of other files; name the folder to process them"
    SAME_FOLDER = "this folder is included already, by another name"
    SPECIAL_FILE = "it is a socket, a pipe or a device"
    NO_MATCH = "no file matches"
    SAME_URL = "it differs from another URL only in the hidden part; run it separately, with another -o"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was skipped.

    Attributes:
        path: as the user would type it, safe to print.
        reason: why.
    """

    path: str
    reason: SkipReason

    def __str__(self) -> str:
        if self.reason is SkipReason.NO_MATCH:
            return f"{self.reason} {self.path}"
        return f"skipped {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that was found in a folder, or a folder that cannot be read.

    Attributes:
        path: absolute. shown: as the user would type it. below: relative to the folder that was walked.
        size: bytes. mtime_ns: time of last modification, nanoseconds since the epoch.
        problem: why it cannot be read, one or two lines; empty where nothing is known against it.
        is_folder: it is a folder that cannot be read, or not all of it.
    """

    path: str
    shown: str
    below: str
    size: int = 0
    mtime_ns: int = 0
    problem: str = ""
    is_folder: bool = False


FolderId = tuple[int, int]
"""Device and inode of a folder, which stay the same under all its names."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to be entered.

    Attributes:
        path: absolute. shown, below: as in `FoundFile`, each empty or with a `/` at its end.
        first: it is the one that the walk begins with.
        in_output: it is in an output folder, where a name is enough to tell a copy.
    """

    path: str
    shown: str
    below: str
    first: bool = False
    in_output: bool = False

    def child(self, entry: os.DirEntry[str]) -> _Folder:
        tail = f"{entry.name}/"
        return _Folder(entry.path, self.shown + tail, self.below + tail, in_output=self.in_output)


@dataclass(slots=True)
class Walker:
    """Finds the files of folders; none is entered again that a link or another argument leads to.

    Attributes:
        filter: what is wanted.
        excluded: folders that are not entered, whatever leads to them.
        output: the output folder of this run; `None` where there is none yet.
        skipped: called with what is skipped, except by `filter`.
    """

    filter: Filter
    excluded: frozenset[FolderId]
    output: FolderId | None
    skipped: Callable[[Skipped], None]
    _entered: set[FolderId] = field(default_factory=set)

    def walk(
        self, folder: str, *, recursive: bool, hidden: bool = False, named: bool = True
    ) -> Iterator[FoundFile]:
        """Yield the files of a folder, then those of the folders in it, in natural order.

        Folders that links lead to come last, so that a folder keeps its own name where it has several.

        Args:
            folder: as typed.
            recursive: whether folders in it are entered.
            hidden: whether names that begin with a dot count.
            named: the folder was named itself, so it is entered even where it is an output folder. Annotated
                copies are left out of it all the same.
        """
        shown = Path(folder).as_posix()
        prefix = "" if shown == "." else shown.rstrip("/") + "/"
        path = os.path.abspath(folder)  # noqa: PTH100  a link stays a link: its name is the user's
        pending, links = [_Folder(path, prefix, "", first=True)], deque[_Folder]()
        while pending or links:
            current = pending.pop() if pending else links.popleft()
            entries, problem = self._enter(current)
            if problem:
                shown, below = current.shown.rstrip("/"), current.below.rstrip("/")
                yield FoundFile(current.path, shown or folder, below, problem=problem, is_folder=True)
            if not current.first and (pieces := _pieces(current, entries)):
                self.skipped(Skipped(escape_name(f"{current.shown} ({pieces})"), SkipReason.PIECES))
                continue
            if (
                entries
                and LEDGER in {entry.name for entry in entries}
                and is_output_folder(Path(current.path))
            ):
                if not (current.first and named):
                    self._skip(current.shown, SkipReason.OUTPUT_FOLDER)
                    continue
                current = replace(current, in_output=True)
            inner: list[_Folder] = []
            for entry in entries:
                if hidden or entry.name[0] != ".":
                    yield from self._meet(entry, current, inner, links)
            if not recursive:
                return
            pending += reversed(inner)

    def _enter(self, folder: _Folder) -> tuple[list[os.DirEntry[str]], str]:
        """What is in a folder, in natural order, and why that may not be all of it."""
        entries: list[os.DirEntry[str]] = []
        try:
            status = os.stat(folder.path)  # noqa: PTH116  a long row of folders: no objects for their paths
            identity = status.st_dev, status.st_ino
            if identity in self.excluded:
                return [], ""
            if identity in self._entered:
                if not folder.first:
                    self._skip(folder.shown, SkipReason.SAME_FOLDER)
                return [], ""
            self._entered.add(identity)
            if identity == self.output and not folder.first:
                self._skip(folder.shown, SkipReason.OUTPUT_FOLDER)
                return [], ""
            with os.scandir(folder.path) as found:
                entries.extend(found)
        except OSError as error:
            problem = f"the folder cannot be read: {os_reason(error, folder.path)}"
        else:
            problem = ""
        entries.sort(key=lambda entry: natural_key(entry.name))
        return entries, problem

    def _meet(
        self, entry: os.DirEntry[str], folder: _Folder, inner: list[_Folder], links: deque[_Folder]
    ) -> Iterator[FoundFile]:
        """Yield a file that is wanted; note a folder that is, among `inner` or `links`."""
        name, path, below = entry.name, entry.path, folder.below + entry.name
        is_link, problem, status = entry.is_symlink(), "", None
        if entry.is_dir(follow_symlinks=False):
            if self.filter.takes_folder(name, below, path):
                inner.append(folder.child(entry))
            return
        wanted = self.filter.takes_file(name, below, path)
        if not (wanted or is_link):
            return
        try:
            status = entry.stat()
        except OSError as error:
            problem = os_reason(error, path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            if self.filter.takes_folder(name, below, path):
                links.append(folder.child(entry))
        elif not wanted or (folder.in_output and OWN_NAMES.match(name)):
            return
        elif status is None:
            yield FoundFile(path, folder.shown + name, below, problem=problem)
        elif not stat.S_ISREG(status.st_mode):
            self._skip(folder.shown + name, SkipReason.SPECIAL_FILE)
        elif ".annotated." in name and is_copy(Path(path), in_output=folder.in_output):
            self._skip(folder.shown + name, SkipReason.ANNOTATED_COPY)
        else:
            yield FoundFile(path, folder.shown + name, below, status.st_size, status.st_mtime_ns)

    def _skip(self, shown: str, reason: SkipReason) -> None:
        self.skipped(Skipped(escape_name(shown), reason))


def _pieces(folder: _Folder, entries: Sequence[os.DirEntry[str]]) -> str:
    """How many files are in a folder of pieces that mediaml wrote; empty where it is none."""
    if not any(entry.name == PIECES for entry in entries):
        return ""
    count = pieces_in(Path(folder.path))
    return "" if count is None else counted(count, "file")


def is_copy(path: Path, *, in_output: bool = False) -> bool:
    """Whether a file is an annotated copy that still has the name of one.

    Args:
        path: of the file; it is opened only if its name is that of a copy.
        in_output: it is in an output folder, where copies without a mark are of mediaml 0.1.0.
    """
    return ".annotated." in path.name and (in_output or is_annotated_copy(path))


def escape_name(text: str) -> str:
    """A file's name safe to print; bytes that are not UTF-8 as escapes, whatever the locale says."""
    return (
        text if text.isprintable() else escape_control(os.fsencode(text).decode("utf-8", "surrogateescape"))
    )


def os_reason(error: OSError, path: str) -> str:
    """Why a file or folder cannot be read, and a hint, in two lines."""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return "permission denied.\nCheck the permissions of it and of the folders above it."
        case errno.ELOOP:
            return "it is a link that leads back to itself.\nRemove the link."
        case errno.ENAMETOOLONG:
            return (
                f"its path, of {len(os.fsencode(path))} bytes, is too long for this system.\n"
                "Move it to a folder nearer to the root."
            )
        case errno.ENOENT if os.path.islink(path):  # noqa: PTH114  it may be too long for that
            return "it is a link to a file that does not exist.\nRemove the link, or restore the file."
        case errno.ENOENT | errno.ENOTDIR:
            return "no such file.\nCheck the path."
        case _:
            return f"{error.strerror or error}.\nCheck the disk or the network drive."
