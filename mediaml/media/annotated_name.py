"""What annotated copies are called."""

from __future__ import annotations

from pathlib import PurePosixPath

from mediaml.core.media import Kind

KEPT_SUFFIXES = (".jpg", ".jpeg", ".png")


def annotated_name(source_name: str, kind: Kind) -> str:
    """What the annotated copy of a source is called: `a/b.mp4` gives `a/b.annotated.mp4`.

    Videos become MP4; pictures stay JPEG or PNG, and others become PNG. A suffix that changes stays in the
    name (`b.mov` gives `b.mov.annotated.mp4`), so that two sources beside each other keep two copies.

    Args:
        source_name: name or relative path, with forward slashes.
        kind: what the source is read as.

    Raises:
        ValueError: sound has no annotated copy.
    """
    if kind is Kind.AUDIO:
        raise ValueError(f"{source_name}: sound has no annotated copy")
    path = PurePosixPath(source_name)
    kept = (".mp4",) if kind is Kind.VIDEO else KEPT_SUFFIXES
    if path.suffix.lower() in kept:
        return str(path.with_name(f"{path.stem}.annotated{path.suffix}"))
    return str(path.with_name(f"{path.name}.annotated{'.mp4' if kind is Kind.VIDEO else '.png'}"))
