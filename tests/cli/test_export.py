"""`mediaml export`, as it is typed."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from mediaml.core.work import Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.outputs.export.formats import BUILT_IN
from tests.support.export_folder import ExportFolder
from tests.support.plugins.strangers import install_plugin


@pytest.fixture
def out(tmp_path):
    folder = ExportFolder(tmp_path / "out").add_all()
    folder.ledger.close()
    return folder.folder


def test_every_format_is_written_and_named(mediaml, out):
    formats = [word for one in BUILT_IN for word in ("-f", one.name)]
    done = mediaml("export", "out", *formats)
    assert done.code == 0, done.err
    assert done.err.splitlines() == [f"wrote out/{one.file}" for one in BUILT_IN]
    assert all((out / one.file).exists() for one in BUILT_IN)
    help_ = " ".join(mediaml("export", "--help").out.split())
    assert all(one.name in help_ for one in BUILT_IN)


def test_options_select(mediaml, out, tmp_path):
    done = mediaml(
        *("export", "out", "-f", "csv", "-o", "some.csv", "--conf", "0.1", "--classes", '"a ""b"", c",=1+1'),
        *("--model", "yolo", "--source", "*.jpg", "--bom", "--escape-formulas", "-q"),
    )
    assert (done.code, done.err) == (0, "")
    with (tmp_path / "some.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["source"], row["label"]) for row in rows] == [
        ("in/photo.jpg", 'a "b", c'),
        ("in/photo.jpg", "'=1+1"),
    ]


def test_jsonl_is_that_of_the_run_at_another_threshold(mediaml, out, tmp_path):
    assert mediaml("export", "out", "-f", "jsonl", "-o", "x.jsonl", "--conf", "0.8").code == 0
    run, *lines = map(json.loads, (tmp_path / "x.jsonl").read_text().splitlines())
    assert {model["view"]["min_score"] for model in run["run"]["models"]} == {0.8}
    scores = [one["score"] for line in lines for one in (*line["labels"], *line["detections"])]
    assert len(scores) == 11 + 5
    assert min(scores) >= 0.79


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-f", "cvs"), "there is no output format 'cvs'.\nmediaml: Did you mean 'csv'?"),
        (("-f", "nothing-like-it"), "Formats: jsonl, csv, parquet, coco"),
        (("-f", "csv", "--conf", "0.01"), "weaker results were not kept.\nmediaml: They need inference"),
        (("-f", "csv", "--classes", "preson"), "no class 'preson'.\nmediaml: Did you mean 'person'?"),
        (("-f", "csv", "--classes", ","), "--classes names no class."),
        (("-f", "csv", "--model", "yol"), "no results of model 'yol'.\nmediaml: Did you mean 'yolo'?"),
        (("-f", "csv", "--source", "*.gif"), "no source that matches '*.gif'.\nmediaml: It has 3 sources:"),
        (("-f", "csv", "-f", "coco", "-o", "x"), "-o x is for one format, not 2."),
        (("-f", "csv", "--conf", "2"), "0.0<=x<=1.0"),
        (("-f", "csv", "--conf", "nan"), "min_score must be in 0..1, not nan."),
        (("-f", "vtt", "--gap", "inf"), "gap_s must be finite and not negative, not inf."),
        ((), "Missing option '-f'"),
    ],
)
def test_mistakes_are_explained(mediaml, out, words, said):
    done = mediaml("export", "out", *words)
    assert done.code == 2
    assert said in done.err
    assert not list(out.glob("*.part"))


def test_a_folder_without_results_is_explained(mediaml, tmp_path):
    done = mediaml("export", "nowhere", "-f", "csv")
    assert (done.code, "nowhere holds no ledger" in done.err) == (2, True)
    with Ledger(tmp_path / "empty"):
        pass
    done = mediaml("export", "empty", "-f", "csv")
    assert (done.code, "empty holds no results yet" in done.err) == (2, True)
    assert not (tmp_path / "empty" / "export.csv").exists()


def test_a_newer_ledger_is_refused_by_version(mediaml, out):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db, db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    done = mediaml("export", "out", "-f", "csv")
    assert done.code == 2
    assert "schema version 99, written by a newer mediaml" in done.err


def test_a_damaged_ledger_is_refused_and_nothing_is_written(mediaml, out):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db, db:
        db.execute("UPDATE detection SET score = 99999 WHERE n = 0 AND frame = 3")
    done = mediaml("export", "out", "-f", "csv")
    assert done.code == 2
    assert "is damaged" in done.err
    assert not (out / "export.csv").exists()


def test_weak_detections_that_were_not_kept_are_said(mediaml, out):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        source, model = db.execute("SELECT source, model FROM detection LIMIT 1").fetchone()
    with Ledger(out) as ledger:
        record = record_of(TaskResult(Task(source, model, 1)))
        ledger.commit([replace(record, cut=15_000)])
    done = mediaml("export", "out", "-f", "csv", "--conf", "0.1")
    assert done.code == 0
    assert "1 file had more detections by yolo down to 0.1 than were kept" in done.err
    assert "-O yolo.conf=0.1" in done.err
    assert "had more" not in mediaml("export", "out", "-f", "csv", "--overwrite").err


def test_no_model_is_started_and_nothing_heavy_imported(out):
    """Not even with another threshold; the decoders stay out, too."""
    script = (
        "import sys\n"
        "from mediaml.cli.main import run_cli\n"
        "code = run_cli(['export', 'out', '-f', 'csv', '-f', 'coco', '-f', 'vtt', '--conf', '0.1', '-q'])\n"
        "print(code, sorted({'onnxruntime', 'onnx', 'cv2', 'av', 'PIL', 'pyarrow'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=out.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stdout.strip() == "0 []"


def test_parquet_without_pyarrow_says_what_to_install(mediaml, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = mediaml("export", "out", "-f", "parquet")
    assert done.code == 2
    assert 'pip install "mediaml[parquet]"' in done.err
    assert not list(out.glob("export.parquet*"))


PLUGIN = """
from mediaml.plugin import OutputSpec, hookimpl


