"""`mediaml track`, `run --track` and `mediaml count`: the same numbers whatever interrupts them."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediaml.core.errors import OutputError
from mediaml.derive.base import advance, ask
from mediaml.derive.tracks import TrackOptions, Tracks
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME
from scripts.evaluation.scene import CROSSROADS, FINDER, HIDDEN, NOISY, Detector, commit_scene, even
from scripts.paths import REPOSITORY
from tests.support.command_line import results
from tests.support.ledger_tasks import MODEL, source
from tests.support.media.files import write_square_video

SLICES = 6
FRAMES = 1100
PASSES = [None if frame % 40 == 0 else frame // 40 + 1 for frame in range(FRAMES)]
"""The number of the square in each frame: each of its passes is another object, known in its second frame."""


def scene(folder: Path, seconds: float = 120.0) -> None:
    """A ledger with what a detector found of a scene, in six slices."""
    with Ledger(folder) as ledger:
        commit_scene(ledger, CROSSROADS, even(10, seconds), NOISY)


def test_numbers_are_in_results_jsonl_and_a_second_call_does_nothing(mediaml, tmp_path):
    scene(tmp_path / "out", 60.0)
    done = mediaml("track", "out")
    assert done.code == 0
    assert "1 video: 3 slices tracked" in done.err
    assert "finder: bytetrack, score 0.25, lost after 1 s" in done.err
    found = [one for line in results(tmp_path / "out")[1:] for one in line["detections"]]
    assert {one["track"] for one in found if "track" in one} >= set(range(1, len(CROSSROADS) + 1))
    assert "1 video: up to date" in mediaml("track", "out").err
    assert "3 slices tracked" in mediaml("track", "out", "--tracker", "ocsort").err
    assert "up to date" in mediaml("track", "out").err


def test_only_what_is_asked_for_is_tracked(mediaml, tmp_path):
    scene(tmp_path / "out", 20.0)
    assert mediaml("track", "out", "--classes", "Truck", "--conf", "0.5").code == 0
    found = [one for line in results(tmp_path / "out")[1:] for one in line["detections"]]
    assert {one["label"] for one in found if "track" in one} == {"truck"}


def test_a_process_that_is_killed_amid_its_slices_goes_on_where_it_was(mediaml, tmp_path):
    """SIGKILL after some slices are derived, again and again, until one process comes to the end."""
    scene(tmp_path / "killed")
    scene(tmp_path / "whole")
    assert mediaml("track", "whole").code == 0
    kills = 0
    for wanted in (1, 3):
        command = [sys.executable, "-m", "mediaml", "track", "killed", "-q"]
        process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "COVERAGE_PROCESS_START": ""})
        while process.poll() is None and derived(tmp_path / "killed") < wanted:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert wanted <= derived(tmp_path / "killed")
    assert kills >= 1
    assert derived(tmp_path / "killed") <= SLICES
    assert mediaml("track", "killed").code == 0
    assert results(tmp_path / "killed")[1:] == results(tmp_path / "whole")[1:]


def derived(folder: Path) -> int:
    """The number of slices that are tracked; 0 while the ledger is being made."""
    try:
        with open_results(folder, checked=False) as opened:
            return int(opened.connection.execute("SELECT count(*) FROM derived_slice").fetchone()[0])
    except OutputError:
        return 0


@pytest.fixture
def run(tmp_path, square_finder) -> list[object]:
    """A run over three slices of a video in which a square moves to the right, again and again."""
    write_square_video(tmp_path / "long.mp4", frames=FRAMES)
    return ["run", "-p", "yolo", "-m", square_finder, "long.mp4", "--no-annotate", "--device", "cpu"]


def test_a_run_numbers_objects_as_it_goes(mediaml, tmp_path, run):
    live = mediaml(*run, "-o", "live", "--track", "--jsonl", "stream.jsonl")
    assert live.code == 0, live.err
    assert mediaml(*run, "-o", "late").code == 0
    assert mediaml("track", "late").code == 0
    lines = results(tmp_path / "live")[1:]
    assert lines == results(tmp_path / "late")[1:]
    numbers = [one.get("track") for line in lines for one in line["detections"]]
    assert numbers == PASSES
    streamed = [json.loads(line) for line in (tmp_path / "stream.jsonl").read_text("utf-8").splitlines()]
    assert streamed[1:] == lines


def test_a_run_that_is_killed_amid_its_tracks_ends_as_an_undisturbed_one(mediaml, tmp_path, run):
    """SIGKILL to the process group as soon as one slice is tracked; the workers end as well."""
    command = [sys.executable, "-m", "mediaml", *map(str, run), "-o", "killed", "--track", "-q"]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    while process.poll() is None and not (has_ledger(tmp_path / "killed") and derived(tmp_path / "killed")):
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 1 <= derived(tmp_path / "killed") < 3
    assert mediaml(*run, "-o", "killed", "--track").code == 0
    numbers = [one.get("track") for line in results(tmp_path / "killed")[1:] for one in line["detections"]]
    assert numbers == PASSES


def test_results_of_a_run_without_tracks_are_tracked_by_the_next(mediaml, tmp_path, run):
    assert mediaml(*run, "-o", "out").code == 0
    assert mediaml(*run, "-o", "out", "--track").code == 0
    numbers = [one.get("track") for line in results(tmp_path / "out")[1:] for one in line["detections"]]
    assert numbers == PASSES


def test_what_cannot_be_tracked_is_said(mediaml, tmp_path):
    assert "holds no ledger" in mediaml("track", "nothing").err
    with Ledger(tmp_path / "empty") as ledger:
        ledger.begin_run({})
    empty = mediaml("track", "empty")
    assert (empty.code, empty.err.splitlines()[0]) == (2, "mediaml: empty holds no results.")
    with Ledger(tmp_path / "still") as ledger:
        ledger.add_model(MODEL)
        ledger.add_source(source("a.jpg"))
    still = mediaml("track", "still")
    assert still.code == 5
    assert "still holds no video" in still.err
    with Ledger(tmp_path / "blank") as ledger:
        commit_scene(ledger, (), even(5, 10), Detector())
    assert "blank holds no detections" in mediaml("track", "blank").err
    scene(tmp_path / "out", 20.0)
    assert "Did you mean 'finder'?" in mediaml("track", "out", "--model", "fnder").err
    assert "Did you mean 'truck'?" in mediaml("track", "out", "--classes", "truc").err
    assert "Did you mean 'bytetrack'?" in mediaml("track", "out", "--tracker", "bytetrak").err
    assert "holds no source that matches" in mediaml("track", "out", "--source", "*.avi").err


def test_what_cannot_be_counted_is_said(mediaml, tmp_path):
    scene(tmp_path / "out", 20.0)
    untracked = mediaml("count", "out")
    assert (untracked.code, untracked.err) == (
        2,
        "mediaml: nothing in out was tracked.\nmediaml: Track it first: mediaml track out\n",
    )
    assert mediaml("track", "out").code == 0
    for line in ("1,2,3", "1,2,3,x", "1,1,1,1", "nan,0,1,1"):
        said = mediaml("count", "out", "--line", line)
        assert said.code == 2
        assert "is not a line" in said.err
    for text, message in (
        ("{", "is not GeoJSON"),
        ('{"type":"Point","coordinates":[1,2]}', "holds no polygon"),
        ('{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}', "is not a polygon"),
        ('{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}', "Self-intersection"),
    ):
        (tmp_path / "zone.geojson").write_text(text, "utf-8")
        said = mediaml("count", "out", "--zone", "zone.geojson")
        assert said.code == 2
        assert message in said.err
    assert "cannot be read" in mediaml("count", "out", "--zone", "no.geojson").err


def test_counts_as_table_json_and_csv(mediaml, tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        commit_scene(ledger, HIDDEN, even(20, 40), Detector())
    assert mediaml("track", "out").code == 0
    zone = '{"type":"Polygon","coordinates":[[[400,0],[500,0],[500,360],[400,360],[400,0]]]}'
    (tmp_path / "zone.geojson").write_text(zone, "utf-8")
    asked = ["count", "out", "--line", "gate=320,0,320,360", "--zone", "zone.geojson", "--csv", "events.csv"]
    shown = mediaml(*asked)
    assert shown.code == 0
    refused = mediaml(*asked)
    assert (refused.code, refused.err.splitlines()[0]) == (2, "mediaml: events.csv exists already.")
    asked.append("--overwrite")
    assert ["scene.mp4", "finder", "car", "8"] in [line.split() for line in shown.out.splitlines()]
    record = json.loads(mediaml(*asked, "--json").out)["counts"][0]
    assert record["objects"] == {"car": 8}
    # From top to bottom, so that left to right is out.
    assert record["lines"] == [{"line": "gate", "class": "car", "in": 0, "out": 8}]
    assert record["zones"][0]["objects"] == 8
    assert record["zones"][0]["seconds"] == pytest.approx(8 * 100 / 80, abs=8 * 2 / 20)
    with (tmp_path / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    events = [row["event"] for row in rows]
    assert [events.count(one) for one in ("object", "out", "in", "inside")] == [8, 8, 0, 8]
    crossed = {int(row["track"]): float(row["begin_s"]) for row in rows if row["event"] == "out"}
    # Each is 4 s on its way to the line, and begins 2.5 s after the one before.
    assert [crossed[number] for number in sorted(crossed)] == pytest.approx(
        [2.5 * number + 4 for number in range(8)], abs=0.15
    )


def test_cells_that_begin_as_formulas_are_escaped_on_request(mediaml, tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        commit_scene(ledger, HIDDEN, even(20, 40), Detector())
    assert mediaml("track", "out").code == 0
    asked = ["count", "out", "--line", "@gate=320,0,320,360", "--csv"]
    assert mediaml(*asked, "plain.csv").code == 0
    assert mediaml(*asked, "safe.csv", "--escape-formulas", "--bom").code == 0
    plain, safe = (tmp_path / f"{name}.csv" for name in ("plain", "safe"))
    assert safe.read_bytes().startswith(b"\xef\xbb\xbfsource,")
    places = [
        {row["place"] for row in csv.DictReader(text.splitlines())}
        for text in (plain.read_text("utf-8"), safe.read_text("utf-8-sig"))
    ]
    assert places == [{"", "@gate"}, {"", "'@gate"}]


def test_untracked_results_are_pointed_out(mediaml, tmp_path):
    tracks = Tracks(TrackOptions())
    with Ledger(tmp_path / "out") as ledger:
        ids = commit_scene(ledger, HIDDEN, even(10, 60), Detector(), slices=range(2))
        advance(ledger.derivations, tracks, ask(ledger.derivations, tracks, [FINDER.name]), *ids)
        commit_scene(ledger, HIDDEN, even(10, 60), Detector(), slices=range(2, 3))
    counted = mediaml("count", "out")
    assert counted.code == 0
    assert "1 video with results that are not tracked" in counted.err
    assert (tmp_path / "out" / FILE_NAME).exists()


def test_without_the_package_it_is_said_what_to_install(mediaml, tmp_path, monkeypatch):
    from importlib import metadata

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("mediaml.derive.tracker.version", missing)
    scene(tmp_path / "out", 20.0)
    for command in (["track", "out"], ["run", "-p", "digits", "x.jpg", "--track"]):
        said = mediaml(*command)
        assert said.code == 2
        assert 'pip install "mediaml[track]"' in said.err


def test_the_commands_of_the_page_run(mediaml, tmp_path):
    page = (REPOSITORY / "docs/tracks.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "areas.geojson").write_text(example, "utf-8")
    scene(tmp_path / "out", 20.0)
    console = "".join(re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL))
    lines = [line for line in console.splitlines() if line.startswith(("mediaml track", "mediaml count"))]
    assert len(lines) == 9
    for line in lines:
        said = mediaml(*shlex.split(line, comments=True)[1:])
        assert said.code == 0, line + said.err
    head = (tmp_path / "events.csv").read_text("utf-8").splitlines()[0]
    assert head == "source,model,event,place,class,track,begin_s,end_s"
