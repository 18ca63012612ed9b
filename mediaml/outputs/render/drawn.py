"""Annotated copies as records: where they go, and what came of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mediaml.core.location import Url
from mediaml.core.media import Kind
from mediaml.core.work import Failure
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.annotated_name import annotated_name

ARTIFACT = "annotated"
# How names of our own files and folders in an output folder begin; a source's folder may be called so too.
_OURS = re.compile(r"(\.lock|\.segments|ledger\.sqlite|(results|failures)\.jsonl|vectors-)", re.IGNORECASE)
# File systems take 255 bytes (ext4, NTFS, APFS); ".part" and the number of a name that is taken want room.
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of drawing one source: the failure, or `None` and what had to be left out of the copy."""

    source: SourceRow
    target: Path
    failure: Failure | None = None
    dropped: tuple[str, ...] = ()


def annotated_path(source: SourceRow) -> str | None:
    """Where a source's annotated copy goes, under the output folder; `None` for sound and for a URL.

    A stream cannot be read a second time, and the ledger does not keep what a URL needs to be opened.
    """
    if source.kind is None or source.kind is Kind.AUDIO or isinstance(source.path, Url):
        return None
    wanted = PurePosixPath(annotated_name(source.name, source.kind))
    folders = [_shortened(part, "") for part in wanted.parts[:-1]]
    if folders and _OURS.match(folders[0]):
        folders[0] += "~"
    ending = f".annotated{wanted.suffix}"
    return str(PurePosixPath(*folders, _shortened(wanted.name.removesuffix(ending), ending)))


def _shortened(stem: str, ending: str) -> str:
    """A name that every file system takes: at most `_LONGEST` bytes, cut between characters."""
    kept = stem.encode()[: _LONGEST - len(ending.encode())]
    return kept.decode(errors="ignore") + ending
