"""What is shown while a run works."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from mediaml.app.reporter import FileProgress, Progress
from mediaml.cli.clock import clock, roughly
from mediaml.cli.shell import Shell
from mediaml.cli.terminal import TerminalReporter, progress_line

HALF = FileProgress("clip.mp4", 300.0, 600.0)


def progress(elapsed_s: float) -> Progress:
    return Progress(files=3, total=8, frames=840, elapsed_s=elapsed_s, current=(HALF,))


def test_a_line_without_frames_where_no_model_runs():
    assert progress_line(replace(progress(70.0), frames=None)) == (
        "3 of 8 files, clip.mp4 at 0:05:00 of 0:10:00, about 2 min left"
    )


def test_progress_moves_within_a_file():
    assert progress(70.0).share == pytest.approx(3.5 / 8)
    assert progress(70.0).remaining_s == pytest.approx(90.0)
    assert FileProgress("live", 300.0, None).share == 0
    assert Progress(0, 1, 0, 1.0).remaining_s is None


def test_a_line_says_files_media_time_speed_and_time_left():
    assert progress_line(progress(70.0)) == (
        "3 of 8 files, clip.mp4 at 0:05:00 of 0:10:00, 840 frames, 12.0 frames/s, about 2 min left"
    )


def test_without_a_terminal_there_is_a_line_now_and_then(capsys):
    reporter = TerminalReporter(Shell())
    for second in range(1500):
        reporter.progress(progress(float(second)))
    # Every 30 s for five minutes, then every five minutes.
    assert len(capsys.readouterr().err.splitlines()) == 10 + 3


def test_a_quiet_run_says_nothing_of_it(capsys):
    reporter = TerminalReporter(Shell(quiet=True))
    reporter.progress(progress(3000.0))
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    reporter = TerminalReporter(Shell())
    reporter.progress(progress(70.0))
    reporter.close()
    assert " 44%|" in terminal.getvalue()
    assert "clip.mp4 at 0:05:00 of 0:10:00" in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "about 1 s"), (89, "about 89 s"), (240, "about 4 min"), (9000, "about 2.5 h")],
)
def test_what_is_estimated_is_rounded(seconds, shown):
    assert roughly(seconds) == shown


def test_a_clock_without_decimals():
    assert clock(3725.4) == "1:02:05"
