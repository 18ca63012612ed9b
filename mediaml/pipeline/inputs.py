"""From what the user typed to files: folders, patterns, lists and URLs, in a stable natural order."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from mediaml.core.errors import NoInputsError, UsageError
from mediaml.core.location import Url, is_url
from mediaml.core.shard import Shard
from mediaml.core.work import Source
from mediaml.pipeline.objects import store_sources
from mediaml.pipeline.patterns import Filter, natural_key, split_at_any_folders
from mediaml.pipeline.typed_paths import expand_home, hint_for
from mediaml.pipeline.walk import (
    FolderId,
    FoundFile,
    Skipped,
    SkipReason,
    Walker,
    escape_name,
    is_copy,
    os_reason,
)

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Selection:
    """The inputs.

    Attributes:
        arguments: files, folders, patterns and URLs, as typed.
        recursive: whether folders are entered below their first level.
        include, exclude: shell patterns, see `Filter`. A file of a folder must match one of `include`, if
            there are any, and neither it nor a folder that it is in may match one of `exclude`.
        omit: the output folder, which is entered only where it is an argument itself.
        shard: the part of all these that is wanted, see `find_sources`; `None` where all are.
    """

    arguments: tuple[str, ...]
    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    omit: Path | None = None
    shard: Shard | None = None


def scan(selection: Selection, skipped: Callable[[Skipped], None] = lambda _: None) -> Iterator[Source]:
    """Yield every input file, once, in the order of the arguments and naturally within folders.

    Hidden files and folders (a leading dot) are included only when they are named. What cannot be read, such
    as a file that is named but missing or a folder without permission, is yielded all the same, with its
    `problem`: it fails by name and the others go on. A URL is read only as an argument, never from a
    folder. Files that mediaml has written are included only when they are named one by one.

    Args:
        selection: what was typed.
        skipped: called with what was skipped, other than by the filters of the selection, while
            sources are drawn.

    Raises:
        NoInputsError: at the end, when nothing that was named exists, or no file was found.
        UsageError: an argument is empty or holds a null character.
    """
    yield from _Scan(selection, skipped).sources()


@dataclass(slots=True)
class _Scan:
    """One scan, and what it has found so far."""

    selection: Selection
    skipped: Callable[[Skipped], None]
    _seen: set[str] = field(default_factory=set)
    _urls: dict[str, str] = field(default_factory=dict)
    _missing: dict[str, str] = field(default_factory=dict)  # and a hint for each
    _absent: int = 0
    _unmatched: list[str] = field(default_factory=list)

    def sources(self) -> Iterator[Source]:
        """See `scan`."""
        walker, found = self._walker(), 0
        for argument in self.selection.arguments:
            if "\0" in argument:
                raise UsageError(f"{argument!r} contains a null character.")
            if not argument:
                raise UsageError("one of the inputs is empty.", "Check the variable that it comes from.")
            if is_url(argument):
                sources = self._of_url(Url(argument), walker.filter)
            else:
                sources = self._of_path(expand_home(argument), walker)
            for source in sources:
                found += 1
                yield source
        if found == self._absent:
            raise self._nothing()
        for pattern in self._unmatched:
            self.skipped(Skipped(escape_name(pattern), SkipReason.NO_MATCH))

    def _walker(self) -> Walker:
        filter_ = Filter.of(self.selection.include, self.selection.exclude)
        omit = self.selection.omit
        output = _identity(omit) if omit is not None else None
        folders = (_identity(Path(expand_home(text))) for text in self.selection.exclude if text)
        return Walker(filter_, frozenset(filter(None, folders)), output, self.skipped)

    def _of_url(self, url: Url, filter_: Filter) -> Iterator[Source]:
        if url.in_store:
            for source in store_sources(url, filter_, recursive=self.selection.recursive):
                if source.shown not in self._urls:
                    self._urls[source.shown] = str(source.path)
                    yield source
            return
        shown = escape_name(str(url))
        if shown not in self._urls:
            yield Source(url, shown, url.name, size=0, mtime_ns=0, named=True)
        elif self._urls[shown] != url.text:
            self.skipped(Skipped(shown, SkipReason.SAME_URL))
        self._urls.setdefault(shown, url.text)

    def _of_path(self, argument: str, walker: Walker) -> Iterator[Source]:
        path = Path(argument)
        try:
            status = path.stat()
        except OSError as error:
            if not os.path.lexists(path) and error.errno in (errno.ENOENT, errno.ENOTDIR):
                yield from self._of_pattern(argument, walker)
            else:
                yield from self._file(path, named=True, problem=os_reason(error, str(path.absolute())))
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(argument, walker, named=True)
        else:
            yield from self._file(path, named=True)

    def _of_pattern(self, argument: str, walker: Walker) -> Iterator[Source]:
        """The matches of a pattern; a path without wildcards that does not exist is missing."""
        parts = split_at_any_folders(argument, recursive=self.selection.recursive)
        if parts is not None:
            yield from self._below(argument, *parts)
            return
        matches = sorted(glob.glob(argument), key=natural_key)  # noqa: PTH207  absolute too
        if not matches and not {"*", "?"} & set(argument):
            # Brackets alone are as often part of a name: `talk [x7Gq].mp4`.
            yield from self._absentee(argument)
        elif not matches:
            self._unmatched.append(argument)
        for match in matches:
            path = Path(match)
            if path.is_dir():
                yield from self._folder(match, walker, named=False)
            elif walker.filter.takes_file(path.name, os.path.abspath(match)):  # noqa: PTH100
                yield from self._file(path, named=False)

    def _absentee(self, argument: str) -> Iterator[Source]:
        """A file that was named and does not exist."""
        self._missing[argument] = hint = hint_for(argument)
        problem = f"no such file or folder.\n{hint}"
        for source in self._file(Path(argument), named=True, problem=problem):
            self._absent += 1
            yield source

    def _below(self, argument: str, before: str, below: re.Pattern[str]) -> Iterator[Source]:
        """What a pattern with `**` matches; `glob` would follow links for ever."""
        folders = [before] if os.path.isdir(before) else glob.glob(before)  # noqa: PTH112, PTH207
        walker, matches = self._walker(), list[tuple[FoundFile, str]]()
        for folder in filter(os.path.isdir, sorted(folders, key=natural_key)):
            for found in walker.walk(folder, recursive=True, hidden="/." in argument):
                match = below.match(found.below)
                if match:
                    name = PurePath(match["hit"]).name + match["below"]
                    matches.append((found, name))
                elif found.is_folder:
                    matches.append((found, PurePath(found.path).name))
        if not matches:
            self._unmatched.append(argument)
        for found, name in sorted(matches, key=lambda match: natural_key(match[0].shown)):
            yield from self._found(found, name)

    def _folder(self, folder: str, walker: Walker, *, named: bool) -> Iterator[Source]:
        base = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119  a link stays a link
        for found in walker.walk(folder, recursive=self.selection.recursive, named=named):
            yield from self._found(found, f"{base}/{found.below}".strip("/") or "input")

    def _found(self, found: FoundFile, name: str) -> Iterator[Source]:
        if found.path not in self._seen:
            self._seen.add(found.path)
            shown, name = escape_name(found.shown), escape_name(name)
            path, size, mtime_ns = Path(found.path), found.size, found.mtime_ns
            yield Source(path, shown, name, size, mtime_ns, named=False, problem=found.problem)

    def _file(self, path: Path, *, named: bool, problem: str = "") -> Iterator[Source]:
        """One file, unless it was yielded before; a named file is never skipped."""
        absolute, shown, size, mtime_ns = os.path.abspath(path), escape_name(path.as_posix()), 0, 0  # noqa: PTH100
        if absolute in self._seen:
            return
        self._seen.add(absolute)
        if not problem:
            try:
                status = os.stat(absolute)  # noqa: PTH116
                size, mtime_ns = status.st_size, status.st_mtime_ns
            except OSError as error:
                problem = os_reason(error, absolute)
            else:
                reason = None if named else _reason_to_skip(absolute, status.st_mode)
                if reason is not None:
                    self.skipped(Skipped(shown, reason))
                    return
        name = escape_name(path.name or "input")
        yield Source(Path(absolute), shown, name, size, mtime_ns, named, problem=problem)

    def _nothing(self) -> NoInputsError:
        if self._missing:
            names, hints = list(self._missing), list(self._missing.values())
            return NoInputsError(f"no such file or folder: {_listed(names)}.", hints[0])
        if self._unmatched:
            return NoInputsError(f"no file matches {_listed(self._unmatched)}.", "Check the pattern.")
        return NoInputsError(
            f"found no file (searched: {_listed(self.selection.arguments) or 'an empty list'}).",
            "Check the path and the --include, --exclude and --kind filters.",
        )


def _reason_to_skip(path: str, mode: int) -> SkipReason | None:
    if not stat.S_ISREG(mode):
        return SkipReason.SPECIAL_FILE
    return SkipReason.ANNOTATED_COPY if is_copy(Path(path)) else None


def _identity(folder: Path) -> FolderId | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _listed(names: Sequence[str]) -> str:
    shown = [escape_name(name) for name in names[:_MOST_NAMED]]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
