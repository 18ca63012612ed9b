"""Annotated media rendered in this process, for `--jobs 0`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.annotator import draw_copy
from mediaml.outputs.render.artist import Artist
from mediaml.outputs.render.paths import ARTIFACT, annotated_path, remove_segments


class InlineAnnotatedMedia:
    """The `SliceOutput` of `AnnotatedMedia` without a process: `finish` renders at once.

    Args:
        folder: the output folder. limits: as for reading. slice_s: length of the time slices, seconds.
    """

    kind = ARTIFACT
    pending = 0

    def __init__(self, folder: Path, limits: Limits, slice_s: float) -> None:
        self._folder = folder
        self._limits = limits
        self._artist = Artist(folder, limits, slice_s=slice_s)
        self._rendered: list[Rendered] = []

    def target(self, source: SourceRow) -> str | None:
        """See `annotated_path`."""
        return annotated_path(source)

    def advance(self, source: SourceRow, number: int) -> None:
        """Nothing is rendered ahead."""

    def finish(self, source: SourceRow, target: Path) -> None:
        """Render the whole file."""
        self._rendered.append(draw_copy(self._artist, self._folder, source, target, self._limits))

    def drop(self, source: int) -> None:
        """Nothing was rendered ahead."""

    def finished(self, *, wait_s: float = 0.0) -> list[Rendered]:
        """See `SliceOutput.finished`."""
        rendered, self._rendered = self._rendered, []
        return rendered

    def settle(self, sources: Iterable[int]) -> None:
        """Remove the segments of these sources."""
        remove_segments(self._folder, sources)

    def close(self) -> None:
        """Close the source and the ledger; closing twice does nothing."""
        self._artist.close()
