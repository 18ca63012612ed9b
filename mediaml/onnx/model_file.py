"""ONNX files as untrusted bytes: size, external data, and digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from mediaml.core.errors import ModelError
from mediaml.onnx.formats import foreign_content

if TYPE_CHECKING:
    from onnx import ModelProto

MODEL_BYTES_LIMIT = 2**31 - 1
"""Bytes of the largest ONNX file: protobuf's own limit on one message."""


def model_bytes(path: Path) -> bytes:
    """The content of a model file.

    Raises:
        ModelError: there is no such file, it cannot be read, is empty, of another format, or larger than an
            ONNX file can be.
    """
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder, not an ONNX model", "Name the .onnx file itself.")
        size = path.stat().st_size
        if size > MODEL_BYTES_LIMIT:
            raise ModelError(f"{path} has {size} bytes; an ONNX file has {MODEL_BYTES_LIMIT} at most")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"there is no model file {path}", "Check the path.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from error
    if not content:
        raise ModelError(f"{path} is empty, not an ONNX model", "Export or download it again.")
    if foreign := foreign_content(content):
        raise ModelError(f"{path} is {foreign[0]}, not an ONNX model.", foreign[1])
    return content


def uses_external_data(content: bytes, folder: Path | None, name: str) -> tuple[Path, ...]:
    """The files beside the model that hold its weights; none in most models.

    Args:
        content: of the ONNX file.
        folder: of the ONNX file; `None` if it is not a file.
        name: the name of the model in errors.

    Raises:
        ModelError: the external data is not beside the model, or is missing.
    """
    # Every entry of external data carries the key "location": without it there is no need to parse the file.
    if b"location" not in content:
        return ()
    files = []
    for location in sorted(set(_locations(parse_model(content, name)))):
        if folder is None:
            raise ModelError(f"{name} keeps weights in {location!r}, so that it must be opened by its path")
        target = folder / location
        inside = _is_plain(location) and target.resolve().is_relative_to(folder.resolve())
        if not inside:
            raise ModelError(
                f"{name} reads weights from {location!r}, which is not beside it",
                "Save the model with its weights inside, if you trust its origin.",
            )
        if not target.is_file():
            raise ModelError(
                f"{name} needs its weights in {target}, which is missing", "Put that file there."
            )
        files.append(target)
    return tuple(files)


def model_digest(content: bytes, external: tuple[Path, ...] = ()) -> str:
    """Hex sha256 of the ONNX file; with external data, of the ONNX file followed by those files' contents."""
    digest = hashlib.sha256(content)
    for path in external:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def parse_model(content: bytes, name: str) -> ModelProto:
    """The content of an ONNX file as a message; raises `ModelError` where it is none."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise _no_model(name) from error
    # Protobuf takes some texts for messages of unknown fields.
    if not model.graph.node or model.ir_version < 1:
        raise _no_model(name)
    return model


def file_digest(path: Path) -> str:
    """Hex sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_model(name: str) -> ModelError:
    return ModelError(f"{name} is not an ONNX model", "Export or download it again.")


def _is_plain(location: str) -> bool:
    """Whether a location is relative and never climbs, by the rules of every system."""
    parts = (*PurePosixPath(location).parts, *PureWindowsPath(location).parts)
    absolute = PurePosixPath(location).is_absolute() or bool(PureWindowsPath(location).anchor)
    return not absolute and ".." not in parts


def _locations(message: Any) -> Iterator[str]:
    """Locations of external data anywhere in a protobuf message: graphs nest, attributes hold tensors."""
    from onnx import TensorProto

    if isinstance(message, TensorProto):
        yield from (entry.value for entry in message.external_data if entry.key == "location")
        return
    for _, value in message.ListFields():
        if isinstance(value, str | bytes | int | float):
            continue
        for item in [value] if hasattr(value, "ListFields") else value:
            if not hasattr(item, "ListFields"):
                break
            yield from _locations(item)
