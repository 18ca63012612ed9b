"""An export is whole or absent, and replaces only what an export wrote."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

import mediaml
from mediaml.core.errors import OutputError
from mediaml.outputs.export import coco, target
from mediaml.outputs.export.target import MARK

LIMITED = """
import resource, signal, sys
import mediaml
from mediaml.outputs.export.formats import find_format
from mediaml.registry.entry_points import load_registry

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
one = find_format(sys.argv[2], load_registry())
with mediaml.open_results(sys.argv[1]) as results:
    list(results.frames())
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
    try:
        one.export(results, results.folder / one.file, overwrite=False)
    except mediaml.MediamlError as error:
        print(error)
"""


def names(folder):
    return {path.name for path in folder.iterdir()} - {
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
    }


@pytest.mark.parametrize("name", ["csv", "parquet", "coco", "yolo", "vtt"])
def test_an_export_that_exists_is_kept_unless_told(made, name):
    path = mediaml.export(made.folder, name)
    before = path.stat().st_mtime_ns
    with pytest.raises(OutputError, match=r"exists\.\nAdd --overwrite"):
        mediaml.export(made.folder, name)
    assert path.stat().st_mtime_ns == before
    assert mediaml.export(made.folder, name, overwrite=True) == path
    assert path.stat().st_mtime_ns > before
    assert names(made.folder) == {path.name}


def test_a_folder_of_the_user_is_never_replaced(made, tmp_path):
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "a.jpg").write_bytes(b"x")
    with pytest.raises(OutputError, match="was not written by an export"):
        mediaml.export(made.folder, "yolo", mine, overwrite=True)
    with pytest.raises(OutputError, match="is a folder; this format is a file"):
        mediaml.export(made.folder, "csv", mine, overwrite=True)
    assert (mine / "a.jpg").read_bytes() == b"x"


def test_an_empty_folder_is_taken(made, tmp_path):
    (tmp_path / "new").mkdir()
    assert (mediaml.export(made.folder, "coco", tmp_path / "new") / MARK).exists()


def test_a_file_is_no_folder(made, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match="is a file; this format is a folder"):
        mediaml.export(made.folder, "coco", tmp_path / "file", overwrite=True)


@pytest.mark.parametrize(
    "name", ["jsonl", "csv", "parquet", "coco", "yolo", "voc", "cvat", "fiftyone", "srt"]
)
def test_a_full_disk_is_said_and_nothing_is_left(made, name):
    """Files may not grow beyond a few bytes: the system's own limit stands in for a full disk."""
    made.ledger.close()
    call = [sys.executable, "-c", LIMITED, str(made.folder), name]
    done = subprocess.run(call, capture_output=True, text=True, timeout=100, check=False)
    assert f"{made.folder}/" in done.stdout, done.stderr
    assert "cannot be written" in done.stdout
    assert names(made.folder) == set()


def test_the_hint_of_a_full_disk_is_to_make_room(made, monkeypatch):
    mediaml.export(made.folder, "coco")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(coco, "_copy", full)
    with pytest.raises(OutputError, match=r"coco cannot be written: No space left.*\nFree some space"):
        mediaml.export(made.folder, "coco", overwrite=True)
    assert (made.folder / "coco" / "instances.json").exists()
    assert names(made.folder) == {"coco"}


def test_a_rename_that_fails_leaves_the_earlier_export(made, monkeypatch):
    path = mediaml.export(made.folder, "coco")
    before = (path / "instances.json").read_bytes()
    rename = target.Path.rename

    def refuse(self, to):
        if self.name.endswith(".part"):
            raise OSError(errno.EIO, "no")
        return rename(self, to)

    monkeypatch.setattr(target.Path, "rename", refuse)
    with pytest.raises(OutputError, match="cannot be written"):
        mediaml.export(made.folder, "coco", min_score=0.8, overwrite=True)
    assert (path / "instances.json").read_bytes() == before
    assert names(made.folder) == {"coco"}


def test_what_a_killed_export_left_is_replaced(made):
    (made.folder / "coco.part" / "deep").mkdir(parents=True)
    (made.folder / "export.csv.part").write_bytes(b"half")
    mediaml.export(made.folder, "coco")
    mediaml.export(made.folder, "csv")
    assert names(made.folder) == {"coco", "export.csv"}
