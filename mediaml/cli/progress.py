"""The progress bar: on a terminal only, on stderr only."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import Any

from tqdm import tqdm

from mediaml.cli.shell import Shell


class Progress(AbstractContextManager["Progress"]):
    """Files done of files met, with frames per second and the time left.

    Args:
        total: number of files.
        shell: a quiet one, or one whose stderr is no terminal, shows no bar.
    """

    def __init__(self, total: int, shell: Shell) -> None:
        hidden = shell.quiet or not sys.stderr.isatty()
        self._bar: Any = tqdm(total=total, unit="file", file=sys.stderr, disable=hidden, dynamic_ncols=True)
        self._frames = 0
        self._started = time.monotonic()

    def close(self) -> None:
        """Leave the bar as it is; closing twice does nothing."""
        self._bar.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    @property
    def frames(self) -> int:
        """Frames answered in this run."""
        return self._frames

    def answered(self, frames: int) -> None:
        """More frames are answered and committed."""
        self._frames += frames

    def show(self, files: int) -> None:
        """So many files are settled."""
        self._bar.set_postfix_str(f"{self._frames / max(self.elapsed_s, 1e-9):.1f} frames/s", refresh=False)
        self._bar.update(files - self._bar.n)
