"""The class names of a model: in its metadata, in a list beside its file, or a known list of that length.

A list beside the file also corrects metadata that names more or fewer classes than the graph has.

Lists beside `FILE.onnx`, in this order: `FILE.names` and `labels.txt` (one name per line), `data.yaml`
(`names` of ultralytics' data sets) and `config.json` (`id2label` of Hugging Face).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.errors import ModelError
from mediaml.onnx.metadata import read_labels

LIST_BYTES_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True)
class FoundLabels:
    """Class names and where they were found.

    Attributes:
        names: in the order of the scores.
        origin: for messages, such as `metadata`, `labels.txt` or `COCO`.
        assumed: whether only their number speaks for them: the user is to be told.
    """

    names: tuple[str, ...]
    origin: str
    assumed: bool = False


def find_labels(
    path: Path | None,
    metadata: Mapping[str, str],
    count: int | None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> FoundLabels | None:
    """The class names of a model; `None` where nothing says them.

    Args:
        path: of the ONNX file; `None` where it is not a file.
        metadata: of the ONNX file.
        count: number of classes that the graph has; `None` where it does not say.
        known: lists that are assumed where one has exactly `count` names, by what they are called.

    Raises:
        ModelError: a list has another number of names than the graph has classes, or cannot be read.
    """
    names = read_labels(metadata)
    found = FoundLabels(names, "metadata") if names is not None else None
    if found is None or (count is not None and len(found.names) != count):
        # Metadata that does not fit is the exporter's mistake: a list beside the file corrects it.
        found = _beside(path) or found
    if found is not None and count is not None and len(found.names) != count:
        name = path.name if path else "the model"
        write = f" or write them into {path.with_suffix('.names').name}" if path else ""
        noted = found.origin == "metadata"
        where = f"its {found.origin}" if noted else f"{found.origin} beside it"
        raise ModelError(
            f"{name} has {count} classes, but {where} names {len(found.names)}.",
            f"Export it with the names of its classes{write}, one per line."
            if noted
            else f"Correct that list{write}, one per line.",
        )
    if found is None:
        fitting = [(origin, listed) for origin, listed in (known or {}).items() if len(listed) == count]
        found = FoundLabels(tuple(fitting[0][1]), fitting[0][0], assumed=True) if fitting else None
    return found


def label_lists(path: Path) -> tuple[Path, ...]:
    """The files beside an ONNX file that may hold its class names, the preferred one first."""
    return (path.with_suffix(".names"), *(path.parent / name for name in _READERS))


def _beside(path: Path | None) -> FoundLabels | None:
    for listed in label_lists(path) if path else ():
        if not listed.is_file():
            continue
        names = _READERS.get(listed.name, _lines)(_text(listed), str(listed))
        if names:
            return FoundLabels(names, listed.name)
    return None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LIST_BYTES_LIMIT:
            raise ModelError(f"{path} is too large for a list of names.", "Put one name on each line.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", "It must be UTF-8 text.") from error


def _lines(text: str, _name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _yaml_names(text: str, name: str) -> tuple[str, ...]:
    """`names` of a data set's YAML, a list or a mapping from ids; nothing where it has none."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelError(
            f"{name} is not YAML: {' '.join(str(error).split())}", "Correct the file."
        ) from error
    return _ordered(content.get("names") if isinstance(content, dict) else None, name)


def _json_names(text: str, name: str) -> tuple[str, ...]:
    """`id2label` of a Hugging Face `config.json`; nothing where it has none."""
    try:
        content = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ModelError(f"{name} is not JSON: {error}", "Correct the file.") from error
    return _ordered(content.get("id2label") if isinstance(content, dict) else None, name)


def _ordered(names: Any, where: str) -> tuple[str, ...]:
    """Names in the order of their ids, from a list or a mapping from ids to names."""
    if names is None:
        return ()
    if isinstance(names, dict):
        by_id = {str(key): value for key, value in names.items()}
        names = [by_id.get(str(index)) for index in range(len(by_id))]
    if not isinstance(names, list) or not all(isinstance(name, str | int | float) for name in names):
        raise ModelError(f"the names in {where} are not numbered from 0.", "List every class once.")
    return tuple(map(str, names))


_READERS: Mapping[str, Callable[[str, str], tuple[str, ...]]] = {
    "labels.txt": _lines,
    "data.yaml": _yaml_names,
    "config.json": _json_names,
}
