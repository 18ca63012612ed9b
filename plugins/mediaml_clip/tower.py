"""One tower of CLIP: a graph that answers with embeddings, known by its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mediaml.plugin import Array, Float32Array, ModelError, Session

Sense = Literal["image", "text"]
MASK = "attention_mask"
_OUTPUT = {"image": "image_embeds", "text": "text_embeds"}


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """An open tower.

    Attributes:
        sense: what it looks at. session: its graph.
        input: name of the input for pixels [batch, 3, height, width] or token ids [batch, tokens].
        shape, dtype: of that input; `None` where an axis is free.
        mask: dtype of the attention mask that it takes as well; empty where it takes none.
        output: index of the output with the embeddings [batch, dimensions].
        dimensions: of an embedding; `None` where the graph does not say.
    """

    sense: Sense
    session: Session = field(repr=False)
    input: str
    shape: tuple[int | None, ...]
    dtype: str
    mask: str
    output: int
    dimensions: int | None

    @classmethod
    def of(cls, session: Session) -> Tower:
        """Tell which tower a graph is.

        Raises:
            ModelError: it is none of CLIP's, is both in one, or answers without the projection.
        """
        pixels = [spec for spec in session.inputs if spec.dtype.startswith("float") and len(spec.shape) == 4]
        texts = [spec for spec in session.inputs if spec.dtype.startswith("int") and spec.name != MASK]
        texts = [spec for spec in texts if len(spec.shape) == 2]
        known = {spec.name for spec in (*pixels, *texts)} | {MASK}
        if pixels and texts:
            raise ModelError(
                f"{session.name} is both towers of CLIP in one graph.", "Use the separate towers."
            )
        if len(pixels) + len(texts) != 1 or any(spec.name not in known for spec in session.inputs):
            wants = "; ".join(map(str, session.inputs))
            raise ModelError(f"{session.name} is not a CLIP tower: it takes {wants}.")
        sense: Sense = "image" if pixels else "text"
        spec = (pixels or texts)[0]
        mask = next((spec.dtype for spec in session.inputs if spec.name == MASK), "")
        output = _output(session, sense)
        dimensions = session.outputs[output].shape[1]
        return cls(sense, session, spec.name, spec.shape, spec.dtype, mask, output, dimensions)

    def embed(self, samples: Array) -> Float32Array:
        """Embeddings of unit length, float32 [batch, dimensions].

        Args:
            samples: pixels, normalised, or token ids, padded behind their end with anything.

        Raises:
            ModelError: the graph does not take them, or answers with numbers that are not finite.
        """
        feeds: Mapping[str, Array] = {self.input: samples.astype(self.dtype, copy=False)}
        if self.mask:
            feeds = {**feeds, MASK: _up_to_the_end(samples).astype(self.mask)}
        return unit(self.session.run(feeds)[self.output].astype(np.float32), self.session.name)


def _up_to_the_end(ids: Array) -> Array:
    """1 up to the end token, 0 behind it; the end token has the highest id, as the reference has it."""
    return np.asarray(np.arange(ids.shape[1]) <= ids.argmax(axis=1, keepdims=True), dtype=np.int64)


def _output(session: Session, sense: Sense) -> int:
    named = [index for index, spec in enumerate(session.outputs) if spec.name == _OUTPUT[sense]]
    flat = [index for index, spec in enumerate(session.outputs) if len(spec.shape) == 2]
    if named or len(flat) == 1:
        return (named or flat)[0]
    answers = "; ".join(map(str, session.outputs))
    raise ModelError(
        f"{session.name} has no output {_OUTPUT[sense]}: its outputs are {answers}.",
        "Export the tower with its projection.",
    )


def unit(vectors: Float32Array, name: str) -> Float32Array:
    """Rows scaled to length 1.

    Raises:
        ModelError: a number is not finite, or a row is all zero.
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise ModelError(f"{name} returned embeddings that are not finite or all zero.")
    return np.asarray(vectors / lengths, dtype=np.float32)
