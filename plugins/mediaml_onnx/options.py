"""What a user can set with `-O classify.NAME=VALUE`, and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import Meta, view

Score = Annotated[
    float, Meta(ge=0, le=1, description="minimum score of a label", extra=view("min_score", floor=0.001))
]
Top = Annotated[
    int, Meta(ge=1, le=10_000, description="maximum labels per frame", extra=view("top", floor=20))
]
Classes = Annotated[
    tuple[str, ...],
    Meta(
        description='only these classes, among the 20 best: names or ids; quote names with commas: "a, b",c',
        extra=view("classes"),
    ),
]
Threshold = Annotated[
    float,
    Meta(
        ge=-1, le=1, description="minimum score of the best label, else a frame has none; -1: the model's own"
    ),
]


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    """Options of `classify`."""

    min_score: Score = 0.01
    top: Top = 5
    classes: Classes = ()
    threshold: Threshold = -1.0


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Options of `listen`."""

    min_score: Score = 0.1
    top: Top = 5
    classes: Classes = ()
    threshold: Threshold = -1.0


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """Options of `embed`."""

    unit: Annotated[bool, Meta(description="scale vectors to length 1")] = True
