"""Takes crops, frames, clips and contact sheets out of sources, as the ledger says; no model is run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mediaml.app.render import UNLIMITED, RenderReport, require_unchanged
from mediaml.app.reporter import FileProgress, Progress, Reporter
from mediaml.core.errors import MediaError, NoInputsError, OutputError
from mediaml.core.location import is_stream
from mediaml.core.media import Kind
from mediaml.core.work import Failure
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.ledger.slice_rows import DrawingResults
from mediaml.outputs.extract.collection import Collection
from mediaml.outputs.extract.findings import findings, thinned
from mediaml.outputs.moved import moved_sources

if TYPE_CHECKING:
    from mediaml.outputs.extract.heatmaps import HeatMaps

Piece = Literal["crops", "frames", "clips", "heatmaps"]
PIECES: tuple[Piece, ...] = ("crops", "frames", "clips", "heatmaps")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractConfig:
    """What is taken out of the sources of an output folder.

    Attributes:
        folder: the output folder of a run. target: the folder in which each piece has a folder.
        pieces: what is taken out.
        selection: which results count. root: see `RenderConfig`.
        overwrite: replace the files of an earlier extraction.
        every_s: seconds between two frames of a source that are used at least; 0 uses all.
        padding_s: seconds before and after the moments of clips. exact: encode clips.
    """

    folder: Path
    target: Path
    pieces: tuple[Piece, ...]
    selection: ResultSelection = field(default_factory=ResultSelection)
    root: str = ""
    overwrite: bool = False
    every_s: float = 0.0
    padding_s: float = 1.0
    exact: bool = False


def extract(config: ExtractConfig, reporter: Reporter) -> RenderReport:
    """Write the pieces; a source that fails is in the report.

    Raises:
        OutputError: the folder holds no ledger, nothing is selected, or files exist already.
        UsageError: `root` does not fit.
        MediaError: a heat map of several sources cannot be written.
    """
    written: list[Path] = []
    failures: list[tuple[str, Failure]] = []
    with opened(config.folder, config.selection, config.root) as (view, sources):
        into = {
            piece: Collection(config.target / piece, overwrite=config.overwrite) for piece in config.pieces
        }
        heat = _heat_maps(into)
        began_s = time.monotonic()
        for done, source in enumerate(sources):
            current = (FileProgress(source.shown, 0.0, None),)
            reporter.progress(Progress(done, len(sources), None, time.monotonic() - began_s, current))
            try:
                require_unchanged(view, source)
                _extract(config, view, source, into, heat)
            except (MediaError, OutputError) as error:
                failures.append((source.shown, Failure.of("write", error)))
                reporter.error(str(error))
        reporter.progress(Progress(len(sources), len(sources), None, time.monotonic() - began_s))
        if heat is not None:
            heat.finish()
        for collection in into.values():
            collection.finish()
            written += [collection.folder / name for name in collection.names()]
    return RenderReport(config.target, tuple(written), tuple(failures))


def _heat_maps(into: dict[Piece, Collection]) -> HeatMaps | None:
    from mediaml.outputs.extract.heatmaps import HeatMaps

    return HeatMaps(into["heatmaps"], UNLIMITED) if "heatmaps" in into else None


def _extract(
    config: ExtractConfig,
    view: DrawingResults,
    source: SourceRow,
    into: dict[Piece, Collection],
    heat: HeatMaps | None,
) -> None:
    from mediaml.outputs.extract.clips import write_clips
    from mediaml.outputs.extract.stills import write_crops, write_frames

    found = findings(view, source)
    if source.kind in (Kind.IMAGE, Kind.VIDEO):
        stills = thinned(found, config.every_s)
        if "crops" in into:
            write_crops(source, stills, into["crops"], UNLIMITED)
        if "frames" in into:
            write_frames(source, stills, into["frames"], UNLIMITED)
        if heat is not None:
            heat.add(source, found)
    if "clips" in into and source.kind in (Kind.VIDEO, Kind.AUDIO):
        padding, exact = config.padding_s, config.exact
        write_clips(source, found, into["clips"], UNLIMITED, padding_s=padding, exact=exact)


@contextmanager
def opened(
    folder: Path, selection: ResultSelection, root: str
) -> Iterator[tuple[DrawingResults, Sequence[SourceRow]]]:
    """The selected results of a folder, and those of their sources that are files.

    Raises:
        OutputError: see `select_results`. UsageError: see `Move.of`.
    """
    with open_results(folder) as results:
        exact = select_results(results, selection).selection
    with DrawingResults(folder, exact) as view:
        yield view, [one for one in moved_sources(view, root) if not is_stream(one.path) and one.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetConfig:
    """A contact sheet, as it was asked for.

    Attributes:
        folder: the output folder of a run. target: the image to write, JPEG or PNG by its suffix.
        frames: whole frames instead of detections.
        columns: tiles in a row. side: pixels of a tile. most: number of tiles at most.
        selection, root, overwrite: see `ExtractConfig`.
    """

    folder: Path
    target: Path
    frames: bool = False
    columns: int = 8
    side: int = 200
    most: int = 64
    selection: ResultSelection = field(default_factory=ResultSelection)
    root: str = ""
    overwrite: bool = False


def write_sheet(config: SheetConfig) -> int:
    """Write a contact sheet; returns the number of its tiles.

    Raises:
        OutputError: see `extract`. NoInputsError: nothing was found. MediaError: a source cannot be read.
    """
    from mediaml.media.write.still import write_still
    from mediaml.ops.sheet import sheet
    from mediaml.outputs.extract.montage import picks, tiles

    if config.target.exists() and not config.overwrite:
        raise OutputError(f"{config.target} exists already.", "--overwrite replaces it.")
    with opened(config.folder, config.selection, config.root) as (view, sources):
        chosen = picks(view, sources, config.most, frames=config.frames)
        if not chosen:
            raise NoInputsError(
                "nothing to show: no detection is selected.", "Lower --conf, or show frames with --frames."
            )
        for source in {pick.source.id: pick.source for pick in chosen}.values():
            require_unchanged(view, source)
        made = tiles(chosen, config.side, UNLIMITED, frames=config.frames)
    write_still(sheet(made, config.columns, config.side), config.target, marked=True)
    return len(made)
