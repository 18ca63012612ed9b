"""What is written: columns that equal the results, files beside the page, sources that moved, bounds."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from mediaml.core.errors import UsageError
from mediaml.core.view import View
from mediaml.ledger.results import open_results
from mediaml.outputs.report import contents
from mediaml.outputs.report.contents import gather
from mediaml.outputs.report.places import Move, href
from mediaml.outputs.report.report import Report, write_report
from tests.support.report_folder import HEIGHT, WIDTH, ReportFolder, found
from tests.support.report_page import columns, facts


def written(made: ReportFolder, **how: Any) -> Path:
    with open_results(made.out) as results:
        return write_report(results, made.out / "report.html", **how).target


def test_the_columns_are_the_results(folder: ReportFolder, page_file: Path) -> None:
    told, column = facts(page_file), columns(page_file)
    read = []
    for source, model, first, count, _ in told["series"]:
        for frame in range(first, first + count):
            rows = slice(column["detection"][frame], column["detection"][frame + 1])
            labels = slice(column["label"][frame], column["label"][frame + 1])
            names = [told["classes"][place]["name"] for place in column["class_"][rows]]
            names += [told["classes"][place]["name"] for place in column["labelClass"][labels]]
            scores = [*column["score"][rows], *column["labelScore"][labels]]
            source_name, model_name = told["sources"][source]["name"], told["models"][model]["name"]
            time_s = round(float(column["time"][frame]), 4)
            read.append((source_name, model_name, time_s, names, [score / 10_000 for score in scores]))
    expected = []
    with open_results(folder.out) as results:
        for one in results.frames(view=View()):
            all_ = [found_.label for found_ in one.prediction.detections] + list(one.prediction.labels)
            scores = [int(label.score * 10_000 + 1e-9) / 10_000 for label in all_]
            expected.append(
                (one.source, one.model, round(one.time_s, 4), [label.name for label in all_], scores)
            )
    assert read == expected
    edges = [column[name][0] / 65_535 for name in ("left", "top", "right", "bottom")]
    assert edges == pytest.approx([20 / WIDTH, 10 / HEIGHT, 100 / WIDTH, 60 / HEIGHT], abs=1e-5)


def test_the_facts_name_what_ran(page_file: Path) -> None:
    told = facts(page_file)
    finder = told["models"][0]
    assert (finder["weights"], finder["sha256"], finder["devices"]) == ("finder.onnx", "f" * 64, ["cpu"])
    assert finder["least"] == 0.25
    assert [source["kind"] for source in told["sources"]] == [*["image"] * 3, "video", "audio", None]
    clip, tone = told["sources"][3:5]
    assert clip["href"] == "../media/clip.mp4" and clip["end"] == 2.0
    assert clip["strip"].endswith(".png") and tone["strip"].endswith(".png")


def test_thumbnails_are_small_and_reused(tmp_path: Path) -> None:
    made = ReportFolder(tmp_path)
    made.image("a.jpg", found("cat", 0.9))
    kept = made.image("b.jpg", found("cat", 0.9))
    page = written(made)
    beside = made.out / "report_files"
    before = {path.name: path.stat().st_mtime_ns for path in beside.iterdir()}
    assert len(before) == 2 and all(re.fullmatch(r"[0-9a-f]{24}\.jpg", name) for name in before)
    assert {path.stat().st_size < 10_000 for path in beside.iterdir()} == {True}
    (beside / "mine.txt").write_text("stays")
    written(made)
    assert {path.name: path.stat().st_mtime_ns for path in beside.glob("*.jpg")} == before
    kept.unlink()
    told = facts(written(made))
    assert len(list(beside.glob("*.jpg"))) == 1 and (beside / "mine.txt").exists()
    assert [source["state"] for source in told["sources"]] == ["here", "missing"]
    assert page == made.out / "report.html"
    made.ledger.close()


def test_moved_sources_are_found_again(tmp_path: Path) -> None:
    made = ReportFolder(tmp_path)
    made.image("x/a.jpg", found("cat", 0.9))
    made.image("y/b.jpg", found("cat", 0.9))
    shutil.copytree(made.media, tmp_path / "new")  # copies have times of their own
    for path in (tmp_path / "new").rglob("*.jpg"):
        os.utime(path, ns=(0, 0))
    shutil.rmtree(made.media)
    assert [one["state"] for one in facts(written(made))["sources"]] == ["missing", "missing"]
    for root in (str(tmp_path / "new"), f"{made.media}={tmp_path / 'new'}"):
        told = facts(written(made, root=root))["sources"]
        assert [one["state"] for one in told] == ["here", "here"]
        assert told[0]["href"] == "../new/x/a.jpg" and told[0]["thumbs"]
    (tmp_path / "new" / "x" / "a.jpg").write_bytes(b"another")
    assert facts(written(made, root=str(tmp_path / "new")))["sources"][0]["state"] == "changed"
    with pytest.raises(UsageError, match="no source is below"):
        written(made, root=f"/elsewhere={tmp_path}")
    with pytest.raises(UsageError, match="is not a folder"):
        written(made, root=str(tmp_path / "nowhere"))
    made.ledger.close()


def test_only_the_files_below_the_old_folder_move(tmp_path: Path) -> None:
    move = Move.of(f"/a/b={tmp_path}", [Path("/a/b/c.jpg"), Path("/a/d.jpg")])
    assert move.apply(Path("/a/b/c.jpg")) == tmp_path / "c.jpg"
    assert move.apply(Path("/a/d.jpg")) == Path("/a/d.jpg")


def test_urls_hold_any_name(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff #%?\"<'.jpg")
    assert href(tmp_path / name, tmp_path / "out") == "../%FF%20%23%25%3F%22%3C%27.jpg"


def test_more_rows_than_a_page_holds(folder: ReportFolder, tmp_path: Path) -> None:
    """First weak scores are left out, then frames of videos; what the page holds stays what it says."""
    with open_results(folder.out) as results:
        everything = gather(results)
        assert everything.bounds.floor == 0 and everything.bounds.every == 1
        scores = everything.findings.detections["score"]
        assert min(scores) == 1000
        fewer = gather(results, most_rows=40)  # 25 + 1 weak ones have 0.1
        assert fewer.bounds.floor == pytest.approx(0.11) and fewer.bounds.every == 1
        assert min(fewer.findings.detections["score"]) >= 2500
        thin = gather(results, most_rows=16)
        assert thin.bounds.every == 2
        (clip, *_) = [one for one in thin.findings.series if one.source == 3]
        assert clip.count == 25
        assert [one.count for one in thin.findings.series if one.source < 3] == [1, 1, 1]


def test_what_is_left_out_is_said(
    folder: ReportFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(contents.gather, "__defaults__", ("", 16))
    with open_results(folder.out) as results:
        told = facts(write_report(results, tmp_path / "r.html").target)
    assert told["notes"][1] == "Of videos and audio, 1 of 2 frames is here."
    assert told["notes"][0].startswith("There is much to show: scores below the threshold")


def test_it_is_an_output(tmp_path: Path) -> None:
    made = ReportFolder(tmp_path)
    made.image("a.jpg", found("cat", 0.9))
    made.ledger.close()
    output = Report()
    with open_results(made.out) as results:
        assert output.write(results, made.out) == made.out / "report.html"
        assert output.write(results, made.out) == made.out / "report.html"  # a later run replaces it
    assert output.name == "report"


def test_what_a_run_commits_meanwhile_is_left_for_the_next_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source with a new class, committed once the classes were read."""
    made = ReportFolder(tmp_path)
    made.image("a.jpg", found("cat", 0.9))
    bounds = contents._bounds

    def commit_then_bound(*arguments: Any) -> contents.Bounds:
        made.image("late.jpg", found("brand new", 0.9))
        return bounds(*arguments)

    monkeypatch.setattr(contents, "_bounds", commit_then_bound)
    first = facts(written(made))
    monkeypatch.undo()
    second = facts(written(made))
    assert [len(one["sources"]) for one in (first, second)] == [1, 2]
    assert [len(one["classes"]) for one in (first, second)] == [1, 2]
    made.ledger.close()
