"""The examples of a training: a folder per class, or a CSV file with `path` and `label`."""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediaml.core.errors import MediaError, NoInputsError, UsageError
from mediaml.core.media import Kind
from mediaml.core.text import counted, escape_control
from mediaml.core.work import Source
from mediaml.media.sniff import sniff_kind
from mediaml.pipeline.inputs import Selection, scan
from mediaml.store.digest import sha256_of

_MOST_NAMED = 5
_LAYOUT = "Make one folder per class below it, or a CSV file with the columns path and label."


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled file.

    Attributes:
        path: absolute. shown: as the user would type it.
        label: name of its class, whatever characters it has.
        kind: what it is.
    """

    path: Path
    shown: str
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a training or of a measurement.

    Attributes:
        items: in a stable order. classes: names, sorted.
        kind: `AUDIO`, else `IMAGE` for images and videos.
        notes: what was left out, one short sentence each.
    """

    items: tuple[Example, ...]
    classes: tuple[str, ...]
    kind: Kind
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Files per class."""
        found = Counter(item.label for item in self.items)
        return {name: found[name] for name in self.classes}


def collect(place: Path, *, most: int = 0, seed: int = 0, omit: Path | None = None) -> Examples:
    """The examples of a folder or of a CSV file.

    Args:
        place: the folder or file. most: examples that are taken at most, the same share of each class; 0 for
            all. seed: of that choice. omit: a folder that is not entered.

    Raises:
        UsageError: there is none, a class is empty, or images and audio are mixed.
    """
    if place.is_dir():
        found, notes = _of_folder(place, omit)
    elif place.is_file():
        found, notes = _of_table(place), []
    else:
        raise UsageError(f"there is no folder or CSV file {place}.", _LAYOUT)
    found = sorted(set(found))
    if most and len(found) > most:
        total, found = len(found), _thinned(found, most, seed)
        notes.append(f"{len(found)} of {total} files are used, the same share of each class (--most 0: all)")
    items = [
        Example(Path(path), shown, label, kind)
        for path, shown, label in found
        if (kind := _kind(Path(path))) is not None
    ]
    if len(items) < len(found):
        notes.append(
            f"{counted(len(found) - len(items), 'file')} left out: no readable image, video or audio"
        )
    classes = tuple(sorted({label for _, _, label in found}))
    _refuse_empty(classes, items, place)
    return Examples(tuple(items), classes, _one_kind(items), tuple(notes))


_Found = tuple[str, str, str]
"""Absolute path, path as typed, label."""


def _of_folder(place: Path, omit: Path | None) -> tuple[list[_Found], list[str]]:
    """The files in the folders of a folder."""
    try:
        folders = sorted(child for child in place.iterdir() if child.is_dir() and child.name[0] != ".")
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if omit is not None:
        folders = [folder for folder in folders if folder.absolute() != omit.absolute()]
    if not folders:
        raise UsageError(f"{place} holds no folders, so there are no classes.", _LAYOUT)
    found = []
    for folder in folders:
        files = [(str(source.path), source.shown) for source in _scanned(folder)]
        if not files:
            raise UsageError(f"class {folder.name!r} is empty: {folder}.", "Put files in, or remove it.")
        found += [(path, shown, folder.name) for path, shown in files]
    loose = sum(child.is_file() and _kind(child) is not None for child in place.iterdir())
    beside = f"{counted(loose, 'file')} left out: not in the folder of a class"
    return found, [beside] if loose else []


def _scanned(folder: Path) -> Iterator[Source]:
    with suppress(NoInputsError):
        yield from scan(Selection((str(folder),)))


def _kind(path: Path) -> Kind | None:
    """What a file is; `None` also where it cannot be read."""
    try:
        return sniff_kind(path)
    except MediaError:
        return None


def _of_table(place: Path) -> list[_Found]:
    """The rows of a CSV file; paths are relative to it.

    Raises:
        UsageError: it is no such table, or a line lacks a path or a label.
    """
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{place} cannot be read: it is not UTF-8 text.", _LAYOUT) from error
    rows = csv.DictReader(text.splitlines())
    if not {"path", "label"} <= set(rows.fieldnames or ()):
        raise UsageError(f"{place} has no columns path and label.", "Its first line must be: path,label")
    found = []
    for row in rows:
        path, label = (row["path"] or "").strip(), (row["label"] or "").strip()
        if not path or not label:
            lacking = "label" if path else "path"
            raise UsageError(
                f"{place}, line {rows.line_num}: no {lacking}.", "Fill it in, or remove the line."
            )
        file = place.parent / path
        if not file.is_file():
            raise UsageError(f"{place}, line {rows.line_num}: there is no file {file}.", "Check the path.")
        found.append((os.path.abspath(file), file.as_posix(), label))  # noqa: PTH100  links stay
    if not found:
        raise UsageError(f"{place} has no rows.", _LAYOUT)
    return found


def _thinned(found: Sequence[_Found], most: int, seed: int) -> list[_Found]:
    """The same share of every class, two of each at least."""
    random = np.random.default_rng(seed)
    by_class: defaultdict[str, list[_Found]] = defaultdict(list)
    for one in found:
        by_class[one[2]].append(one)
    kept: list[_Found] = []
    for members in by_class.values():
        count = min(len(members), max(2, round(most * len(members) / len(found))))
        kept += [members[index] for index in random.choice(len(members), count, replace=False)]
    return sorted(kept)


def _refuse_empty(classes: Sequence[str], items: Iterable[Example], place: Path) -> None:
    counts = Counter(item.label for item in items)
    empty = [name for name in classes if not counts[name]]
    if empty:
        raise UsageError(f"class {empty[0]!r} has no image, video or audio.", "Put files in, or remove it.")
    if len(classes) == 1:
        raise UsageError(
            f"{place} has one class, {classes[0]!r}; two are needed.",
            "Add a folder with examples of everything else, such as `other`.",
        )
    few = [name for name in classes if counts[name] == 1]
    if few:
        raise UsageError(
            f"class {few[0]!r} has one file; two are the least, and 20 a good start.",
            "With fewer nothing can be measured.",
        )


def _one_kind(items: Sequence[Example]) -> Kind:
    audio = [item for item in items if item.kind is Kind.AUDIO]
    if audio and len(audio) < len(items):
        seen = next(item for item in items if item.kind is not Kind.AUDIO)
        raise UsageError(
            f"images or videos and audio are mixed: {seen.shown}, {audio[0].shown}.",
            "A model hears or sees: train one for each.",
        )
    return Kind.AUDIO if audio else Kind.IMAGE


def refuse_contradictions(items: Sequence[Example]) -> None:
    """Compare files of equal size by content.

    Raises:
        UsageError: the same file is in two classes.
    """
    by_size: defaultdict[int, list[Example]] = defaultdict(list)
    for item in items:
        by_size[item.path.stat().st_size].append(item)
    pairs = []
    for same in by_size.values():
        if len({item.label for item in same}) < 2:
            continue
        seen: dict[str, Example] = {}
        for item in same:
            first = seen.setdefault(sha256_of(item.path), item)
            if first.label != item.label:
                pairs.append(f"{first.shown} and {item.shown}")
    if pairs:
        more = ["…"] if len(pairs) > _MOST_NAMED else []
        named = "; ".join([*map(escape_control, pairs[:_MOST_NAMED]), *more])
        raise UsageError(
            f"{counted(len(pairs), 'file')} in two classes: {named}.",
            "Keep each in the class where it belongs.",
        )
