"""Ledgers into one: nothing is lost, nothing is twice, and what does not agree is named."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.app.merge import merge_folders
from mediaml.core.errors import OutputError, UsageError
from mediaml.core.media import Kind
from mediaml.core.shard import Shard
from mediaml.core.view import View
from mediaml.core.work import Failure, Task
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.integrity import check
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.ledger.schema import FILE_NAME, connect
from mediaml.pipeline.patterns import path_key
from tests.support.ledger_tasks import CAT, MODEL, NEWER, OTHER, boxes, derive, result, source

DOG = boxes(("dog", 0.9), ("cat", 0.4))


def write(
    folder: Path, *names: str, said=CAT, model=MODEL, slices: int = 1, last: bool = True, **facts
) -> Path:
    """A ledger in which each file has frames 0 to 2 in each slice."""
    with Ledger(folder) as ledger:
        run = ledger.begin_run({"folder": folder.name})
        number = ledger.add_model(model, View(), ("cat",))
        for name in names:
            file = ledger.add_source(source(name, **facts), Kind.VIDEO)
            for slice_ in range(slices):
                end = last and slice_ == slices - 1
                frames = range(3 * slice_, 3 * slice_ + 3)
                ledger.commit([result(Task(file, number, slice_), frames, last=end, said=said)])
        ledger.end_run(run)
    return folder


def rows(folder: Path) -> list[tuple[str, str, int, tuple[str, ...]]]:
    """Every frame that is shown, with the names of its detections."""
    with open_results(folder, checked=True) as results:
        return [
            (one.source, one.model, one.frame, tuple(box.label.name for box in one.prediction.detections))
            for one in results.frames()
        ]


def whole(folder: Path) -> None:
    """The ledger passes all checks of its structure, counts and checksums."""
    with closing(connect(folder, readonly=True)) as db:
        check(db)


def test_sources_of_all_folders_come_in_the_order_of_a_scan(tmp_path):
    first = write(tmp_path / "a", "p/10.mp4", "p/sub/1.mp4", said=DOG)
    second = write(tmp_path / "b", "p/2.mp4", "p/z.mp4")
    report = merge_folders([first, second], tmp_path / "all")
    assert [row[0] for row in rows(tmp_path / "all")][::3] == [
        "p/2.mp4",
        "p/10.mp4",
        "p/z.mp4",
        "p/sub/1.mp4",
    ]
    assert dict.fromkeys(row[3] for row in rows(tmp_path / "all") if row[0] == "p/10.mp4") == {
        ("dog", "cat"): None
    }
    assert (report.sources, report.conflicts) == (4, ())
    assert sorted(rows(tmp_path / "all")) == sorted(rows(first) + rows(second))
    whole(tmp_path / "all")


def test_a_second_merge_changes_nothing_and_adds_what_is_new(tmp_path):
    first = write(tmp_path / "a", "1.mp4")
    merge_folders([first], tmp_path / "all")
    before = (tmp_path / "all" / "results.jsonl").read_bytes()
    report = merge_folders([first, tmp_path / "all", first], tmp_path / "all")
    assert [(taken.added, taken.answers) for _, taken in report.taken] == [(0, 0)]
    assert (tmp_path / "all" / "results.jsonl").read_bytes() == before
    merge_folders([write(tmp_path / "b", "0.mp4")], tmp_path / "all")
    assert [row[0] for row in rows(tmp_path / "all")][::3] == ["0.mp4", "1.mp4"]
    with open_results(tmp_path / "all") as results:
        assert [run.frames for run in results.runs()] == [3, 3]


def test_what_is_further_on_is_kept_whichever_comes_first(tmp_path):
    part = write(tmp_path / "part", "a.mp4", slices=2, last=False)
    done = write(tmp_path / "done", "a.mp4", slices=3)
    failed = write(tmp_path / "failed")
    with Ledger(failed) as ledger:
        file, model = ledger.add_source(source("a.mp4"), Kind.VIDEO), ledger.add_model(MODEL)
        ledger.commit([TaskRecord(Task(file, model, 0), failure=Failure("decode", "MediaError", "broken."))])
    for place, order in enumerate(([part, done, failed], [failed, done, part], [done, failed, part])):
        report = merge_folders(order, tmp_path / f"all{place}")
        assert report.conflicts == ()
        assert rows(tmp_path / f"all{place}") == rows(done)
        assert not (tmp_path / f"all{place}" / "failures.jsonl").exists()
        whole(tmp_path / f"all{place}")


def test_answers_that_differ_are_named_and_the_first_are_kept(tmp_path):
    first, second = write(tmp_path / "a", "1.mp4"), write(tmp_path / "b", "1.mp4", said=DOG)
    report = merge_folders([first, second], tmp_path / "all")
    assert [str(one) for one in report.conflicts] == [
        "1.mp4: cats: the answers differ; those that were there first are kept"
    ]
    assert rows(tmp_path / "all") == rows(first)


@pytest.mark.parametrize("newer_first", [True, False])
def test_only_answers_to_the_latest_state_of_a_file_are_kept(tmp_path, newer_first):
    old, new = write(tmp_path / "a", "1.mp4"), tmp_path / "b"
    with Ledger(new) as ledger:
        later = replace(source("1.mp4", size=11), mtime_ns=2)
        file, model = ledger.add_source(later, Kind.VIDEO), ledger.add_model(MODEL)
        ledger.commit([result(Task(file, model, 0), range(5), said=DOG)])
    report = merge_folders([new, old] if newer_first else [old, new], tmp_path / "all")
    (conflict,) = report.conflicts
    assert str(conflict) == (
        "1.mp4: the file changed between the runs; only the answers to its latest state are kept"
    )
    assert rows(tmp_path / "all") == rows(new)
    whole(tmp_path / "all")


def test_other_weights_stay_beside_and_newer_versions_are_one_model(tmp_path):
    first = write(tmp_path / "a", "1.mp4")
    report = merge_folders([first, write(tmp_path / "b", "1.mp4", model=OTHER, said=DOG)], tmp_path / "all")
    assert [str(one) for one in report.conflicts] == [
        "cats: asked for with other weights or options; those asked for first are shown, all are kept"
    ]
    assert rows(tmp_path / "all") == rows(first)
    with open_results(tmp_path / "all") as results:
        assert len(results.models(current=False)) == 2
    assert (
        merge_folders([first, write(tmp_path / "c", "2.mp4", model=NEWER)], tmp_path / "both").conflicts == ()
    )
    assert len(rows(tmp_path / "both")) == 6


def test_classes_that_are_numbered_otherwise_keep_their_names(tmp_path):
    first = write(tmp_path / "a", "1.mp4", said=boxes(("owl", 0.5), ("ant", 0.5)))
    second = write(tmp_path / "b", "2.mp4", said=boxes(("ant", 0.5), ("owl", 0.5), ("cat", 0.5)))
    merge_folders([first, second], tmp_path / "all")
    assert {row[3] for row in rows(tmp_path / "all")} == {("owl", "ant"), ("ant", "owl", "cat")}
    assert sorted(rows(tmp_path / "all")) == sorted(rows(first) + rows(second))


def test_tracks_come_along(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, f"{name}.mp4", slices=2)
        with Ledger(tmp_path / name) as ledger:
            derive(ledger, 1, 1)
    merge_folders([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    whole(tmp_path / "all")
    with open_results(tmp_path / "all", checked=True) as results:
        tracks = [box.track for one in results.frames() for box in one.prediction.detections]
    assert tracks == [10] * 12


def test_outputs_of_files_with_one_name_stay_apart(tmp_path):
    first = write(tmp_path / "a", "1.mp4", path="/disk1/1.mp4")
    second = write(tmp_path / "b", "1.mp4", path="/disk2/1.mp4")
    merge_folders([first, second], tmp_path / "all")
    with open_results(tmp_path / "all") as results:
        assert [one.name for one in results.sources()] == ["1.mp4", "1~2.mp4"]


def test_what_cannot_be_merged_is_refused(tmp_path):
    first = write(tmp_path / "a", "1.mp4")
    with pytest.raises(OutputError, match="holds no ledger"):
        merge_folders([first, tmp_path / "missing"], tmp_path / "all")
    with pytest.raises(UsageError, match="nothing to merge"):
        merge_folders([first], first)
    damaged = write(tmp_path / "b", *(f"{number}.mp4" for number in range(200)))
    data = bytearray((damaged / FILE_NAME).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    (damaged / FILE_NAME).write_bytes(data)
    with pytest.raises(OutputError, match="damaged"):
        merge_folders([damaged], tmp_path / "all")


@given(names=st.sets(st.text(max_size=12), max_size=60), count=st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_every_name_belongs_to_one_shard(names, count):
    held = [name for number in range(count) for name in names if Shard(number + 1, count).holds(name)]
    assert sorted(held) == sorted(names)


def test_shards_are_of_like_size_and_fixed():
    names = [f"photos/{number}.jpg" for number in range(64_000)]
    sizes = [sum(map(Shard(number, 64).holds, names)) for number in (1, 7, 64)]
    assert all(880 < size < 1120 for size in sizes)
    assert Shard(3, 4).holds("photos/1.jpg") == Shard(3, 4).holds("photos/1.jpg")
    assert [Shard(number, 8).holds("a/b.mp4") for number in range(1, 9)].index(True) == 3


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4", "1/4/2", ""])
def test_no_shard(text):
    with pytest.raises(UsageError):
        Shard.parse(text)


def test_a_file_comes_before_the_folders_beside_it():
    shown = ["p/2.jpg", "p/10.jpg", "p/a/1.jpg", "p/a-1/1.jpg", "p/b.jpg"]
    assert sorted(shown, key=path_key) == ["p/2.jpg", "p/10.jpg", "p/b.jpg", "p/a/1.jpg", "p/a-1/1.jpg"]
