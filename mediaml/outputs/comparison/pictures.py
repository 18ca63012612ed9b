"""Thumbnails of the frames that a page shows, in a folder beside it."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from mediaml.core.atomic_file import writing
from mediaml.core.media import Kind
from mediaml.ledger.report_rows import ReportRows
from mediaml.ledger.results import Results
from mediaml.outputs.report.messages import Thumbnails
from mediaml.outputs.report.pictures import names_in, tidied
from mediaml.outputs.report.places import place_of
from mediaml.outputs.report.report import FOLDER_SUFFIX
from mediaml.outputs.report.thumbnails import make_all

Moment = tuple[int, float]
"""Id of a source and time of a frame in it, seconds."""


def frame_pictures(results: Results, moments: Iterable[Moment], page: Path) -> dict[Moment, str]:
    """URLs, relative to the page, of thumbnails of frames; those that cannot be made are left out.

    A source that is not where it was, or not what it was, has none.

    Raises:
        OutputError: the folder cannot be made.
    """
    folder = page.with_name(page.stem + FOLDER_SUFFIX)
    stamps = ReportRows(results).stamps()
    wanted: defaultdict[int, list[float]] = defaultdict(list)
    for source, time_s in sorted(set(moments)):
        wanted[source].append(time_s)
    names: dict[Moment, str] = {}
    orders = []
    for source, times in wanted.items():
        row = results.source(source)
        place = place_of(row.path, stamps[source], None)
        if place.state != "here" or place.path is None or row.kind not in (Kind.IMAGE, Kind.VIDEO):
            continue
        key = os.fsencode(str(row.path)) + b"\0%d" % stamps[source].mtime_ns
        found = [hashlib.sha256(key + b"\0%.6f" % time_s).hexdigest()[:24] + ".jpg" for time_s in times]
        names |= {(source, time_s): name for time_s, name in zip(times, found, strict=True)}
        targets = tuple(os.fsencode(folder.absolute() / name) for name in found)
        location = os.fsencode(place.path.absolute())
        orders.append(Thumbnails(source, location, row.kind, tuple(times), targets))
    tidied(folder, set(names.values()))
    if orders:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for _ in make_all(orders):
            pass
    there = set(names_in(folder))
    base = quote(os.fsencode(folder.name))
    return {moment: f"{base}/{name}" for moment, name in names.items() if name in there}
