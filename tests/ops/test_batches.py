"""Batches of a fixed size are filled up, and what the filling gave is dropped."""

from __future__ import annotations

import numpy as np

from mediaml.ops.batches import pad_batch, unpad_outputs


def test_a_short_batch_is_filled_with_the_last_sample():
    samples = [np.full((2,), value) for value in (1, 2)]
    assert pad_batch(samples).tolist() == [[1, 1], [2, 2]]
    assert pad_batch(samples, 4).tolist() == [[1, 1], [2, 2], [2, 2], [2, 2]]


def test_rows_of_the_filling_are_dropped():
    outputs = unpad_outputs([np.arange(8).reshape(4, 2), np.arange(3)], 4, 3)
    assert [output.tolist() for output in outputs] == [[[0, 1], [2, 3], [4, 5]], [0, 1, 2]]
