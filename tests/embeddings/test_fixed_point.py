"""Vectors as whole numbers: how far they are off at most, and products over mapped rows."""

from __future__ import annotations

import numpy as np
import pytest

from mediaml.embeddings.fixed_point import fixed, floats, product
from mediaml.embeddings.vectors import unit_rows


def unit(rows: int, dimensions: int, seed: int = 0):
    return unit_rows(np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32))


@pytest.mark.parametrize("rows", [0, 1, 255, 256, 257, 3001])
def test_a_product_is_as_near_as_is_promised(rows):
    vectors, question = unit(rows, 512), unit(1, 512, seed=1)[0]
    numbers, scale = fixed(vectors)
    exact = vectors.astype(np.float64) @ question.astype(np.float64)
    bound = np.abs(vectors).max(axis=1, initial=0) / 65_534 * np.sqrt(512) + 1e-6
    assert (np.abs(product(numbers, scale, question) - exact) <= bound).all()
    assert np.abs(product(numbers, scale, question) - exact).max(initial=0) < 2e-5


def test_whole_numbers_cost_far_less_than_float16():
    vectors, questions = unit(4000, 512), unit(50, 512, seed=1)
    exact = vectors.astype(np.float64) @ questions.T.astype(np.float64)
    halves = np.abs(vectors.astype(np.float16).astype(np.float64) @ questions.T - exact).max()
    ours = np.abs(floats(*fixed(vectors)).astype(np.float64) @ questions.T - exact).max()
    assert ours < halves / 5


def test_rows_may_be_a_column_of_records():
    numbers, scale = fixed(unit(700, 16))
    records = np.zeros(700, [("source", "<i8"), ("scale", "<f4"), ("vector", "<i2", (16,))])
    records["vector"], records["scale"] = numbers, scale
    found = product(records["vector"], records["scale"], np.ones(16, np.float32))
    np.testing.assert_allclose(found, floats(numbers, scale).sum(axis=1), atol=1e-5)


def test_rows_that_are_no_vectors_are_like_nothing():
    rows = np.array([[0, 0], [np.nan, 1], [np.inf, 1], [3, -4]], np.float32)
    numbers, scale = fixed(rows)
    assert scale[:3].tolist() == [0, 0, 0] and not numbers[:3].any()
    np.testing.assert_allclose(floats(numbers, scale)[3], [3, -4], atol=1e-4)
