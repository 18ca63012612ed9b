"""Paths as typed or listed: list files, `~`, and paths of other systems."""

from __future__ import annotations

import codecs
import os
import re

from mediaml.core.text import escape_control

_WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def read_list(data: bytes) -> tuple[str, ...]:
    """Paths of a list file: one per line, or each ended by a zero byte, as `find -print0` writes them.

    Among lines, blank ones and those that begin with `#` do not count; `./#x` names a file `#x`. A byte order
    mark and Windows line ends are not part of a path.

    Raises:
        UnicodeDecodeError: the file begins like UTF-16, but is not.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell's `>` writes it
        data = data.decode("utf-16").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        return tuple(os.fsdecode(path) for path in data.split(b"\0") if path)
    lines = (line.removesuffix(b"\r") for line in data.split(b"\n"))
    return tuple(os.fsdecode(line) for line in lines if line.strip() and not line.lstrip().startswith(b"#"))


def expand_home(argument: str) -> str:
    """A path or pattern whose `~` the shell has left as it was: within quotes, or from a list."""
    if not argument.startswith("~") or os.path.lexists(argument):
        return argument
    return os.path.expanduser(argument)  # noqa: PTH111  it may be a pattern


def hint_for(argument: str) -> str:
    """A hint for a path that does not exist, one sentence."""
    slashed = argument.replace("\\", "/")
    candidates = [argument.strip(), slashed]
    is_windows = _WINDOWS_PATH.match(argument) is not None and os.name != "nt"
    if is_windows and slashed[1] == ":":
        candidates.append(f"/mnt/{argument[0].lower()}{slashed[2:]}")  # where WSL has the drives
    for candidate in candidates:
        if candidate != argument and os.path.lexists(candidate):
            return f"Did you mean {escape_control(candidate)}?"
    if is_windows:
        return "This is a Windows path. Separate folders by /; WSL has the drive C: under /mnt/c."
    if argument.startswith("~"):
        return f"There is no user {escape_control(slashed.partition('/')[0])}; write the path in full."
    return "Check the path."
