"""Batches for graphs with a fixed batch size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mediaml.core.arrays import Array


def pad_batch(samples: Sequence[Array], size: int | None = None) -> Array:
    """Samples of one shape stacked along a new first axis.

    Args:
        size: length of that axis, at least the number of samples: the last one is repeated to fill it.
            `None` for no filling.
    """
    filling = [samples[-1]] * max(0, (size or 0) - len(samples))
    return np.stack([*samples, *filling])


def unpad_outputs(outputs: Sequence[Array], size: int, count: int) -> list[Array]:
    """A graph's outputs for the first `count` of `size` samples.

    Outputs whose first axis is not the batch's stay as they are.
    """
    return [output[:count] if output.shape[:1] == (size,) else output for output in outputs]
