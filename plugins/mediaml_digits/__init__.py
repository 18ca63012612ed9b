"""Handwritten and printed digits: which digit an image shows, or every digit on a page in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import LoadContext, Meta, Model, ModelSpec, hookimpl, view


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the digits model."""

    find: Annotated[bool, Meta(description="find every digit on a page, boxes in reading order")] = False
    # On a page, non-digits count against their neighbours, so there the score does more than select.
    min_score: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="minimum score of a label or detection",
            extra=view("min_score", floor=0.05, unless="find"),
        ),
    ] = 0.5
    top: Annotated[
        int, Meta(ge=1, le=11, description="maximum labels per image", extra=view("top", floor=11))
    ] = 1


def load(context: LoadContext) -> Model:
    """Open the model; OpenCV and the rest come in only now."""
    from mediaml_digits.model import Digits

    return Digits(context)


@hookimpl
def mediaml_models() -> Iterator[ModelSpec]:
    """Offer `digits`: labels 0 to 9 and `not a digit`."""
    yield ModelSpec(
        "digits",
        task="classify",
        load=load,
        options=Options,
        weights="digits",
        description="digits 0 to 9 of any size, pen and light, or `not a digit`; find=true reads pages",
    )
