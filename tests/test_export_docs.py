"""docs/export.md against the program: its commands run, its SQL answers, its tables are complete."""

from __future__ import annotations

import re
import shlex
import sqlite3
from contextlib import closing

import duckdb
import pytest

import mediaml as library
from mediaml.cli.main import cli
from mediaml.core.media import Kind
from mediaml.core.prediction import Prediction
from mediaml.outputs.export.formats import BUILT_IN
from mediaml.outputs.export.tables import COLUMNS
from scripts.paths import REPOSITORY
from tests.support.export_folder import CLASSES, ExportFolder, found

PAGE = (REPOSITORY / "docs" / "export.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def out(tmp_path, monkeypatch):
    """`mediaml-out` with photos and videos of people and cars, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.support.export_folder.CLASSES", (*CLASSES, "car", "truck"))
    folder = ExportFolder(tmp_path / "mediaml-out").add_all()
    photo = tmp_path / "cars.jpg"
    photo.write_bytes(b"pixels")
    cars = (found("car", 0.9, (0, 0, 150, 90)), found("truck", 0.6, (0, 0, 9, 9)))
    folder.add("cars.jpg", Kind.IMAGE, [Prediction(detections=cars)], path=photo)
    (tmp_path / "in").mkdir()
    folder.ledger.close()
    return folder.folder


COMMANDS = [line for block in blocks("console") for line in block.splitlines() if " export " in line]


@pytest.mark.parametrize("line", COMMANDS)
def test_its_commands_run(mediaml, out, line):
    _, *words = shlex.split(line, comments=True)
    if "--media" in words:
        words[words.index("--source") + 1] = "cars.jpg"  # the one photo that is there
    done = mediaml(*words)
    assert done.code == 0, done.err
    assert len(done.err.splitlines()) == words.count("-f")


def test_its_queries_answer(out):
    statements = [part.strip() for block in blocks("sql") for part in block.split(";") if part.strip()]
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        answers = [db.execute(statement).fetchall() for statement in statements]
    assert answers == [
        [("truck", 1), ("traffic light", 1), ("person", 1), ("car", 1)],
        [("in/photo.jpg", 1), ("in/walk.mp4", 1)],
        [("cars.jpg", 0, "car", 0.9)],
    ]


def test_its_duckdb_query_answers(out, monkeypatch):
    library.export(out, "parquet", sources=["cars.jpg"])
    monkeypatch.chdir(out)
    (statement,) = blocks("duckdb")
    assert duckdb.sql(statement).fetchall() == [("car", 1, 0.9), ("truck", 1, 0.6)]


def test_its_tables_are_complete():
    (formats, *_) = re.findall(r"\| `-f` .*?\n\n", PAGE, flags=re.DOTALL)
    rows = [line.split("|")[1] for line in formats.splitlines()[2:] if line]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {one.name for one in BUILT_IN}
    (columns,) = re.findall(r"Columns of .*?: (.*?)\. Boxes", PAGE, flags=re.DOTALL)
    named = [re.sub(r"\(.*\)", "", name).strip() for name in columns.split(",")]
    assert named == list(COLUMNS)


def test_every_option_of_the_command_is_explained():
    command = cli.get_command(None, "export")
    options = {name for option in command.params for name in option.opts if name.startswith("--")}
    shared = {"--format", "--output", "--quiet", "--verbose", "--debug"}
    assert {name for name in options - shared if name not in PAGE} == set()
