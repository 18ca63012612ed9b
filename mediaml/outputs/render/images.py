"""Annotated images, drawn from the ledger: single ones, animations, and TIFFs of several pages."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Frame
from mediaml.core.slices import slice_of
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.slice_rows import DrawingResults
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.ops.heat import HeatMap
from mediaml.ops.overlay import Overlay
from mediaml.outputs.render.artist import Artist
from mediaml.outputs.render.job import RenderJob
from mediaml.outputs.render.layers import authors_of, overlay_of, picture_of
from mediaml.outputs.render.neighbours import Neighbours
from mediaml.outputs.render.slice_answers import Sampled, SliceAnswers, require_answered


def draw_image(
    folder: Path,
    source: SourceRow,
    target: Path,
    limits: Limits,
    job: RenderJob = RenderJob(),  # noqa: B008
) -> tuple[str, ...]:
    """Write the copy of a single image; returns and raises as `write_annotated_image`."""
    from mediaml.media.write.annotated_image import write_annotated_image

    with DrawingResults(folder, job.selection) as results:
        watch = FileWatch(source.path, results.stamp(source.id)[:2])
        rows = results.slice_rows(source.id, 0)
        picture = picture_of(results, source.id, rows)
        overlay = overlay_of(rows, authors_of(results.models_of(source.id)))
        if "heatmap" in job.look.styles:
            overlay = _with_heat(overlay, source)
    watch.check()
    return write_annotated_image(
        source.file, target, overlay, picture=picture, look=job.look, limits=limits, check=watch.check
    )


def _with_heat(overlay: Overlay, source: SourceRow) -> Overlay:
    """The overlay of an image with the places of its boxes."""
    size = (source.info.width, source.info.height) if source.info else (None, None)
    heat = HeatMap(size[0] or 1, size[1] or 1)
    heat.add([found.box for found in overlay.found()], 0.0)
    return replace(overlay, heat=heat.levels(heat.most()))


def draw_sequence(
    artist: Artist,
    folder: Path,
    source: SourceRow,
    target: Path,
    limits: Limits,
    job: RenderJob = RenderJob(),  # noqa: B008
) -> None:
    """Write the copy of an animation or a TIFF of several pages, frame by frame.

    Args:
        artist: its `check` is called once per frame, and what it raises leaves no copy.

    Raises:
        MediaError: see `write_annotated_sequence`.
    """
    from mediaml.media.write.annotated_image import write_annotated_sequence

    with DrawingResults(folder, job.selection) as results:
        watch = FileWatch(source.path, results.stamp(source.id)[:2])
        models = results.models_of(source.id)
        authors = authors_of(models)
        neighbours = Neighbours(results, job.look, artist.slice_s)

        @lru_cache(1)
        def answers_of(number: int) -> SliceAnswers:
            around = neighbours.of(source, number)
            sampled = Sampled.of(models, lambda model: results.row_before(source.id, model, number))
            rows = results.slice_rows(source.id, number, artist.slice_s)
            return SliceAnswers(rows, authors, job.look, around, sampled)

        def drawn(frame: Frame) -> tuple[Overlay, UInt8Array | None]:
            artist.check()
            moment = frame.time_s, frame.duration_s
            answers = answers_of(slice_of(frame.time_s, artist.slice_s))
            if job.look.hides:
                require_answered(source, answers, models, [moment])
            return answers.overlay(moment), picture_of(results, source.id, answers.rows(moment))

        watch.check()
        write_annotated_sequence(source.file, target, drawn, look=job.look, limits=limits, check=watch.check)
