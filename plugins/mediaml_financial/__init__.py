"""Financial images: does an image show charts, tables or receipts, or is it an ordinary image?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import LoadContext, Meta, Model, ModelSpec, hookimpl, view


@dataclass(frozen=True, slots=True)
class FinancialOptions:
    """The options of `financial`."""

    threshold: Annotated[
        float, Meta(ge=0, le=1, description='minimum probability for the label "financial"')
    ] = 0.5
    top: Annotated[
        int,
        Meta(
            ge=1,
            le=2,
            description="number of labels: 1 the answer, 2 also the other",
            extra=view("top", floor=2),
        ),
    ] = 1


def load(context: LoadContext) -> Model:
    """Open the model; what it needs is imported now."""
    from mediaml_financial.model import FinancialModel

    return FinancialModel(context)


@hookimpl
def mediaml_models() -> Iterable[ModelSpec]:
    """The one model of this plugin."""
    yield ModelSpec(
        "financial",
        task="classify",
        load=load,
        options=FinancialOptions,
        weights="financial",
        description="images with charts, tables, statements or receipts, as opposed to ordinary ones",
    )
