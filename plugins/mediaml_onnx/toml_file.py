"""`FILE.toml`: a description that a user writes or edits."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from mediaml.plugin import ModelError, suggestion
from mediaml_onnx.layer import FIELDS, Layer, checked

BYTES_LIMIT = 4 << 20
_TOP = ("labels", *FIELDS)


def toml_path(weights: Path) -> Path:
    """Where the description of a model file lies."""
    return weights.with_suffix(".toml")


def read_toml(path: Path) -> Layer:
    """A description.

    Raises:
        ModelError: it cannot be read, or says something that it cannot say; with file, line and field.
    """
    try:
        if path.stat().st_size > BYTES_LIMIT:
            raise ModelError(f"{path} is too large for a description.", "Put its labels into labels.txt.")
        text = path.read_text(encoding="utf-8-sig")
        said = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {_why(error)}.", "It must be UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path} is not TOML: {error}", "Texts stand in quotes.") from error
    tables: dict[str, dict[str, Any]] = {}
    for key, value in said.items():
        where = f"{path}, line {_line(text, key)}"
        if key not in _TOP:
            raise ModelError(f"{where}: there is no {key!r}.", suggestion(key, _TOP) or _stray(key))
        if key == "labels":
            continue
        if not isinstance(value, dict):
            raise ModelError(f"{where}: {key} is a table.", f"Write [{key}] above its fields.")
        tables[key] = {
            name: checked(key, name, one, f"{path}, line {_line(text, name)}") for name, one in value.items()
        }
    return Layer(
        path.name,
        image=tables.get("image", {}),
        audio=tables.get("audio", {}),
        clip=tables.get("clip", {}),
        output=tables.get("output", {}),
        labels=_labels(said["labels"], path, text) if "labels" in said else None,
    )


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"


def _line(text: str, key: str) -> int:
    """The line in which a key is set, or a table begins; 1 where that is written in another way."""
    found = re.search(rf"^[ \t]*\[?[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[=\]]", text, flags=re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _stray(key: str) -> str:
    """A hint for a field that stands outside its table."""
    owners = [f"[{table}]" for table, fields in FIELDS.items() if key in fields]
    return f"It belongs below {' or '.join(owners)}." if owners else f"It can say: {', '.join(_TOP)}."


def _labels(said: Any, path: Path, text: str) -> tuple[str, ...]:
    """A list of names, or the names in a file beside the description, one per line."""
    where = f"{path}, line {_line(text, 'labels')}"
    if isinstance(said, list) and said and all(isinstance(name, str) for name in said):
        return tuple(said)
    if not isinstance(said, str):
        raise ModelError(
            f"{where}: labels are a list of names, or the name of a file.", 'For example: labels = ["a", "b"]'
        )
    if Path(said).is_absolute() or ".." in Path(said).parts:
        raise ModelError(f"{where}: {said} does not lie beside the description.", "Put the list beside it.")
    file = path.parent / said
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{where}: the labels in {file} cannot be read: {_why(error)}.", "Check it."
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


def labels_file(path: Path) -> Path | None:
    """The file that a description takes its labels from; `None` where there is none."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("labels")
    except (OSError, ValueError):
        return None
    return path.parent / said if isinstance(said, str) and (path.parent / said).is_file() else None
