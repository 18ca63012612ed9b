"""`mediaml status`: what is done, failed, stale and missing, sizes and speeds; and the closing table."""

from __future__ import annotations

import re
import sqlite3

import pytest

from mediaml.cli.summary import damage_lines, failure_lines
from mediaml.core.location import Url
from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.work import Failure
from mediaml.ledger.result_rows import FailureRow, SourceRow
from tests.support.media.files import write_image, write_square_video


@pytest.fixture
def folder(tmp_path):
    """Three pictures, a clip that is cut off, and a text that poses as a clip."""
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        write_image(tmp_path / "in" / name, 20, 20)
    write_square_video(tmp_path / "in/cut.mp4", frames=40)
    data = (tmp_path / "in/cut.mp4").read_bytes()
    (tmp_path / "in/cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    (tmp_path / "in/text.mp4").write_text("no video")
    return tmp_path / "in"


def counts(said, plugin="yolo"):
    """The row of a plugin in the table of `status`, by column."""
    head, *rows = [re.split(r"\s{2,}", line) for line in said.out.splitlines()]
    row = next(row for row in rows if row[0] == plugin)
    return dict(zip(head, row, strict=True))


def test_status_tells_done_failed_stale_and_missing(mediaml, square_finder, folder):
    run = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--no-annotate")
    assert mediaml(*run).code == 1
    said = mediaml("status", "out")
    row = counts(said)
    assert (row["done"], row["failed"], row["frames"]) == ("3", "2", "3")
    assert row["in progress"] == row["stale"] == row["missing"] == "0"
    assert re.search(r"out: ledger \d+\.\d MB, results \d+\.\d MB", said.out)
    assert re.search(r"1 run:\n  \S+ to \S+: 3 frames in \d+\.\d s \(\d+\.\d frames/s\)", said.out)

    (folder / "a.png").unlink()
    write_image(folder / "b.png", 30, 30)
    assert counts(mediaml("status", "out"))["stale"] == "2"
    # Another plugin looks at one of the pictures: the others, but not the clips, are missing for it.
    assert mediaml("run", "-p", "digits", "in/c.png", "-o", "out", "--no-annotate").code == 0
    assert counts(mediaml("status", "out"), "digits")["missing"] == "3"
    # One picture is asked for with another option: what the others hold is of another version.
    mediaml(*run[:5], "-O", "yolo.conf=0.9", "in/c.png", "-o", "out", "--no-annotate")
    row = counts(mediaml("status", "out"))
    assert (row["done"], row["stale"], row["failed"]) == ("1", "2", "2")


def test_the_closing_table_says_all_of_a_failure(mediaml, square_finder, folder):
    said = mediaml("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--no-annotate")
    head = next(line for line in said.err.splitlines() if "failed  " in line)
    assert head.removeprefix("mediaml: ").split() == ["failed", "model", "stage", "error", "frames", "why"]
    assert re.search(
        r"in/text\.mp4 +yolo +open +MediaError +- +it is not a supported image, video or audio file", said.err
    )
    assert re.search(r"in/cut\.mp4 +yolo +(open|decode) +MediaError", said.err)


def test_an_empty_ledger_is_none_and_the_next_run_makes_it(mediaml, square_finder, folder, tmp_path):
    """As a full disk leaves it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/ledger.sqlite").touch()
    run = ("run", "-p", "yolo", "-m", square_finder, "in/a.png", "-o", "out", "--no-annotate")
    assert "holds no ledger" in mediaml("status", "out").err
    assert mediaml(*run, "--dry-run").code == 0
    assert mediaml(*run).code == 0
    assert counts(mediaml("status", "out"))["done"] == "1"


def test_a_damaged_ledger_is_refused_repaired_and_filled_again(mediaml, square_finder, folder, tmp_path):
    run = ("run", "-p", "yolo", "-m", square_finder, "in", "-o", "out", "--no-annotate", "--device", "cpu")
    assert mediaml(*run).code == 1
    assert "is not damaged; nothing was changed" in mediaml("status", "out", "--repair").err
    results = tmp_path / "out/results.jsonl"
    whole = results.read_bytes().splitlines()[1:]
    path = tmp_path / "out/ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("UPDATE prediction SET duration_s = 1.0 WHERE source = 2")
    damaged = path.read_bytes()
    for command in (run, ("status", "out"), ("status", "out", "--json")):
        said = mediaml(*command)
        assert said.code == 2
        assert "cannot be read: it is damaged" in said.err and "b.png" in said.err
        assert "`mediaml status out --repair` keeps what is sound" in said.err
        assert path.read_bytes() == damaged
    said = mediaml("status", "out", "--repair")
    assert said.code == 0 and "4 tasks kept, 1 to be done again" in said.err
    assert (tmp_path / "out/ledger.sqlite.damaged").read_bytes() == damaged
    assert "1 frame" in mediaml(*run).err
    assert results.read_bytes().splitlines()[1:] == whole


def failure(message="it is broken.\nMend it.", accounts=None, path=None):
    row = SourceRow(1, path or Url("http://h/a.mp4"), "http://h/a.mp4", "h/a.mp4", Kind.VIDEO)
    return FailureRow(row, "yolo", Failure("decode", "MediaError", message), accounts or DecodeAccounts())


def test_accounts_and_advice_are_told_once():
    rows = [failure(accounts=DecodeAccounts(150, 96, 54, 2)), failure(accounts=DecodeAccounts(None, 7))]
    lines = list(failure_lines(rows, "results.jsonl"))
    assert "96/150, 54 damaged, 2 gaps" in lines[1] and " 7 " in lines[2]
    assert lines[3:] == ["  Mend it."]


def test_many_failures_are_cut_short_and_counted():
    lines = list(failure_lines([failure()] * 25, "out/results.jsonl"))
    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[-1] == "and 5 more failures, see out/results.jsonl"
    assert list(failure_lines([], "x")) == []
    assert len(list(damage_lines([(failure().source, DecodeAccounts(9, 8, 1))] * 25))) == 21


def test_a_name_cannot_drive_the_terminal():
    row = failure("bad\x1b[31m.\nhint\x07")
    assert not any("\x1b" in line.replace("hint\x07", "") for line in failure_lines([row], ""))
