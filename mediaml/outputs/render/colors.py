"""Colours of labels from a file."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from mediaml.core.errors import UsageError
from mediaml.ops.yuv import Rgb

_COLOR = re.compile(r"#?([0-9a-fA-F]{6})")


def read_colors(path: Path) -> tuple[tuple[str, Rgb], ...]:
    """The colours in a file of JSON (`.json`) or else TOML: a table from label to `"#rrggbb"`.

    Raises:
        UsageError: it cannot be read, or an entry is no colour.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"the colours in {path} cannot be read: {reason}.") from error
    if not isinstance(table, dict):
        raise UsageError(f"{path} holds no table of labels.", 'For example: person = "#ff0080"')
    return tuple((str(label), _color(path, label, value)) for label, value in table.items())


def _color(path: Path, label: str, value: object) -> Rgb:
    match = _COLOR.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UsageError(f"{path}: {label!r} has no colour: {value!r}.", 'For example: person = "#ff0080"')
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue
