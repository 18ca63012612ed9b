"""A description in the ONNX metadata: `mediaml.input`, `mediaml.clip` and `mediaml.output`, JSON objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mediaml.plugin import GraphFacts, ModelError
from mediaml_onnx.layer import Layer, checked

INPUT, CLIP, OUTPUT = "mediaml.input", "mediaml.clip", "mediaml.output"
# Of `mediaml.input`, beside the fields of `ImageInput` and `AudioInput`.
_OTHERS = {"type", "stride"}


def metadata_layer(facts: GraphFacts) -> Layer:
    """What the metadata says.

    Raises:
        ModelError: it is no JSON object, or has a field that there is not.
    """
    said = _object(facts.metadata, INPUT)
    audio = said.get("type") in {"audio", "sound"} or (said.get("type") is None and "sample_rate" in said)
    table = "audio" if audio else "image"
    fields = {
        name: checked(table, name, value, f"{facts.path.name}, metadata {INPUT}")
        for name, value in said.items()
        if name not in _OTHERS
    }
    clip, output = _fields(facts, "clip", CLIP), _fields(facts, "output", OUTPUT)
    if audio:
        return Layer("metadata", audio=fields, output=output)
    return Layer("metadata", image=fields, clip=clip, output=output)


def _fields(facts: GraphFacts, table: str, key: str) -> dict[str, Any]:
    """The fields of a table, which a key of the metadata has by themselves."""
    where = f"{facts.path.name}, metadata {key}"
    return {name: checked(table, name, value, where) for name, value in _object(facts.metadata, key).items()}


def _object(metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    if key not in metadata:
        return {}
    try:
        said = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        hint = "Describe the model in FILE.toml, or write the metadata again."
        raise ModelError(f"the metadata {key} is not JSON: {error}", hint) from error
    return said if isinstance(said, dict) else {}
