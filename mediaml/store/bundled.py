"""The ONNX files that ship with mediaml, each with its card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from mediaml.core.errors import ModelError

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_folder() -> Path:
    """Where `exported_models` is: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "exported_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "exported_models"


def bundled_names() -> Iterator[str]:
    """Names of the bundled models, sorted."""
    yield from sorted(path.stem for path in bundled_folder().glob("*.onnx"))


def bundled_model(name: str) -> Path:
    """The ONNX file of a bundled model.

    Raises:
        ModelError: no model of that name ships with mediaml.
    """
    path = bundled_folder() / f"{name}.onnx"
    if not path.is_file():
        has = ", ".join(bundled_names()) or "none"
        raise ModelError(
            f"no model {name!r} ships with this mediaml (bundled: {has}).", "Name an ONNX file with -m PATH."
        )
    return path


def bundled_card(name: str) -> dict[str, Any]:
    """The card of a bundled model; empty where it has none.

    Raises:
        ModelError: the card is not JSON.
    """
    path = bundled_folder() / f"{name}.json"
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ModelError(f"the card {path.name} is not readable: {error}.", "Reinstall mediaml.") from error
