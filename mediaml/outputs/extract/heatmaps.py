"""Heat maps as pictures: where objects were in a whole video, or in sources of one folder and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mediaml.core.media import Kind
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.ops.drawing import Overlay, Painter
from mediaml.ops.heat import HeatMap
from mediaml.ops.look import Look
from mediaml.ops.surface import RgbSurface
from mediaml.outputs.extract.collection import Collection
from mediaml.outputs.extract.findings import Finding
from mediaml.outputs.extract.stills import images_of

Size = tuple[int, int]


@dataclass(slots=True)
class _Whole:
    """The sources of a folder that have one size: their heat, and the first of them as the background."""

    heat: HeatMap
    source: SourceRow
    ground: Finding
    sources: int = 0


class HeatMaps:
    """Writes a picture per video, `SOURCE.jpg`, and one per folder and size: `all-WIDTHxHEIGHT.jpg`.

    Args:
        into: where they go. limits: for reading sources.
    """

    def __init__(self, into: Collection, limits: Limits) -> None:
        self._into, self._limits = into, limits
        self._wholes: dict[tuple[PurePosixPath, Size], _Whole] = {}

    def add(self, source: SourceRow, found: Sequence[Finding]) -> None:
        """Add what was found in an image or video.

        Raises:
            MediaError: it cannot be read, or its picture cannot be written.
        """
        boxed = [one for one in found if one.detections]
        size = (source.info.width or 0, source.info.height or 0) if source.info else (0, 0)
        if not boxed or not all(size):
            return
        heat = HeatMap(*size)
        for one in boxed:
            heat.add([detection.box for detection in one.detections], one.duration_s)
        ground = boxed[len(boxed) // 2]
        name = PurePosixPath(source.name)
        if source.kind is Kind.VIDEO:
            self._write(source, ground, heat, f"{name}.jpg", 1)
        whole = self._wholes.setdefault((name.parent, size), _Whole(HeatMap(*size), source, ground))
        whole.heat.grid += heat.grid
        whole.sources += 1

    def finish(self) -> None:
        """Write the pictures of folders with several sources of one size.

        Raises:
            MediaError: a source cannot be read, or a picture cannot be written.
        """
        for (folder, (width, height)), whole in self._wholes.items():
            if whole.sources > 1:
                name = str(folder / f"all-{width}x{height}.jpg")
                self._write(whole.source, whole.ground, whole.heat, name, whole.sources)

    def _write(self, source: SourceRow, ground: Finding, heat: HeatMap, name: str, sources: int) -> None:
        from mediaml.media.write.still import write_still

        ((_, image),) = images_of(source, [ground], self._limits)
        drawn = image.copy()
        height, width = drawn.shape[:2]
        overlay = Overlay(heat=heat.levels(heat.most()))
        Painter(width, height, Look(("heatmap",))).draw(RgbSurface(drawn), overlay)
        write_still(drawn, self._into.folder / name, marked=True)
        self._into.add(name, source=source.shown, sources=sources, most_s=round(heat.most(), 3))
