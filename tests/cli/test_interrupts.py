"""Ctrl-C and SIGTERM at the worst moments: no answer is lost between two others, and no result in silence."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mediaml.app.interrupts import Interrupts
from mediaml.engine.local.supervisor import Supervisor
from mediaml.engine.messages import TasksDone
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.rows import write_task
from tests.support.command_line import results
from tests.support.media.files import write_square_video

FRAMES = 3000


@pytest.fixture
def command(tmp_path, square_finder) -> list[object]:
    """A run over six time slices of a video."""
    write_square_video(tmp_path / "long.mp4", frames=FRAMES)
    run = ["run", "-p", "yolo", "-m", square_finder, "long.mp4", "-o", "out", "--no-annotate"]
    return [*run, "--device", "cpu"]


def frames(folder: Path) -> list[object]:
    return [line["frame"] for line in results(folder)[1:]]


def has_answers(supervisor: Supervisor) -> bool:
    """Whether a worker has told answers that the run has not looked at yet."""
    return any(isinstance(event.what, TasksDone) for event in list(supervisor._events._queue.queue))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_amid_a_commit_leaves_no_hole_in_a_video(mediaml, command, tmp_path, monkeypatch, number):
    running: list[Supervisor] = []
    moments = iter([number])
    begin = Supervisor.begin

    def watched(supervisor, setup, **how):
        running[:] = [supervisor]
        begin(supervisor, setup, **how)

    def interrupted(*what):
        write_task(*what)
        for now in moments:
            until = time.monotonic() + 100
            while not has_answers(running[0]) and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(os.getpid(), now)

    monkeypatch.setattr(Supervisor, "begin", watched)
    monkeypatch.setattr("mediaml.ledger.ledger.write_task", interrupted)
    said = mediaml(*command)
    assert said.code == 130, said.err
    kept = frames(tmp_path / "out")
    assert len(kept) > 500
    assert kept == list(range(len(kept)))
    again = mediaml(*command)
    assert again.code == 0, again.err
    assert frames(tmp_path / "out") == list(range(FRAMES))
    assert f"{FRAMES - len(kept)} frames" in again.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("earlier", [False, True])
def test_an_interrupt_while_results_are_written_is_told_and_the_next_run_writes_them(
    mediaml, square_finder, tmp_path, monkeypatch, number, earlier
):
    for name in ("first.mp4", "then.mp4"):
        write_square_video(tmp_path / name, frames=40)
    run = ("run", "-p", "yolo", "-m", square_finder, "-o", "out", "--no-annotate", "--device", "cpu")
    if earlier:
        assert mediaml(*run, "first.mp4").code == 0
        os.utime(tmp_path / "out/results.jsonl", (0, 0))
    with monkeypatch.context() as patch:
        patch.setattr("mediaml.outputs.jsonl.write_line", lambda *_: os.kill(os.getpid(), number))
        said = mediaml(*run, "first.mp4", "then.mp4")
    assert said.code == 130
    there = "the file there is from an earlier run" if earlier else "it does not exist yet"
    assert said.err.splitlines()[-2:] == [
        f"mediaml: interrupted before {Path('out/results.jsonl')} was written: {there}.",
        "mediaml: All results so far are in the ledger; rerun the same command to continue and to write it.",
    ]
    assert (tmp_path / "out/results.jsonl").exists() == earlier
    assert not list((tmp_path / "out").rglob("*.part"))
    behind = mediaml("status", "out").out.splitlines()[-1]
    assert behind.startswith(f"results.jsonl is {'from an earlier run' if earlier else 'missing'}: ")
    again = mediaml(*run, "first.mp4", "then.mp4")
    assert again.code == 0
    assert "2 already up to date, 0 frames" in again.err
    assert frames(tmp_path / "out") == [*range(40), *range(40)]
    assert "results.jsonl" not in mediaml("status", "out").out


def test_a_second_ctrl_c_says_what_was_not_written(mediaml, command, tmp_path, monkeypatch):
    commit, close = Ledger.commit, Supervisor.close

    def first(ledger, records):
        commit(ledger, records)
        signal.raise_signal(signal.SIGINT)

    def second(supervisor):
        close(supervisor)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", first)
        patch.setattr(Supervisor, "close", second)
        said = mediaml(*command)
    assert said.code == 130
    assert "results.jsonl was written: it does not exist yet." in said.err
    assert "Traceback" not in said.err
    again = mediaml(*command)
    assert again.code == 0, again.err
    assert frames(tmp_path / "out") == list(range(FRAMES))
    assert f" {FRAMES} frames" not in again.err


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts, interrupts.held():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_held_interrupt_comes_once_at_the_end():
    done = []
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            done.append("all")
        with interrupts.held():
            done.append("more")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert done == ["all", "more"]
