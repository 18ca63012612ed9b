"""From what the user typed to files: folders, patterns, lists and filters, in a stable natural order."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from mediaml.core.errors import NoInputsError, UsageError
from mediaml.core.location import Url, is_url
from mediaml.core.work import Source


@dataclass(frozen=True, slots=True)
class Selection:
    """What to look at.

    Attributes:
        arguments: files, folders, patterns and URLs, as typed.
        recursive: whether folders are entered below their first level.
        include, exclude: shell patterns against a file's name or its path below the folder that was
            named. A file of a folder must match one of `include`, if there are any, and none of `exclude`.
        omit: a folder that is never entered: the output folder.
    """

    arguments: tuple[str, ...]
    recursive: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    omit: Path | None = None


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which `frame2` comes before `frame10`; letter case counts last."""
    consumers = re.split(r"(\d+)", name)
    folded = [
        (1, int(consumer), "") if consumer.isdecimal() else (0, 0, consumer.casefold())
        for consumer in consumers
    ]
    return [*folded, (0, 0, name)]


def read_list(lines: Iterable[str]) -> tuple[str, ...]:
    """Paths of a list file, one a line; empty lines do not count."""
    return tuple(line.rstrip("\r\n") for line in lines if line.strip())


def scan(selection: Selection) -> Iterator[Source]:
    """Yield every file that was meant, once, in the order of the arguments and naturally within folders.

    Hidden files and folders (a leading dot) are met only when they are named. A file that is named but
    missing is yielded all the same, with size 0, so that it fails by name and the others go on. A URL is met
    only as an argument, never in a folder.

    Raises:
        NoInputsError: at the end, when there was not one existing file.
        UsageError: an argument holds a null character.
    """
    seen: set[str] = set()
    missing: list[str] = []
    found = False
    for argument in selection.arguments:
        if "\0" in argument:
            raise UsageError(f"{argument!r} holds a null character and is no path.")
        if is_url(argument):
            url = Url(argument)
            found = True
            if str(url) not in seen:
                seen.add(str(url))
                yield Source(url, _printable(str(url)), url.name, size=0, mtime_ns=0, named=True)
            continue
        named = Path(argument)
        if named.is_dir():
            candidates = _walk(named, selection)
        elif os.path.lexists(named):
            candidates = iter([(named, PurePath(named.name), True)])
        elif glob.has_magic(argument):
            candidates = _matches(argument, selection)
        else:
            missing.append(argument)
            candidates = iter([(named, PurePath(named.name or "input"), True)])
        for path, name, is_named in candidates:
            absolute = os.path.abspath(path)  # noqa: PTH100  a link stays a link: its name is the user's
            if absolute not in seen:
                seen.add(absolute)
                found = found or argument not in missing
                yield _source(Path(absolute), path, name, named=is_named)
    if not found:
        raise _nothing(selection.arguments, missing)


def _nothing(arguments: Sequence[str], missing: Sequence[str]) -> NoInputsError:
    if missing:
        return NoInputsError(f"no such file or folder: {', '.join(missing)}.", "Check the path.")
    return NoInputsError(
        f"there is no file in {', '.join(arguments) or 'an empty list'}.",
        "Check the path and the --include, --exclude and --kind filters.",
    )


def _source(absolute: Path, path: Path, name: PurePath, *, named: bool) -> Source:
    try:
        status = absolute.stat()
        size, mtime_ns = status.st_size, status.st_mtime_ns
    except OSError:
        size, mtime_ns = 0, 0
    return Source(absolute, _printable(path.as_posix()), _printable(name.as_posix()), size, mtime_ns, named)


def _printable(text: str) -> str:
    """Bytes that are not UTF-8 and control characters as escapes, so that no output format breaks."""
    decoded = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in decoded)


def _matches(pattern: str, selection: Selection) -> Iterator[tuple[Path, PurePath, bool]]:
    for match in sorted(glob.glob(pattern, recursive=True), key=natural_key):  # noqa: PTH207  absolute too
        path = Path(match)
        if path.is_dir():
            yield from _walk(path, selection)
        elif _wanted(PurePath(path.name), selection):
            yield path, PurePath(path.name), False


def _walk(folder: Path, selection: Selection) -> Iterator[tuple[Path, PurePath, bool]]:
    base = PurePath(Path(os.path.abspath(folder)).name)  # noqa: PTH100  as above
    omit = selection.omit.resolve() if selection.omit else None
    for path in _files(folder, selection.recursive, omit, frozenset()):
        below = path.relative_to(folder)
        if _wanted(below, selection):
            yield path, base / below, False


def _files(folder: Path, recursive: bool, omit: Path | None, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real == omit or real in above:  # a link back to a folder above would never end
        return
    try:
        with os.scandir(folder) as entries:
            listed = sorted(
                (e for e in entries if not e.name.startswith(".")), key=lambda e: natural_key(e.name)
            )
    except OSError:
        listed = []
    for entry in listed:
        if not entry.is_dir():
            yield folder / entry.name
    for entry in listed:
        if recursive and entry.is_dir():
            yield from _files(folder / entry.name, recursive, omit, above | {real})


def _wanted(below: PurePath, selection: Selection) -> bool:
    def matches(patterns: Sequence[str]) -> bool:
        names = (below.name, below.as_posix())
        return any(fnmatch.fnmatch(name, pattern) for name in names for pattern in patterns)

    return (not selection.include or matches(selection.include)) and not matches(selection.exclude)
