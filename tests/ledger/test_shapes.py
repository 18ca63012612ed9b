"""Outlines and keypoints come back from the ledger, are in its lines, and are covered by its checksums."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Box, Detection, Keypoint, Label, Prediction
from mediaml.core.work import Task
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from mediaml.ledger.shapes import keypoints_blob, keypoints_of, outline_blob, outline_of
from mediaml.outputs.jsonl import lines
from tests.support.ledger_tasks import MODEL, result, source
from tests.support.results_schema import schema

SHAPES = Detection(
    Label("person", 0.75),
    Box(1, 2, 30, 40),
    outline=(((1.0, 2.0), (30.25, 2.5), (3.0, 40.0)), ((5.0, 5.0), (6.0, 5.0), (6.0, 6.0))),
    keypoints=(Keypoint(3.25, 4.5, 0.5), Keypoint(0, 0, 0)),
)


def ledger_with_shapes(folder: Path) -> None:
    with Ledger(folder) as ledger:
        ids = ledger.add_source(source("a.jpg"), Kind.IMAGE), ledger.add_model(MODEL)
        ledger.commit([result(Task(*ids, 0), range(1), said=Prediction(detections=(SHAPES,)))])


coordinates = st.floats(-1e6, 1e6)
corners = st.tuples(coordinates, coordinates)


@given(st.lists(st.lists(corners, min_size=3, max_size=8).map(tuple), max_size=3).map(tuple))
def test_outlines_come_back_to_within_half_a_unit(
    outline: tuple[tuple[tuple[float, float], ...], ...],
) -> None:
    back = outline_of(outline_blob(outline))
    assert [len(ring) for ring in back] == [len(ring) for ring in outline]
    for ring, given_ring in zip(back, outline, strict=True):
        for corner, given_corner in zip(ring, given_ring, strict=True):
            assert corner == pytest.approx(given_corner, abs=0.005001)


@given(st.lists(st.builds(Keypoint, coordinates, coordinates, st.floats(0, 1))))
def test_keypoints_come_back(points: list[Keypoint]) -> None:
    back = keypoints_of(keypoints_blob(points))
    assert len(back) == len(points)
    for one, given_one in zip(back, points, strict=True):
        assert (one.x, one.y) == pytest.approx((given_one.x, given_one.y), abs=0.005001)
        assert -1e-7 <= given_one.score - one.score < 2e-5, "compared in float32"


def test_results_and_their_lines_have_shapes(tmp_path: Path) -> None:
    ledger_with_shapes(tmp_path)
    with open_results(tmp_path) as results:
        (frame,) = results.frames()
        line = json.loads(list(lines(results))[1])
    assert frame.prediction.detections == (SHAPES,)
    (found,) = line["detections"]
    assert found["outline"][0][1] == [30.25, 2.5] and found["keypoints"] == [[3.25, 4.5, 0.5], [0, 0, 0]]
    jsonschema.validate(line, schema())


@pytest.mark.parametrize("column", ["outline", "keypoints"])
def test_a_changed_shape_is_damage(tmp_path: Path, column: str) -> None:
    ledger_with_shapes(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.execute(f"UPDATE detection SET {column} = x'9193010203'")
    with pytest.raises(OutputError, match="damaged"), open_results(tmp_path) as results:
        list(results.frames())


def test_an_outline_of_two_corners_is_refused() -> None:
    with pytest.raises(ValueError, match="three corners"):
        Detection(Label("x", 1.0), Box(0, 0, 1, 1), outline=(((0, 0), (1, 1)),))
