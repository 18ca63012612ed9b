"""The metadata of an ONNX file: labels, input, origin.

Keys of mediaml, all values strings: `mediaml.interface` ("detector/1", "classifier/1"), `mediaml.labels`
(JSON list of class names), `mediaml.input` (JSON of `ImageInput` or `AudioInput`, plus `type` and `stride`),
`mediaml.clip` (JSON of the fields of `ClipInput` beside `image`, which `mediaml.input` says),
`mediaml.anchors`, `mediaml.name`, `mediaml.source`. Ultralytics' `names` is read as well.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mediaml.core.audio_input import AudioInput
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import ModelError
from mediaml.core.model_input import ImageInput

if TYPE_CHECKING:
    import onnx

_Value = TypeVar("_Value")
_Input = TypeVar("_Input", ImageInput, AudioInput)

INTERFACE = "mediaml.interface"
LABELS = "mediaml.labels"
INPUT = "mediaml.input"
CLIP = "mediaml.clip"
ANCHORS = "mediaml.anchors"
NAME = "mediaml.name"
SOURCE = "mediaml.source"

NAMES_LIMIT = 1_000_000
"""Characters of ultralytics' `names` beyond which it is not parsed; 20 000 class names need half of it."""


class InputFacts(msgspec.Struct, frozen=True):
    """The keys of `mediaml.input` beside the fields of `ImageInput` and `AudioInput`."""

    type: str | None = None
    stride: int | None = None
    sample_rate: int | None = None


def read_labels(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Class names in the order of the scores; `None` where the file does not say.

    Raises:
        ModelError: `mediaml.labels` is not a JSON list of strings.
    """
    if LABELS in metadata:
        return tuple(_decoded(metadata, LABELS, list[str]))
    return _ultralytics_names(metadata.get("names"))


def read_image_input(metadata: Mapping[str, str]) -> ImageInput | None:
    """How the model takes images; `None` where the file does not say, or takes audio.

    Raises:
        ModelError: `mediaml.input` cannot be read.
    """
    return _read_input(metadata, ImageInput)


def read_audio_input(metadata: Mapping[str, str]) -> AudioInput | None:
    """How the model takes audio; `None` where the file does not say, or takes images.

    Raises:
        ModelError: `mediaml.input` cannot be read.
    """
    return _read_input(metadata, AudioInput)


def read_clip_input(metadata: Mapping[str, str]) -> ClipInput | None:
    """How the model takes clips; `None` where the file does not say.

    Raises:
        ModelError: `mediaml.clip` or `mediaml.input` cannot be read, or do not make sense.
    """
    image = read_image_input(metadata) if CLIP in metadata else None
    if image is None:
        return None
    said = _decoded(metadata, CLIP, dict[str, object])
    try:
        return msgspec.convert({**said, "image": msgspec.to_builtins(image)}, ClipInput)
    except msgspec.ValidationError as error:
        raise ModelError(f"the model's metadata `{CLIP}` is wrong: {error}", "Write it again.") from error


def read_stride(metadata: Mapping[str, str]) -> int | None:
    """Pixels of which the input's width and height must be multiples; `None` where the file does not say.

    Raises:
        ModelError: `mediaml.input` cannot be read.
    """
    facts = _input_facts(metadata)
    return None if facts is None else facts.stride


def set_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> None:
    """Replace a graph's metadata by `metadata`, keys in the given order."""
    del model.metadata_props[:]
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)


def _read_input(metadata: Mapping[str, str], wanted: type[_Input]) -> _Input | None:
    """The input, where it has the wanted type."""
    facts = _input_facts(metadata)
    if facts is None or _wants_audio(facts) != (wanted is AudioInput):
        return None
    return _decoded(metadata, INPUT, wanted)


def _input_facts(metadata: Mapping[str, str]) -> InputFacts | None:
    return _decoded(metadata, INPUT, InputFacts) if INPUT in metadata else None


def _wants_audio(facts: InputFacts) -> bool:
    return facts.type in {"audio", "sound"} or (facts.type is None and facts.sample_rate is not None)


def _ultralytics_names(text: str | None) -> tuple[str, ...] | None:
    """Names that ultralytics exports: the text of a dict {0: 'person', ...} or a list; else `None`."""
    if text is None or len(text) > NAMES_LIMIT:
        return None
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(names, dict) and set(names) == set(range(len(names))):
        names = [names[index] for index in range(len(names))]
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return tuple(names)
    return None


def _decoded(metadata: Mapping[str, str], key: str, wanted: type[_Value]) -> _Value:
    """The JSON of a key that is there.

    Raises:
        ModelError: it is not of the type that is wanted.
    """
    try:
        return msgspec.json.decode(metadata[key], type=wanted)
    except msgspec.DecodeError as error:
        raise ModelError(
            f"the model's metadata `{key}` cannot be read: {error}",
            "Export the model again, or write this metadata as docs/darknet.md describes it.",
        ) from error
