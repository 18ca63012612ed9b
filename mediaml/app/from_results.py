"""The library over an output folder, without a model: `mediaml.render`, `track`, `count` and `report`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from mediaml.app.counting import FolderCounts, count_folder
from mediaml.app.render import RenderConfig, RenderReport, render_folder
from mediaml.app.reporter import LoggingReporter, Reporter
from mediaml.app.tracking import TrackReport, track_folder
from mediaml.derive.lines import Line
from mediaml.derive.tracker import require_tracker
from mediaml.derive.zones import Zone, read_zones
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection, select_results
from mediaml.ops.look import Look
from mediaml.ops.yuv import Rgb

Texts = str | Iterable[str]


class ResultChoice(TypedDict, total=False):
    """Which results: keywords that `render`, `track`, `count` and `report` share; see `ResultSelection`."""

    min_score: float | None
    classes: Texts
    models: Texts
    sources: Texts
    everything: bool


def render(
    out: str | Path,
    target: str | Path | None = None,
    *,
    styles: Texts = "boxes",
    colors: Mapping[str, Rgb] | None = None,
    look: Look | None = None,
    audio: bool = True,
    root: str = "",
    overwrite: bool = False,
    reporter: Reporter | None = None,
    **choice: Unpack[ResultChoice],
) -> RenderReport:
    """Draw images and videos again from the results in an output folder.

    Args:
        out: the output folder of a run.
        target: the folder to write to; by default `out/rendered`.
        styles: `boxes`, `corners`, `labels`, `dim`, `trails`, `heatmap`, `blur`, `pixelate`; one or several.
        colors: red, green and blue by label.
        look: sizes, margins and times, with the styles and colours; instead of these two.
        audio: whether copies have the audio of their sources.
        root: the folder that holds the sources now, or `OLD=NEW`, if they moved.
        overwrite: replace files that exist.
        reporter: receives progress and failures; by default they go to the logger `mediaml`.
        choice: which results, see `ResultChoice`.

    Returns:
        What was written, and which sources could not be rendered: these do not raise.

    Raises:
        MediamlError: nothing was written; see `mediaml.app.render.render_folder`.
        ValueError: there is no such style.
    """
    folder = Path(out)
    config = RenderConfig(
        folder=folder,
        target=folder / "rendered" if target is None else Path(target),
        selection=_selection(**choice),
        look=look or Look(_texts(styles), colors=tuple((colors or {}).items())),
        audio=audio,
        root=root,
        overwrite=overwrite,
    )
    report = render_folder(config, reporter or LoggingReporter())
    if report.stopped:
        raise KeyboardInterrupt
    return report


def track(
    out: str | Path, *, tracker: str = "bytetrack", lost_s: float = 1.0, **choice: Unpack[ResultChoice]
) -> TrackReport:
    """Number the objects in the videos of an output folder; see docs/tracks.md.

    Args:
        out: the output folder of a run.
        tracker: `bytetrack`, `ocsort`, `cbiou` or `botsort`.
        lost_s: give an object up that was not found for so many seconds.
        choice: which results, see `ResultChoice`; from `min_score` on a detection begins an object.

    Raises:
        MediamlError: nothing was tracked; see `mediaml.app.tracking.track_folder`.
    """
    require_tracker(tracker)
    return track_folder(Path(out), _selection(**choice), tracker, lost_s)


def count(
    out: str | Path,
    *,
    lines: Texts = (),
    zones: Iterable[str | Path] | str | Path = (),
    least_s: float = 0.0,
    **choice: Unpack[ResultChoice],
) -> FolderCounts:
    """Count the tracked objects of an output folder: how many, which cross lines, which are in zones when.

    Args:
        out: the output folder of a run, tracked.
        lines: `x1,y1,x2,y2` or `NAME=x1,y1,x2,y2`, in pixels or shares of the size.
        zones: GeoJSON files of polygons.
        least_s: leave out objects that were seen for less than so many seconds.
        choice: which results, see `ResultChoice`.

    Raises:
        MediamlError: nothing was tracked, or a line or zone is none.
    """
    places = _lines(lines), _zones(zones)
    return count_folder(Path(out), _selection(**choice), *places, least_s=least_s)


def report(
    out: str | Path,
    target: str | Path | None = None,
    *,
    lines: Texts = (),
    zones: Iterable[str | Path] | str | Path = (),
    root: str = "",
    overwrite: bool = False,
    **choice: Unpack[ResultChoice],
) -> Path:
    """Write a page that shows the results in an output folder; returns its path.

    Args:
        out: the output folder of a run.
        target: the page; by default `out/report.html`. Thumbnails go to a folder beside it.
        lines, zones: where tracked objects are counted, see `count`.
        root: the folder that holds the sources now, or `OLD=NEW`, if they moved.
        overwrite: replace a page that exists.
        choice: which results, see `ResultChoice`.

    Raises:
        MediamlError: the page exists, or cannot be written.
    """
    from mediaml.outputs.report.counts import Places
    from mediaml.outputs.report.report import FILE_NAME, check_target, write_report

    page = Path(out) / FILE_NAME if target is None else Path(target)
    places, selection = Places(_lines(lines), _zones(zones)), _selection(**choice)
    with open_results(out) as results:
        check_target(page, overwrite=overwrite)
        selected = select_results(results, selection)
        write_report(selected, page, root=root, threshold=selection.min_score, places=places)
    return page


def _selection(
    *,
    min_score: float | None = None,
    classes: Texts = (),
    models: Texts = (),
    sources: Texts = (),
    everything: bool = False,
) -> ResultSelection:
    return ResultSelection(min_score, _texts(classes), _texts(models), _texts(sources), everything)


def _lines(given: Texts) -> list[Line]:
    return [Line.parse(text, f"line {number}") for number, text in enumerate(_texts(given), start=1)]


def _zones(given: Iterable[str | Path] | str | Path) -> list[Zone]:
    paths = (given,) if isinstance(given, str | Path) else given
    return [zone for path in paths for zone in read_zones(Path(path))]


def _texts(given: Texts) -> tuple[str, ...]:
    """A text counts as one, not as its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
