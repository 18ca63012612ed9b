"""Annotated images, drawn from the ledger: single ones, animations, and TIFFs of several pages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Frame
from mediaml.core.slices import slice_of
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.slice_rows import DrawingResults
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.ops.drawing import Overlay
from mediaml.outputs.render.artist import Artist
from mediaml.outputs.render.layers import SliceAnswers, authors_of, overlay_of, picture_of


def draw_image(folder: Path, source: SourceRow, target: Path, limits: Limits) -> tuple[str, ...]:
    """Write the copy of a single image; returns and raises as `write_annotated_image`."""
    from mediaml.media.write.annotated_image import write_annotated_image

    with DrawingResults(folder) as results:
        watch = FileWatch(source.path, results.stamp(source.id)[:2])
        rows = results.slice_rows(source.id, 0)
        picture = picture_of(results, source.id, rows)
        overlay = overlay_of(rows, authors_of(results.models_of(source.id)))
    watch.check()
    return write_annotated_image(
        source.file, target, overlay, picture=picture, limits=limits, check=watch.check
    )


def draw_sequence(artist: Artist, folder: Path, source: SourceRow, target: Path, limits: Limits) -> None:
    """Write the copy of an animation or a TIFF of several pages, frame by frame.

    Args:
        artist: its `check` is called once per frame, and what it raises leaves no copy.

    Raises:
        MediaError: see `write_annotated_sequence`.
    """
    from mediaml.media.write.annotated_image import write_annotated_sequence

    with DrawingResults(folder) as results:
        watch = FileWatch(source.path, results.stamp(source.id)[:2])
        authors = authors_of(results.models_of(source.id))

        @lru_cache(1)
        def answers_of(number: int) -> SliceAnswers:
            return SliceAnswers(results.slice_rows(source.id, number), authors)

        def drawn(frame: Frame) -> tuple[Overlay, UInt8Array | None]:
            artist.check()
            moment = frame.time_s, frame.duration_s
            answers = answers_of(slice_of(frame.time_s, artist.slice_s))
            return answers.overlay(moment), picture_of(results, source.id, answers.rows(moment))

        watch.check()
        write_annotated_sequence(source.file, target, drawn, limits=limits, check=watch.check)
