"""Where annotated media and their segments go, under the output folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mediaml.core.location import is_stream
from mediaml.core.media import Kind
from mediaml.ledger.recognise import OWN_NAMES
from mediaml.ledger.result_rows import SourceRow

ARTIFACT = "annotated"
"""The name of annotated media in the ledger."""
SEGMENTS = ".segments"
KEPT_SUFFIXES = (".jpg", ".jpeg", ".png")
"""Image formats whose annotated copies have the same format."""
SEQUENCES = {"gif": (".gif",), "png": (".png",), "tiff": (".tif", ".tiff"), "webp": (".webp",)}
"""By format: the endings of animations, and of a TIFF of several pages, whose copies have the same format."""
# File systems take 255 bytes (ext4, NTFS, APFS); ".part" and the number of a name that is taken want room.
_LONGEST = 240


def annotated_path(source: SourceRow, mark: str = "annotated") -> str | None:
    """Where a source's annotated copy goes, under the output folder; `None` for audio and for a stream.

    Args:
        mark: see `annotated_name`.

    A stream cannot be read a second time, and the ledger does not keep what a URL needs to be opened.
    """
    if source.kind is None or source.kind is Kind.AUDIO or is_stream(source.path):
        return None
    name = annotated_name(source.name, source.kind, mark, sequence=sequence_format(source))
    wanted = PurePosixPath(name)
    folders = [_shortened(part, "") for part in wanted.parts[:-1]]
    # A source's folder may have the name of one of mediaml's own files.
    if folders and OWN_NAMES.match(folders[0]):
        folders[0] += "~"
    ending = f".{mark}{wanted.suffix}"
    return str(PurePosixPath(*folders, _shortened(wanted.name.removesuffix(ending), ending)))


def _shortened(stem: str, ending: str) -> str:
    """A name that every file system takes: at most `_LONGEST` bytes, cut between characters."""
    kept = stem.encode()[: _LONGEST - len(ending.encode())]
    return kept.decode(errors="ignore") + ending


def sequence_format(source: SourceRow) -> str | None:
    """The format of a source that is an animation or a TIFF of several pages; `None` for others."""
    info = source.info
    is_sequence = source.kind is Kind.IMAGE and info is not None and (info.header_frames or 1) > 1
    return info.container if info is not None and is_sequence else None


def annotated_name(
    source_name: str, kind: Kind, mark: str = "annotated", *, sequence: str | None = None
) -> str:
    """The name of the annotated copy of a source: `a/b.mp4` gives `a/b.annotated.mp4`.

    Videos become MP4; images stay JPEG or PNG, and others become PNG. Animations and TIFFs of several pages
    keep the format, but for AVIF, which becomes an animated PNG. A suffix that changes stays in the
    name (`b.mov` gives `b.mov.annotated.mp4`), so that two sources beside each other keep two copies.

    Args:
        source_name: name or relative path, with forward slashes.
        kind: what the source is read as.
        mark: what stands before the suffix.
        sequence: see `sequence_format`.

    Raises:
        ValueError: audio has no annotated copy.
    """
    if kind is Kind.AUDIO:
        raise ValueError(f"{source_name}: audio has no annotated copy")
    path = PurePosixPath(source_name)
    kept: tuple[str, ...] = (".mp4",) if kind is Kind.VIDEO else KEPT_SUFFIXES
    made = ".mp4" if kind is Kind.VIDEO else ".png"
    if sequence is not None:
        kept = SEQUENCES.get(sequence, SEQUENCES["png"])
        made = kept[0]
    if path.suffix.lower() in kept:
        return str(path.with_name(f"{path.stem}.{mark}{path.suffix}"))
    return str(path.with_name(f"{path.name}.{mark}{made}"))


def segments_folder(output: Path, source: int) -> Path:
    """The folder of a source's segments."""
    return output / SEGMENTS / str(source)


def drawn_slices(output: Path, source: int) -> int:
    """How many slices of a source are drawn."""
    return sum(1 for _ in segments_folder(output, source).glob("*.json"))


def remove_segments(output: Path, sources: Iterable[int]) -> None:
    """Remove what is left of segments of some sources; what cannot be removed stays."""
    if not (output / SEGMENTS).exists():
        return
    for source in sources:
        shutil.rmtree(segments_folder(output, source), ignore_errors=True)
    with suppress(OSError):
        (output / SEGMENTS).rmdir()  # unless sources of other runs are under way
