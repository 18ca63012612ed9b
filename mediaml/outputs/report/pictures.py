"""The folder of thumbnails beside a page: what is missing is made, what is not shown any more is removed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mediaml.core.atomic_file import writing
from mediaml.core.media import Kind
from mediaml.outputs.report.contents import Item
from mediaml.outputs.report.messages import Thumbnails
from mediaml.outputs.report.thumbnails import make_all

_VERSION = b"1"  # of how thumbnails are made
_OWN = re.compile(r"[0-9a-f]{24}\.(jpg|png)(\.part)?")

Progress = Callable[[int, int], None]
"""Called with the number of sources whose thumbnails are made, and of all that need any."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The thumbnails and the spectrogram of a source that are there, as URLs relative to the page.

    Attributes:
        frames: time (s) and URL of each. strip: of the spectrogram; empty where there is none.
        problem: why some are missing; empty where none is.
    """

    frames: tuple[tuple[float, str], ...] = ()
    strip: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The names of a source's files: of its thumbnails with their times (s), and of its spectrogram."""

    item: Item
    frames: tuple[tuple[float, str], ...]
    strip: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*(name for _, name in self.frames), *filter(None, [self.strip]))


def make_pictures(items: Sequence[Item], folder: Path, progress: Progress) -> dict[int, Pictures]:
    """Make the thumbnails that are missing in `folder`, and remove those that no source has any more.

    Returns:
        Those of each source, by its id.

    Raises:
        OutputError: the folder cannot be made.
    """
    wanted = {item.row.id: _wanted(item) for item in items if item.place.state == "here"}
    kept = {name for one in wanted.values() for name in one.names}
    there = tidied(folder, kept)
    orders = [_order(one, folder, there) for one in wanted.values() if not there.issuperset(one.names)]
    if orders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    problems: dict[int, str] = {}
    for done, made in enumerate(make_all(orders), start=1):
        problems[made.source] = made.problem
        progress(done, len(orders))
    return _found(wanted, folder, problems)


def _wanted(item: Item) -> _Wanted:
    """The files of a source, named by what they are made from."""
    stamp = b"%d %d" % (item.stamp.size, item.stamp.mtime_ns)

    def name(part: str, suffix: str) -> str:
        key = b"\0".join((_VERSION, os.fsencode(str(item.row.path)), stamp, part.encode("ascii")))
        return hashlib.sha256(key).hexdigest()[:24] + suffix

    frames = tuple((moment, name(f"{moment:.6f}", ".jpg")) for moment in item.moments)
    heard = item.heard and item.end_s > 0
    return _Wanted(item, frames, name(f"strip {item.end_s:.6f}", ".png") if heard else "")


def _order(wanted: _Wanted, folder: Path, there: Collection[str]) -> Thumbnails:
    """What is missing of a source's files."""
    item, left = wanted.item, [(moment, name) for moment, name in wanted.frames if name not in there]
    assert item.place.path is not None
    strip = wanted.strip and wanted.strip not in there
    return Thumbnails(
        item.row.id,
        os.fsencode(item.place.path.absolute()),
        item.row.kind or Kind.IMAGE,
        tuple(moment for moment, _ in left),
        tuple(os.fsencode(folder.absolute() / name) for _, name in left),
        os.fsencode(folder.absolute() / wanted.strip) if strip else None,
        item.end_s,
    )


def tidied(folder: Path, kept: Collection[str]) -> set[str]:
    """Remove thumbnails that are not shown, and nothing else; returns the names of those that are there."""
    there = set()
    for name in names_in(folder):
        if name in kept:
            there.add(name)
        elif _OWN.fullmatch(name):
            with suppress(OSError):
                (folder / name).unlink()
    with suppress(OSError):
        folder.rmdir()  # unless something is in it
    return there


def names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # there is none yet
        return []


def _found(wanted: Mapping[int, _Wanted], folder: Path, problems: Mapping[int, str]) -> dict[int, Pictures]:
    there = set(names_in(folder))
    base = quote(os.fsencode(folder.name))
    return {
        source: Pictures(
            tuple((moment, f"{base}/{name}") for moment, name in one.frames if name in there),
            f"{base}/{one.strip}" if one.strip in there else "",
            problems.get(source, ""),
        )
        for source, one in wanted.items()
    }
