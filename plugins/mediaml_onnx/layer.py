"""Descriptions in layers: each source says some fields, and the first that says a field counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_type_hints

from msgspec import ValidationError, convert

from mediaml.plugin import AudioInput, ClipInput, ImageInput, ModelError, suggestion

GUESS = "guess"
"""The origin of a layer that nothing says."""

Means = Literal["logits", "sigmoid", "probabilities", "embedding", "image"]
Pool = Literal["first", "mean"]
Values = Literal["0..1", "0..255", "-1..1"]


@dataclass(frozen=True, slots=True)
class OutputFields:
    """What a description says of an output; as `[output]` in the TOML.

    Attributes:
        name: which output of the graph.
        means: `logits`: softmax makes probabilities of them; `sigmoid`: logits of classes that do not exclude
            each other; `probabilities`: 0..1 as they are; `embedding`: a vector; `image`: an image.
        pool: of an embedding per token or per position: the `first` token, or the `mean`.
        values: of an image: the range of its values.
        threshold: where the best class has a lower probability, a frame has no label: none of the classes.
    """

    name: str = ""
    means: Means = "logits"
    pool: Pool = "first"
    values: Values = "0..1"
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class ImageFields:
    """What a description says of an image beside the fields of `ImageInput`.

    Attributes:
        crop_pct: the image is fitted to the input's size divided by this, and the middle is cut out.
    """

    crop_pct: float = 1.0


FIELDS: Mapping[str, Mapping[str, Any]] = {
    "image": get_type_hints(ImageInput) | get_type_hints(ImageFields),
    "audio": get_type_hints(AudioInput),
    "clip": {name: kind for name, kind in get_type_hints(ClipInput).items() if name != "image"},
    "output": get_type_hints(OutputFields),
}
"""The fields of each table, with their types."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says.

    Attributes:
        origin: for messages: `yamnet.toml`, `metadata`, `config.json`, `the graph`.
        image, audio, clip, output: fields by name; see `FIELDS`.
        labels: class names, in the order of the scores.
        reason: why it is said, where the layer is a guess; empty where it is known.
    """

    origin: str
    image: Mapping[str, Any] = field(default_factory=dict)
    audio: Mapping[str, Any] = field(default_factory=dict)
    clip: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The value of a field, and the layer that says it; `None` for a default."""

    value: Any
    layer: Layer | None


def merged(layers: Iterable[Layer], table: str) -> dict[str, Said]:
    """The fields of a table that any layer says; the first layer that says one counts."""
    said: dict[str, Said] = {}
    for layer in layers:
        for name, value in getattr(layer, table).items():
            said.setdefault(name, Said(value, layer))
    return said


def with_defaults(said: Mapping[str, Said], record: type) -> dict[str, Said]:
    """What is said, in the order of a record's fields, and the defaults of the others."""
    return {one.name: said.get(one.name, Said(one.default, None)) for one in fields(record)}


def checked(table: str, name: str, value: Any, where: str) -> Any:
    """A field's value in its type.

    Args:
        where: names the place in errors: `yamnet.toml, line 3`.

    Raises:
        ModelError: there is no such field, or the value is not of its type.
    """
    known = FIELDS[table]
    if name not in known:
        near = suggestion(name, known) or f"Its fields: {', '.join(known)}."
        raise ModelError(f"{where}: [{table}] has no field {name!r}.", near)
    choices = get_args(known[name])
    if all(isinstance(choice, str) for choice in choices) and choices and value not in choices:
        near = suggestion(str(value), choices) or f"One of: {', '.join(choices)}."
        raise ModelError(f"{where}: {table}.{name} cannot be {value!r}.", near)
    try:
        return convert(value, known[name])
    except ValidationError as error:
        raise ModelError(f"{where}: {table}.{name}: {error}", "See docs/bring-your-own.md.") from error
