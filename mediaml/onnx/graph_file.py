"""An ONNX file on its way into a session: read, checked and summed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mediaml.core.errors import ModelError
from mediaml.onnx.formats import foreign_format
from mediaml.onnx.model_file import model_bytes, model_digest, uses_external_data


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A model as ONNX Runtime opens it.

    Attributes:
        name: how errors call it: its path, or "the model" if it was given as bytes.
        path: of the file; `None` if it was given as bytes.
        source: its content; or its path, where the weights are in other files beside it.
        sha256: see `model_file.model_digest`.
    """

    name: str
    path: Path | None
    source: bytes | str = field(repr=False)
    sha256: str

    @property
    def shown(self) -> str:
        """Its file's name, for a line about it."""
        return self.name if self.path is None else self.path.name


def read_graph(path: Path | bytes) -> GraphFile:
    """Read an `.onnx` file, or take its content.

    Raises:
        ModelError: the file is missing, too large, of another format, or its external data is not beside it.
    """
    if isinstance(path, bytes):
        uses_external_data(path, None, "the model")
        return GraphFile("the model", None, path, model_digest(path))
    foreign = foreign_format(path)
    if foreign is not None:
        raise ModelError(f"{path} is {foreign[0]}, not an ONNX model.", foreign[1])
    content = model_bytes(path)
    external = uses_external_data(content, path.parent, str(path))
    return GraphFile(str(path), path, str(path) if external else content, model_digest(content, external))
