"""An output folder is told from a folder that only looks like one, and is left as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mediaml.ledger.ledger import Ledger
from mediaml.ledger.recognise import is_output_folder
from mediaml.ledger.schema import FILE_NAME


@pytest.fixture
def output(tmp_path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    with Ledger(folder):
        pass
    return folder


def test_a_ledger_is_recognised_and_nothing_is_left_beside_it(output) -> None:
    before = sorted(path.name for path in output.iterdir())
    assert is_output_folder(output)
    assert sorted(path.name for path in output.iterdir()) == before


def test_the_ledger_of_a_run_that_is_under_way_or_was_killed_is_recognised(output, tmp_path) -> None:
    ledger = output / FILE_NAME
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO meta VALUES ('batch', '1')")
        db.commit()
        assert Path(f"{ledger}-wal").exists()
        assert is_output_folder(output)
        killed = tmp_path / "killed"
        killed.mkdir()
        for path in output.glob(f"{FILE_NAME}*"):
            shutil.copy(path, killed)
        assert is_output_folder(killed)


def test_a_damaged_ledger_is_one(output) -> None:
    ledger = output / FILE_NAME
    data = ledger.read_bytes()
    ledger.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    assert is_output_folder(output)


def test_other_files_of_that_name_are_none(tmp_path) -> None:
    assert not is_output_folder(tmp_path)
    assert not is_output_folder(tmp_path / "missing")
    (tmp_path / FILE_NAME).write_text("income and expenses")
    assert not is_output_folder(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    for tables in ("CREATE TABLE account (id)", "CREATE TABLE meta (name)"):
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
            db.execute(tables)
        assert not is_output_folder(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    assert not is_output_folder(tmp_path)


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    assert not is_output_folder(tmp_path)
