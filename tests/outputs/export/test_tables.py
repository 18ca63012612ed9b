"""CSV and Parquet, read back by the csv module, pyarrow and DuckDB."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mediaml
from mediaml.app import export as export_module
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Label, Prediction
from mediaml.core.view import View
from mediaml.ledger import flat_rows, schema
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.outputs.export import tables
from mediaml.outputs.export.options import ExportOptions
from mediaml.outputs.jsonl import lines
from tests.support.export_folder import HEIGHT, SPOKEN, WIDTH, ExportFolder, found

NUMBERS = ("width", "height", "frame", "audio_track", "class_id", "track", "n")
REALS = ("time_s", "duration_s", "score", "left", "top", "right", "bottom")


def read_csv(path, encoding="utf-8"):
    with path.open(newline="", encoding=encoding) as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update({name: int(row[name]) if row[name] else None for name in NUMBERS})
        row.update({name: float(row[name]) if row[name] else None for name in REALS})
    return rows


def from_lines(folder, selection=None):
    """The same rows from the lines of `results.jsonl`, which another module writes."""
    rows = []
    with open_results(folder) as results:
        shown = results if selection is None else select_results(results, selection)
        for line in map(json.loads, lines(shown)):
            for kind in ("label", "detection"):
                for one in line.get(f"{kind}s", ()):
                    box = one.get("box", [None] * 4)
                    rows.append(
                        (kind, line["source"], line["model"], line["frame"], one["label"], one["score"], *box)
                    )
    return sorted(rows, key=str)


def keyed(rows):
    names = ("type", "source", "model", "frame", "label", "score", "left", "top", "right", "bottom")
    return sorted((tuple(row[name] for name in names) for row in rows), key=str)


@pytest.mark.parametrize("name", ["csv", "parquet"])
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"min_score": 0.1},
        {"min_score": 0.65, "classes": ("traffic light", "YES")},
        {"models": ("yolo",), "sources": ("*.jpg",)},
        {"everything": True},
    ],
)
def test_rows_are_those_of_the_results(made, tmp_path, name, chosen):
    path = mediaml.export(made.folder, name, tmp_path / f"x.{name}", **chosen)
    rows = read_csv(path) if name == "csv" else pq.read_table(path).to_pylist()
    assert keyed(rows) == from_lines(made.folder, ResultSelection(**chosen))
    assert rows or chosen == {}


def test_csv_and_parquet_hold_the_same_rows_in_the_same_order(made, tmp_path):
    rows = read_csv(mediaml.export(made.folder, "csv", tmp_path / "x.csv", min_score=0.1))
    typed = pq.read_table(mediaml.export(made.folder, "parquet", tmp_path / "x.pq", min_score=0.1))
    blank = [{name: value if value != "" else None for name, value in row.items()} for row in rows]
    assert typed.to_pylist() == blank
    assert len(rows) == 4 + 10 + 3 + 16
    first = next(row for row in rows if row["type"] == "detection")
    assert (first["width"], first["height"], first["class_id"], first["track"]) == (WIDTH, HEIGHT, 0, None)
    assert [row["track"] for row in rows if row["source"] == "in/walk.mp4"].count(1) == 10


def test_parquet_is_typed(made, tmp_path):
    schema = pq.read_schema(mediaml.export(made.folder, "parquet", tmp_path / "x.parquet"))
    types = {field.name: (str(field.type), field.nullable) for field in schema}
    assert types["source"] == ("string", False)
    assert types["frame"] == ("int64", False)
    assert types["class_id"] == ("int32", False)
    assert types["score"] == ("double", False)
    assert types["width"] == ("int32", True)
    assert types["left"] == ("double", True)


def test_a_selection_without_rows_is_a_file_without_rows(made, tmp_path):
    quiet = {"min_score": 1.0, "models": ["yolo"]}
    assert read_csv(mediaml.export(made.folder, "csv", tmp_path / "x.csv", **quiet)) == []
    table = pq.read_table(mediaml.export(made.folder, "parquet", tmp_path / "x.parquet", **quiet))
    assert (table.num_rows, table.num_columns) == (0, 19)


def test_excel_gets_a_byte_order_mark_and_no_formula(made, tmp_path):
    path = mediaml.export(
        made.folder, "csv", tmp_path / "x.csv", min_score=0.1, bom=True, escape_formulas=True
    )
    assert path.read_bytes().startswith(b"\xef\xbb\xbftype,")
    names = {row["label"] for row in read_csv(path, "utf-8-sig")}
    assert names == {"person", "traffic light", 'a "b", c', "'=1+1", "yes", "no"}
    plain = mediaml.export(made.folder, "csv", tmp_path / "y.csv", min_score=0.1)
    assert plain.read_bytes().startswith(b"type,")
    assert "=1+1" in {row["label"] for row in read_csv(plain)}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_start_of_a_formula_is_escaped(tmp_path, start):
    folder = ExportFolder(tmp_path / "out")
    folder.add(f"{start}cmd|' /C calc'!A0.jpg", Kind.IMAGE, [Prediction((Label("x", 0.9),))])
    folder.ledger.close()
    path = mediaml.export(tmp_path / "out", "csv", escape_formulas=True)
    (row,) = read_csv(path)
    assert row["source"] == f"'{start}cmd|' /C calc'!A0.jpg"


def test_numbers_of_labels_and_detections_are_those_of_the_view(tmp_path, monkeypatch):
    """Across batches that are smaller than a frame."""
    monkeypatch.setattr(flat_rows, "BATCH", 3)
    folder = ExportFolder(tmp_path / "out", View(min_score=0.2, classes=("person",), max_detections=2, top=1))
    many = [
        found("traffic light", 0.9, (0, 0, 1, 1)),
        *(found("person", 0.8, (n, 0, 9, 9)) for n in range(4)),
    ]
    labels = (Label("traffic light", 0.9), Label("person", 0.8), Label("person", 0.7))
    folder.add("a.mp4", Kind.VIDEO, [Prediction(labels, tuple(many))] * 3, 0.1)
    folder.add("b.jpg", Kind.IMAGE, [Prediction((), tuple(many[:2]))])
    folder.ledger.close()
    rows = read_csv(mediaml.export(tmp_path / "out", "csv"))
    assert keyed(rows) == from_lines(tmp_path / "out")
    assert [row["n"] for row in rows] == [1, 1, 1, 1, 2, 1, 2, 1, 2, 1]


def test_duckdb_reads_both(made, tmp_path):
    import duckdb

    for name in ("csv", "parquet"):
        path = mediaml.export(made.folder, name, tmp_path / f"x.{name}")
        query = f"SELECT label, count(*) FROM '{path}' WHERE score >= 0.65 GROUP BY ALL ORDER BY ALL"
        assert duckdb.sql(query).fetchall() == [("no", 3), ("person", 11), ("traffic light", 3), ("yes", 3)]


def test_derived_tracks_take_the_place_of_the_models_own(made, tmp_path):
    db = made.ledger._db
    source, model = db.execute("SELECT source, model FROM detection WHERE track = 1").fetchone()
    with db:
        db.execute("INSERT INTO derivation VALUES (1, 'tracks', '{}', '1', NULL)")
        db.execute("INSERT INTO track VALUES (?, ?, 3, 0, 1, 77)", (source, model))
        db.execute("INSERT INTO meta VALUES ('derived tracks yolo', '1')")
    with open_results(made.folder, checked=False) as results:
        batches = list(flat_rows.FlatRows(results).batches("detection"))
    tracks = [track for batch in batches for track in batch.columns[:, -1].tolist()]
    assert [track for track in tracks if track != flat_rows.NONE] == [77]
    shown = "SELECT track FROM detections WHERE track IS NOT NULL"
    assert db.execute(shown).fetchall() == [(77,)]


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_ledger_that_is_not_checked_when_it_is_opened_is_checked_beside(made, tmp_path, monkeypatch, name):
    monkeypatch.setattr(flat_rows, "MOST_CHECKED_BYTES", 0)
    monkeypatch.setattr(schema, "MOST_CHECKED_BYTES", 0)
    mediaml.export(made.folder, name, tmp_path / "whole")
    with made.ledger._db as db:
        db.execute("UPDATE detection SET score = score - 1 WHERE frame = 3")
    with pytest.raises(OutputError, match=r"predictions of in/walk\.mp4 do not match their checksum"):
        mediaml.export(made.folder, name, tmp_path / "damaged")
    assert not (tmp_path / "damaged").exists()


def test_a_full_disk_ends_the_check_too(made, tmp_path, monkeypatch):
    monkeypatch.setattr(flat_rows, "MOST_CHECKED_BYTES", 0)
    with open_results(made.folder) as results, pytest.raises(OSError, match="No space left"):
        tables.write_csv(results, Path("/dev/full"), ExportOptions())


def test_what_a_run_commits_meanwhile_is_left_for_the_next_export(made, tmp_path, monkeypatch):
    """A source with a new class, committed after the export has begun."""
    select = export_module.select_results

    def commit_then_select(*arguments):
        selected = select(*arguments)
        made.add("late.jpg", Kind.IMAGE, [Prediction((Label("brand new", 0.9),))])
        return selected

    monkeypatch.setattr(export_module, "select_results", commit_then_select)
    first = read_csv(mediaml.export(made.folder, "csv", tmp_path / "a.csv"))
    monkeypatch.undo()
    second = read_csv(mediaml.export(made.folder, "csv", tmp_path / "b.csv"))
    assert "late.jpg" not in {row["source"] for row in first}
    assert {row["label"] for row in second} - {row["label"] for row in first} == {"brand new"}


def test_a_hundred_thousand_classes(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    names = tuple(f"species {number}" for number in range(100_000))
    model = folder.ledger.add_model(SPOKEN, View(), names)
    folder.add("a.wav", Kind.AUDIO, [Prediction((Label(names[99_999], 0.9),))], 1.0, model)
    folder.ledger.close()
    (row,) = read_csv(mediaml.export(tmp_path / "out", "csv", classes=["SPECIES 99999"]))
    assert (row["label"], row["class_id"]) == ("species 99999", 99_999)
    with pytest.raises(OutputError, match=r"no class 'specis 99999'\.\nDid you mean 'species"):
        mediaml.export(tmp_path / "out", "csv", classes=["specis 99999"], overwrite=True)
