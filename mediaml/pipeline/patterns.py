"""Shell patterns against names and paths: what is included, what is left out, and what `**` stands for."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ANY_FOLDERS = "\ue000"  # a private-use character: it stands for `**/` while a pattern is translated


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which `frame2` comes before `frame10`; letter case counts last."""
    folded = [
        (1, int(part), "") if part.isdecimal() else (0, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
    ]
    return [*folded, (0, 0, name)]


def path_key(shown: str) -> list[tuple[int, list[tuple[int, int, str]]]]:
    """The key of a path under which a scan meets it: files before folders, `frame2` before `frame10`."""
    *folders, name = shown.split("/")
    return [*((1, natural_key(folder)) for folder in folders), (0, natural_key(name))]


@dataclass(frozen=True, slots=True)
class Filter:
    """What of a folder is wanted, by name.

    A pattern is held against the name of a file or folder, its path below the folder that was named, and its
    absolute path. `*` stands for any characters, `**/` for any folders or none.

    Attributes:
        include: what a file must match; `None` where every file does.
        exclude: what no file may match. exclude_folder: what no folder may match that is entered.
    """

    include: re.Pattern[str] | None
    exclude: re.Pattern[str] | None
    exclude_folder: re.Pattern[str] | None

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> Filter:
        """The filter that was typed; paths in it are relative to the working folder.

        A pattern of `exclude` that ends in `/` is for folders only.
        """
        typed = [form for pattern in exclude for form in _forms(pattern)]
        files = [pattern for pattern in typed if not pattern.endswith("/")]
        folders = [pattern.removesuffix("/**").rstrip("/") for pattern in typed]
        return cls(
            _any_of(form for pattern in include for form in _forms(pattern)), _any_of(files), _any_of(folders)
        )

    def takes_file(self, *forms: str) -> bool:
        """Whether a file is wanted; `forms`: its name, its path below the folder, its absolute path."""
        if self.include is not None and not any(map(self.include.match, forms)):
            return False
        return self.exclude is None or not any(map(self.exclude.match, forms))

    def takes_folder(self, *forms: str) -> bool:
        """Whether a folder is entered; `forms` as for a file."""
        return self.exclude_folder is None or not any(map(self.exclude_folder.match, forms))


def _forms(pattern: str) -> Iterator[str]:
    """A pattern without `./`, `..` and `~`; where it is a relative path, the absolute one as well."""
    if not pattern.strip("/"):
        return
    only_folders = "/" if pattern.endswith("/") else ""
    plain = os.path.normpath(os.path.expanduser(pattern))  # noqa: PTH111  a pattern, no path
    if not plain.startswith(".."):
        yield plain + only_folders
    if os.sep in plain and not os.path.isabs(plain):  # noqa: PTH117
        here = glob.escape(os.getcwd())  # noqa: PTH109
        yield os.path.normpath(f"{here}/{plain}") + only_folders


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    translated = [_translated(pattern) for pattern in patterns if pattern]
    return re.compile("|".join(translated)) if translated else None


def _translated(pattern: str) -> str:
    marked = re.sub(r"(?:(?<=/)|\A)(?:\*\*/)+", _ANY_FOLDERS, pattern)
    return fnmatch.translate(marked).replace(_ANY_FOLDERS, "(?:.*/)?")


def split_at_any_folders(pattern: str, *, recursive: bool) -> tuple[str, re.Pattern[str]] | None:
    """Split a pattern at its first `**`: what stands before it, and what paths below that have to match.

    `None` for a pattern without a `**` of its own between slashes. A match has the group `hit` for the file
    or folder that the pattern names, and `below` for the rest of the path where that is a folder. As in a
    shell, a name that begins with a dot is met only by a part that does.

    Args:
        pattern: as typed.
        recursive: a folder that is hit stands for all files below it, else for those directly in it.
    """
    parts = pattern.split("/")
    if "**" not in parts:
        return None
    at = parts.index("**")
    before = "/".join(parts[:at]) or ("/" if at else ".")
    below = [part for part in parts[at:] if part not in ("", ".")]
    folders = (r"(?:(?!\.)[^/]+/)*?" if part == "**" else f"{_name_regex(part)}/" for part in below[:-1])
    last = r"(?!\.)[^/]+" if below[-1] == "**" else _name_regex(below[-1])
    rest = rf"(?:/(?!\.)[^/]+){'*' if recursive else '?'}"
    return before, re.compile(rf"(?s:(?P<hit>{''.join(folders)}{last})(?P<below>{rest}))\Z")


def _name_regex(part: str) -> str:
    """A regex for one name of a path."""
    hidden = "" if part.startswith(".") else r"(?!\.)"
    plain_and_magic = re.split(r"(\*+|\?|\[!?\]?[^\]]*\])", part)
    pieces = [_magic_regex(piece) if at % 2 else re.escape(piece) for at, piece in enumerate(plain_and_magic)]
    return hidden + "".join(pieces)


def _magic_regex(piece: str) -> str:
    if piece[0] == "[":
        return fnmatch.translate(piece).removesuffix(r"\Z").removesuffix(r"\z")
    return "[^/]*" if piece[0] == "*" else "[^/]"
