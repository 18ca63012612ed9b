"""What is drawn on one frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Detection, Label


@dataclass(frozen=True, slots=True)
class ModelOverlay:
    """What one of several models predicted for one frame.

    Attributes:
        model: its name, shown in its tags.
        number: its place among the models of a source, from 0; decides how lines are drawn.
        labels: of the whole image.
        detections: boxes in displayed source pixels.
    """

    model: str
    number: int
    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Trail:
    """The way of an object through the frames before.

    Attributes:
        name: of its class.
        track: number of the object.
        places: the middle of the lower edge of its boxes in displayed source pixels, the latest last.
    """

    name: str
    track: int
    places: tuple[tuple[float, float], ...]

    def placed(self, x: float, y: float, left: float, top: float) -> Trail:
        """See `Overlay.placed`."""
        return replace(self, places=tuple((a * x + left, b * y + top) for a, b in self.places))


def smoothed(places: Sequence[tuple[float, float]], reach: int = 4) -> tuple[tuple[float, float], ...]:
    """Places without the jitter of boxes: each the mean of up to `reach` on either side; the ends stay."""
    found = []
    for place in range(len(places)):
        side = min(reach, place, len(places) - 1 - place)
        near = places[place - side : place + side + 1]
        found.append((sum(x for x, _ in near) / len(near), sum(y for _, y in near) / len(near)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn on one frame.

    Attributes:
        labels: of the whole image.
        detections: boxes in displayed source pixels.
        others: what further models predicted, drawn with their names and with broken lines.
        held: what was seen shortly before or after, and is hidden on this frame too.
        trails: ways of objects up to this frame.
        heat: how often objects were at each place so far: uint8 [rows, columns] over the whole image, 255
            the most of the whole source; `None` where that is not drawn.
    """

    labels: tuple[Label, ...] = ()
    detections: tuple[Detection, ...] = ()
    others: tuple[ModelOverlay, ...] = ()
    held: tuple[Detection, ...] = ()
    trails: tuple[Trail, ...] = ()
    heat: UInt8Array | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_models(cls, layers: Iterable[ModelOverlay]) -> Overlay:
        """The predictions of several models; those of model 0 are drawn as if they were the only ones."""
        layers = tuple(layers)
        first = [layer for layer in layers if layer.number == 0]
        return cls(
            tuple(label for layer in first for label in layer.labels),
            tuple(detection for layer in first for detection in layer.detections),
            tuple(layer for layer in layers if layer.number > 0),
        )

    def placed(self, x: float, y: float, left: float = 0.0, top: float = 0.0) -> Overlay:
        """On an image that was scaled by `x` and `y`, then moved by `left` and `top` pixels."""

        def moved(detections: Iterable[Detection]) -> tuple[Detection, ...]:
            return tuple(found.placed(x, y, left, top) for found in detections)

        return replace(
            self,
            detections=moved(self.detections),
            others=tuple(replace(layer, detections=moved(layer.detections)) for layer in self.others),
            held=moved(self.held),
            trails=tuple(trail.placed(x, y, left, top) for trail in self.trails),
        )

    def layers(self) -> Iterator[ModelOverlay]:
        """All models, the first one without a name."""
        yield ModelOverlay("", 0, self.labels, self.detections)
        yield from self.others

    def found(self) -> Iterator[Detection]:
        """The detections of all models."""
        for layer in self.layers():
            yield from layer.detections
