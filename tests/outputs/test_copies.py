"""The process that draws may die or hang: the copy that it was at fails, and the others are drawn."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.annotated_media import AnnotatedMedia
from tests.support.media.files import write_video
from tests.support.output_folder import House


@pytest.fixture
def houses(tmp_path: Path) -> list[SourceRow]:
    """Three answered videos in one ledger; the first is long."""
    rows = []
    for name, frames in (("long.mp4", 3000), ("a.mp4", 20), ("b.mp4", 20)):
        write_video(tmp_path / name, frames=frames, width=64, height=48)
        house = House(tmp_path, tmp_path / name)
        house.answer(house.model("one"))
        rows.append(house.row)
        house.ledger.close()
    return rows


def drawn_by(copies: AnnotatedMedia, count: int) -> dict[str, Rendered]:
    """What came of so many copies, by the source's name."""
    done: list[Rendered] = []
    until = time.monotonic() + 100
    while len(done) < count:
        assert time.monotonic() < until
        done += copies.finished(wait_s=0.2)
    return {drawn.source.name: drawn for drawn in done}


def process() -> psutil.Process:
    """The process that draws."""
    (found,) = [child for child in psutil.Process().children() if "mediaml.outputs.render" in child.cmdline()]
    return found


def wait_for(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def is_drawing(folder: Path) -> bool:
    return bool(list((folder / ".segments").rglob("*.json")))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_dies_or_hangs_costs_the_copy_that_it_was_at(houses, tmp_path, how):
    stall_s = 3.0 if how == signal.SIGSTOP else None
    with AnnotatedMedia(stall_s) as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        for row in houses:
            copies.finish(row, tmp_path / "out" / f"{row.name}.annotated.mp4")
        wait_for(lambda: is_drawing(tmp_path / "out"))
        os.kill(process().pid, how)
        drawn = drawn_by(copies, 3)
        assert copies.pending == 0
    failure = drawn["long.mp4"].failure
    assert failure.stage == "write"
    assert ("SIGKILL" if how == signal.SIGKILL else "no progress for 3 s") in failure.message
    assert drawn["a.mp4"].failure is None and drawn["b.mp4"].failure is None
    assert sorted(path.name for path in (tmp_path / "out").glob("*.mp4")) == [
        "a.mp4.annotated.mp4",
        "b.mp4.annotated.mp4",
    ]


def test_a_source_that_ended_the_process_ahead_of_its_end_fails_when_its_turn_comes(houses, tmp_path):
    long, short, _ = houses
    with AnnotatedMedia() as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        copies.advance(long, 100)
        wait_for(lambda: is_drawing(tmp_path / "out"))
        os.kill(process().pid, signal.SIGSEGV)
        copies.finish(short, tmp_path / "out" / "a.annotated.mp4")
        assert drawn_by(copies, 1)["a.mp4"].failure is None
        copies.advance(long, 100)
        copies.finish(long, tmp_path / "out" / "long.annotated.mp4")
        assert "SIGSEGV" in drawn_by(copies, 1)["long.mp4"].failure.message


def test_a_process_that_dies_while_it_has_nothing_to_draw_costs_no_copy(houses, tmp_path):
    short = houses[1]
    with AnnotatedMedia() as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        copies.advance(short, 0)
        wait_for(lambda: not copies.finished() and copies.idle)
        assert is_drawing(tmp_path / "out")
        os.kill(process().pid, signal.SIGKILL)
        copies.finish(short, tmp_path / "out" / "a.annotated.mp4")
        assert drawn_by(copies, 1)["a.mp4"].failure is None


def test_a_process_that_has_rested_for_long_is_not_taken_for_one_that_hangs(houses, tmp_path):
    _, short, other = houses
    stall_s = 3.0
    with AnnotatedMedia(stall_s) as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        copies.advance(short, 0)
        wait_for(lambda: not copies.finished() and copies.idle)
        os.kill(process().pid, signal.SIGSTOP)
        time.sleep(stall_s + 0.2)
        copies.finish(other, tmp_path / "out" / "b.annotated.mp4")
        assert copies.finished(wait_s=0.2) == []
        os.kill(process().pid, signal.SIGCONT)
        copies.finish(short, tmp_path / "out" / "a.annotated.mp4")
        drawn = drawn_by(copies, 2)
    assert [one.failure for one in drawn.values()] == [None, None]


def test_a_process_that_never_gets_to_draw_is_not_started_for_ever(houses, tmp_path, monkeypatch):
    monkeypatch.setattr("mediaml.outputs.render.annotated_media.RENDERER", "mediaml.engine.local.nobody")
    with AnnotatedMedia() as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        for row in houses:
            copies.finish(row, tmp_path / "out" / f"{row.name}.annotated.mp4")
        drawn = drawn_by(copies, 3)
    assert all("exited with code 1" in one.failure.message for one in drawn.values())


def test_a_run_that_is_stopped_leaves_no_half_copy(houses, tmp_path):
    with AnnotatedMedia() as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        copies.finish(houses[0], tmp_path / "out" / "long.annotated.mp4")
        wait_for(lambda: is_drawing(tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("*.part"))
    assert not list((tmp_path / "out").rglob("*.mp4"))


def test_a_ledger_that_has_gone_fails_the_copy_without_a_traceback(houses, tmp_path, capfd):
    for path in (tmp_path / "out").glob("ledger.sqlite*"):
        path.unlink()
    with AnnotatedMedia() as copies:
        copies.begin(tmp_path / "out", Limits(), 1.0)
        copies.advance(houses[1], 0)
        copies.drop(houses[2].id)
        copies.finish(houses[1], tmp_path / "out" / "a.annotated.mp4")
        failure = drawn_by(copies, 1)["a.mp4"].failure
    assert failure.stage == "write" and "ledger" in failure.message
    assert capfd.readouterr().err == ""
