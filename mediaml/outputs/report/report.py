"""Writes a report: the page, and beside it a folder with the thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mediaml.core.atomic_file import atomic_file
from mediaml.core.errors import OutputError
from mediaml.ledger.results import Results
from mediaml.outputs.report.contents import gather
from mediaml.outputs.report.counts import NOWHERE, Places
from mediaml.outputs.report.facts import facts
from mediaml.outputs.report.page import write_page
from mediaml.outputs.report.pictures import Progress, make_pictures

FILE_NAME = "report.html"
FOLDER_SUFFIX = "_files"
"""What the name of the folder of thumbnails ends in; it begins as that of the page."""


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written.

    Attributes:
        target: the page.
        missing, changed: number of sources that are not where they were, or not what they were.
        problems: number of sources without a thumbnail because they could not be read.
    """

    target: Path
    missing: int
    changed: int
    problems: int


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a target that exists.

    Raises:
        OutputError: it does, and is not to be overwritten, or is a folder.
    """
    if target.is_dir():
        raise OutputError(f"{target} is a folder.", "Name a file, such as report.html.")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists.", "Replace it with --overwrite, or name another file with -o.")


def write_report(
    results: Results,
    target: Path,
    *,
    root: str = "",
    threshold: float | None = None,
    places: Places = NOWHERE,
    progress: Progress = lambda done, of: None,
) -> Written:
    """Write a page; thumbnails that are there already are kept, and those of an earlier page removed.

    Args:
        results: what it shows, see `mediaml.ledger.selection`.
        target: the page, which is replaced.
        root: where the sources moved, see `Move.of`; empty where they did not.
        places: the lines and zones at which tracked objects are counted.
        threshold: where the page's threshold begins for all models; `None` for what each was run with.

    Raises:
        OutputError: it cannot be written, or nothing was tracked that could be counted.
        UsageError: `root` does not fit.
    """
    contents = gather(results, root, places)
    pictures = make_pictures(contents.items, target.with_name(target.stem + FOLDER_SUFFIX), progress)
    values = facts(contents, pictures, target.absolute().parent, threshold)
    found = contents.findings
    with atomic_file(target) as file:
        write_page(file, values, [found.frames, found.detections, found.labels, found.points])
    states = [item.place.state for item in contents.items]
    problems = sum(bool(one.problem) for one in pictures.values())
    return Written(target, states.count("missing"), states.count("changed"), problems)


class Report:
    """The `Output` `report`: `report.html`, written again after every run that asks for it."""

    name = "report"

    def write(self, results: Results, folder: Path) -> Path:
        """See `write_report`."""
        return write_report(results, folder / FILE_NAME).target
