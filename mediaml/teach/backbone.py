"""The frozen network that a training takes its features from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaml.app.environment import open_store
from mediaml.core.errors import ModelError
from mediaml.core.media import Kind
from mediaml.pipeline.model_files import find_weights
from mediaml.pipeline.weights import obtain_weights
from mediaml.registry.entry_points import Registry, load_registry
from mediaml.registry.spec import ModelSpec, Reading
from mediaml.teach.audio_backbone import AUDIO_DEFAULT, write_audio_backbone

if TYPE_CHECKING:
    from mediaml.store.watcher import Watcher

DEFAULT = "backbone"
"""The bundled model that images are described with."""
_VISION = ("vision_model.onnx", "visual.onnx", "image.onnx", "vision_model_quantized.onnx")


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network whose output is a vector.

    Attributes:
        path: the ONNX file. name: what the user typed, or `backbone`.
        model: the model of a run that makes the vectors: `embed`, or `listen` for audio.
        input: the fields of `mediaml.input` that the trained model needs too.
        output: name of the output that is the vector. pool: how one vector is made of several.
    """

    path: Path
    name: str
    model: str
    input: Mapping[str, Any]
    output: str
    pool: str


def find_backbone(name: str, kind: Kind, work: Path, watcher: Watcher, *, offline: bool) -> Backbone:
    """The backbone of that name, or of that file.

    Args:
        name: a bundled model, one of the catalogue (`clip-vit-b32`), or an ONNX file; empty for the default.
        kind: `AUDIO` for a network that hears. work: a folder for the default one of audio.

    Raises:
        ModelError: it is not here, or is no network that gives one vector for an image or for audio.
    """
    registry = load_registry()
    model = "listen" if kind is Kind.AUDIO else "embed"
    if not name and kind is Kind.AUDIO:
        path = write_audio_backbone(work / f"{AUDIO_DEFAULT}.onnx")
        return described(path, AUDIO_DEFAULT, registry.find(model).spec)
    name = name or DEFAULT
    path = _file(name, registry, model, watcher, offline=offline)
    return described(path, name, registry.find(model).spec)


def described(path: Path, name: str, spec: ModelSpec) -> Backbone:
    """How a model reads an ONNX file as a backbone.

    Raises:
        ModelError: the file gives no vectors.
    """
    reading = _reading(path, spec)
    said = tomllib.loads(reading.description) if reading is not None else {}
    output = said.get("output", {})
    if reading is None or output.get("means") != "embedding":
        takes = "audio" if spec.name == "listen" else "an image"
        raise ModelError(
            f"{name} is no backbone: it does not turn {takes} into a vector.",
            f"`mediaml models describe {path}` shows what it is; docs/train.md names some that do.",
        )
    table = "audio" if spec.name == "listen" else "image"
    fields = {"type": table, **said.get(table, {})}
    return Backbone(path, name, spec.name, fields, str(output["name"]), str(output.get("pool", "first")))


def _reading(path: Path, spec: ModelSpec) -> Reading | None:
    from mediaml.onnx.inspect import graph_facts

    assert spec.read_graph is not None
    return next(iter(spec.read_graph(graph_facts(path))), None)


def _file(name: str, registry: Registry, model: str, watcher: Watcher, *, offline: bool) -> Path:
    """The ONNX file; of a folder with several towers, the one that sees."""
    obtain = partial(obtain_weights, open_store(watcher, registry, offline=offline))
    path = find_weights(registry.find(model), Path(name), obtain)
    assert path is not None
    if not path.is_dir():
        return path
    towers = [path / below / tower for tower in _VISION for below in ("", "onnx")]
    found = next((tower for tower in towers if tower.is_file()), None)
    if found is None:
        raise ModelError(f"the folder {path} holds no image tower.", "Name the ONNX file itself.")
    return found
