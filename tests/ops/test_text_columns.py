"""Columns of characters against Python's own text of the same numbers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from mediaml.ops import text_columns
from mediaml.ops.text_columns import decimals, joined, texts, whole, whole_or_nothing

NUMBERS = [0, 1, -1, 9, 10, -10, 99_999, 100_000, 123_456, -123_450, 4_294_967_295, 4_294_967_296, 2**53]


def lines(*parts, count):
    return b"".join(joined(parts, count)).decode().splitlines()


def test_whole_numbers_are_as_python_writes_them():
    assert lines((whole(np.array(NUMBERS)), None), count=len(NUMBERS)) == list(map(str, NUMBERS))


@pytest.mark.parametrize("places", [1, 2, 5, 6])
def test_decimals_are_exact_and_shortest(places):
    found = lines((decimals(np.array(NUMBERS), places), None), count=len(NUMBERS))
    assert [Decimal(text) for text in found] == [Decimal(number).scaleb(-places) for number in NUMBERS]
    for text in found:
        before, after = text.lstrip("-").split(".")
        assert before == "0" or not before.startswith("0")
        assert after == "0" or not after.endswith("0")


def test_random_scores_and_edges_are_the_floats_that_the_ledger_gives():
    units = np.random.default_rng(1).integers(-200_000, 200_000, 5_000)
    for places in (2, 5):
        found = lines((decimals(units, places), None), count=len(units))
        assert list(map(float, found)) == (units / 10**places).tolist()


def test_nothing_is_an_empty_cell():
    assert lines((whole_or_nothing(np.array([-1, 7, -1]), -1), None), count=3) == ["", "7", ""]


def test_lines_share_rows_of_a_column_and_texts_of_any_script(monkeypatch):
    names = texts(["é", "", "日本"])
    parts = [(names, np.array([2, 0, 1, 2])), (texts([";"]), None), (whole(np.arange(8, 12)), None)]
    assert lines(*parts, count=4) == ["日本;8", "é;9", ";10", "日本;11"]
    monkeypatch.setattr(text_columns, "_PIECE", 20)  # two lines
    pieces = list(joined(parts, 4))
    assert b"".join(pieces).decode().split() == ["日本;8", "é;9", ";10", "日本;11"]
    assert len(pieces) > 1
