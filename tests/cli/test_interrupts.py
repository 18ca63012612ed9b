"""Ctrl-C and SIGTERM at the worst moments: no answer is lost between two others, and no result in silence."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mediaml.ledger.ledger import Ledger
from mediaml.workers.messages import Answered
from mediaml.workers.supervisor import Supervisor
from tests.cli.conftest import results
from tests.make_media import write_square_video

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
    return any(isinstance(event.what, Answered) for event in list(supervisor._events._queue.queue))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_amid_a_commit_leaves_no_hole_in_a_video(mediaml, command, tmp_path, monkeypatch, number):
    running: list[Supervisor] = []
    moments = iter([number])
    begin, write = Supervisor.begin, Ledger._write

    def watched(supervisor, setup):
        running[:] = [supervisor]
        begin(supervisor, setup)

    def interrupted(ledger, record):
        write(ledger, record)
        for now in moments:
            until = time.monotonic() + 100
            while not has_answers(running[0]) and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(os.getpid(), now)

    monkeypatch.setattr(Supervisor, "begin", watched)
    monkeypatch.setattr(Ledger, "_write", interrupted)
    said = mediaml(*command)
    assert said.code == 130, said.err
    kept = frames(tmp_path / "out")
    assert len(kept) > 500
    assert kept == list(range(len(kept)))
    again = mediaml(*command)
    assert again.code == 0, again.err
    assert frames(tmp_path / "out") == list(range(FRAMES))
    assert f"{FRAMES - len(kept)} frames" in again.err
