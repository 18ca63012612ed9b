"""The financial-image model: one probability per image, and the label that follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.plugin import Array, Frame, Label, LoadContext, ModelError, OnnxModel
from mediaml_financial import FinancialOptions

FINANCIAL = "financial"


class FinancialModel(OnnxModel):
    """Answers every image with "financial" or "ordinary" and its probability.

    Any classifier with two labels of which one is "financial" will do.

    Raises:
        ModelError: the graph is none.
    """

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context)
        if len(self.labels) != 2 or FINANCIAL not in self.labels:
            has = f"{len(self.labels)} labels" if self.labels else "no labels"
            raise ModelError(
                f'{self.session.name} has {has}, not two of which one is "{FINANCIAL}".',
                "Leave -m out to use the bundled one.",
            )
        self._financial = self.labels.index(FINANCIAL)

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[list[Label]]:
        """One list of labels per image, the answer first: `top` of them."""
        return [self.answer(float(row[self._financial])) for row in outputs[0]]

    def answer(self, probability: float) -> list[Label]:
        """The labels of an image that is financial with this probability, the answer first."""
        options: FinancialOptions = self.options
        share = min(1.0, max(0.0, probability))
        other = self.labels[1 - self._financial]
        labels = [Label(FINANCIAL, share), Label(other, 1.0 - share)]
        if share < options.threshold:
            labels.reverse()
        return labels[: options.top]
