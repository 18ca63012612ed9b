"""Progress of a run on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mediaml.cli.clock import clock, roughly
from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.app.report import RunReport
    from mediaml.app.reporter import Progress
    from mediaml.cli.shell import Shell
    from mediaml.ledger.result_rows import FailureRow

# Without a terminal: a line every 30 s, and after 5 minutes one every 5 minutes.
_OFTEN_S, _SELDOM_S = 30.0, 300.0
_BAR = "{percentage:3.0f}%|{bar}| {postfix}"


class TerminalReporter:
    """Reports on stderr; closes its bar with the last call.

    Args:
        shell: where output goes, and how much.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._terminal = sys.stderr.isatty() and not shell.quiet
        self._bar: Any = None
        self._next_line_s = _OFTEN_S

    @property
    def details(self) -> bool:
        """Whether it is verbose."""
        return self._shell.verbose

    def note(self, text: str) -> None:
        """A line, unless quiet."""
        self._shell.say(text)

    def detail(self, text: str) -> None:
        """A line, if verbose."""
        self._shell.detail(text)

    def warning(self, text: str) -> None:
        """A line, even if quiet; each text once."""
        self._shell.warn(text)

    def error(self, text: str) -> None:
        """Lines, even if quiet."""
        self.close()
        self._shell.error(text)

    def failure(self, failure: FailureRow) -> None:
        """A line, if verbose; the closing table names every failure."""
        why = failure.failure
        self._shell.detail(f"{failure.source.shown}: failed ({why.stage}): {why.message.splitlines()[0]}")

    def progress(self, progress: Progress) -> None:
        """Move the bar, or print a progress line when it is due."""
        if self._terminal:
            self._show(progress)
        elif progress.elapsed_s >= self._next_line_s:
            often = progress.elapsed_s < _SELDOM_S
            self._next_line_s = progress.elapsed_s + (_OFTEN_S if often else _SELDOM_S)
            self._shell.say(progress_line(progress))

    def finished(self, report: RunReport) -> None:
        """Leave the bar as it is."""
        self.close()

    def close(self) -> None:
        """Leave the bar as it is; closing twice does nothing."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show(self, progress: Progress) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=1.0, file=sys.stderr, dynamic_ncols=True, bar_format=_BAR)
        self._bar.n = round(progress.share, 4)
        self._bar.set_postfix_str(progress_line(progress), refresh=False)
        self._bar.update(0)


def progress_line(progress: Progress) -> str:
    """`3 of 12 files, clip.mp4 at 0:01:20 of 0:10:00, 840 frames, 29.1 frames/s, about 4 min left`."""
    parts = [f"{progress.files} of {counted(progress.total, 'file')}"]
    for file in progress.current[:1]:
        of = f" of {clock(file.duration_s)}" if file.duration_s else ""
        parts.append(f"{file.source} at {clock(file.time_s)}{of}")
    if progress.frames is not None:
        parts.append(f"{counted(progress.frames, 'frame')}, {progress.frames_per_s:.1f} frames/s")
    if progress.remaining_s is not None:
        parts.append(f"{roughly(progress.remaining_s)} left")
    return ", ".join(parts)