def write(results, target):
    found = [one.label.name for frame in results.frames() for one in frame.prediction.detections]
    target.write_text(" ".join(found) + f" {len(list(results.sources()))}")


def tree(results, target):
    target.mkdir()
    write(results, target / "a")


@hookimpl
def mediaml_outputs():
    yield OutputSpec("words", "a test", ".txt", write)
    yield OutputSpec("csv", "hidden by the built-in one", ".csv", write)
    yield OutputSpec("tree", "a folder", "", tree)
    yield OutputSpec("broken", "a test", ".txt", lambda results, target: 1 / 0)
"""


def test_outputs_of_plugins_are_formats_that_a_selection_reaches(out, tmp_path):
    site = install_plugin(tmp_path / "site", "wording", PLUGIN)

    def call(*words):
        command = [sys.executable, "-m", "mediaml", "export", "out", *words]
        path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        )

    assert call("-f", "words", "--conf", "0.5", "--source", "*.jpg").returncode == 0
    assert (out / "words.txt").read_text() == "person traffic light 1"
    both = call("-f", "csv", "-f", "tree")
    assert both.returncode == 0
    assert "-f csv writes mediaml's own format; the output 'csv' of the plugin wording has" in both.stderr
    assert (out / "export.csv").read_text().startswith("type,source")
    assert (out / "tree" / "a").exists()
    assert call("-f", "tree", "--overwrite").returncode == 0
    broken = call("-f", "broken")
    assert broken.returncode == 2
    assert "output 'broken' failed: ZeroDivisionError" in broken.stderr
    assert not list(out.glob("broken*"))


def test_a_release_below_what_was_kept_is_refused(mediaml, out):
    refused = mediaml("export", "out", "-f", "vtt", "--release", "0.01", "--model", "yolo")
    assert refused.code == 2 and "weaker results were not kept" in refused.err
    assert not (out / "vtt").exists()
    assert mediaml("export", "out", "-f", "vtt", "--release", "0.1", "--model", "yolo").code == 0
