"""The model on the hot path: images to samples, samples to probabilities, probabilities to answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mediaml.plugin import (
    Answers,
    Array,
    Box,
    Detection,
    Frame,
    Label,
    LoadContext,
    ModelError,
    OnnxModel,
    Prediction,
    UInt8Array,
)
from mediaml_digits.normalise import SIDE, normalise, normalise_all
from mediaml_digits.page import PAGE_SIDE, Candidates, candidates_of
from mediaml_digits.reading import read

ONE_SIDE = 1024  # pixels of the long side, at which a single digit is looked for
CLASSES = 11  # 0 to 9, and no digit
ALIKE_SIDE = 256  # images of one shape are normalised at once up to so many rows
STEP = 64  # candidates are padded to a multiple of it, so that few batch shapes arise

CANDIDATE = np.dtype(
    [
        ("picture", np.uint8, (SIDE, SIDE)),
        ("box", np.float32, (4,)),
        ("layer", np.int64),
        ("group", np.int64),
        ("cut", np.int64),
        ("real", np.bool_),
    ]
)


def shrunk(frame: Frame, side: int) -> UInt8Array:
    """The frame's image with its long side at most `side`, straight from the decoder where it can."""
    scale = min(1.0, side / max(frame.width, frame.height))
    if scale == 1.0:
        return frame.image
    return frame.fitted(max(1, round(frame.width * scale)), max(1, round(frame.height * scale)), "stretch")


def packed(candidates: Candidates) -> Array:
    """Candidates as one array of records [k], k a multiple of `STEP`; what is not real is padding."""
    records = np.zeros(max(1, -(-len(candidates) // STEP)) * STEP, CANDIDATE)
    real = records[: len(candidates)]
    real["picture"], real["box"] = candidates.pictures, candidates.boxes
    real["layer"], real["group"], real["cut"] = candidates.layers, candidates.groups, candidates.cuts
    real["real"] = True
    return records


def unpacked(records: Array) -> Candidates:
    """The candidates that `packed` was given."""
    real = records[records["real"]]
    return Candidates(real["picture"], real["box"], real["layer"], real["group"], real["cut"])


class Digits(OnnxModel):
    """One digit per image, or every digit on it; see `mediaml_digits.Options`.

    Raises:
        ModelError: the graph is not a digit model of mediaml.
    """

    decodes_pixels = False

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context)
        inputs = self.session.inputs
        fits = len(inputs) == 1 and inputs[0].dtype == "uint8" and inputs[0].fits(None, 1, SIDE, SIDE)
        if not fits or len(self.labels) != CLASSES:
            raise ModelError(
                f"{self.session.name} is not a digit model of mediaml.",
                "Leave -m out to use the bundled one.",
            )

    def prepare(self, frame: Frame) -> Array:
        """One digit: uint8 [1, 28, 28]. A page: records [k] of `CANDIDATE`, boxes in source pixels."""
        if not self.options.find:
            return normalise(shrunk(frame, ONE_SIDE))[None]
        image = shrunk(frame, PAGE_SIDE)
        records = packed(candidates_of(image))
        across, down = frame.width / image.shape[1], frame.height / image.shape[0]
        records["box"] *= np.array([across, down, across, down], np.float32)
        return records

    def prepare_batch(self, frames: Sequence[Frame]) -> Sequence[Array]:
        """The same for several frames; images of one shape are normalised at once."""
        if self.options.find:
            return super().prepare_batch(frames)
        images = [shrunk(frame, ONE_SIDE) for frame in frames]
        alike: dict[tuple[int, ...], list[int]] = {}
        for place, image in enumerate(images):
            alike.setdefault(image.shape if image.shape[0] <= ALIKE_SIDE else (place,), []).append(place)
        samples: dict[int, Array] = {}
        for places in alike.values():
            normal = normalise_all([images[place] for place in places])
            samples |= {place: sample[None] for place, sample in zip(places, normal, strict=True)}
        return [samples[place] for place in range(len(images))]

    def run(self, batch: Array) -> Sequence[Array]:
        """Probabilities [n, 11]; for pages [n, k, 11] and the records that they are of."""
        if batch.dtype != CANDIDATE:
            return super().run(batch)
        pictures = batch["picture"].reshape(-1, 1, SIDE, SIDE)
        (probabilities,) = super().run(np.ascontiguousarray(pictures))
        return [probabilities.reshape(*batch.shape, -1), batch]

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[Answers]:
        """Labels of one digit, best first; or detections in reading order."""
        if self.options.find:
            pages = zip(outputs[0], outputs[1], frames, strict=True)
            return [self.page(probabilities, records, frame) for probabilities, records, frame in pages]
        return [self.best(row) for row in outputs[0]]

    def best(self, probabilities: Array) -> Prediction:
        """The `top` best of all classes, without those below `min_score`."""
        order = np.argsort(-probabilities, kind="stable")[: self.options.top]
        scores = np.clip(probabilities, 0.0, 1.0)
        return Prediction(
            labels=tuple(
                Label(self.labels[place], float(scores[place]))
                for place in order
                if probabilities[place] >= self.options.min_score
            )
        )

    def page(self, probabilities: Array, records: Array, frame: Frame) -> Prediction:
        """Every digit of a page, boxes clipped to it."""
        found = read(unpacked(records), probabilities[records["real"]], self.options.min_score)
        detections = []
        for one in found:
            left, right = (min(max(value, 0.0), float(frame.width)) for value in (one.box[0], one.box[2]))
            top, bottom = (min(max(value, 0.0), float(frame.height)) for value in (one.box[1], one.box[3]))
            label = Label(self.labels[one.digit], min(one.score, 1.0))
            detections.append(Detection(label, Box(left, top, right, bottom)))
        return Prediction(detections=tuple(detections))
