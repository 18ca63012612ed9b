"""Measures of the financial model: by source, on photos it never saw, on shortcuts taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mediaml.ops.fitting import fit_image
from scripts.evaluation.classification import classification_report, plot_confusion, plot_roc_pr
from scripts.training.financial.augment import INPUT
from scripts.training.financial.canvas import new_canvas
from scripts.training.financial.drawings import page
from scripts.training.financial.pictures import (
    PHOTO_UNSEEN,
    PHOTO_VAL,
    decoded_rgb,
    labelled_files,
    photo_files,
)
from scripts.training.financial.tables import shaded

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]
# Pictures uint8 [n, INPUT, INPUT, 3] to probabilities [n, 2].
Classifier = Callable[[Pictures], Floats]
LABELS = ("ordinary", "financial")
SEED = 5


@dataclass(frozen=True, slots=True)
class Fitted:
    """Pictures as the product fits them: uint8 [n, INPUT, INPUT, 3]; labels [n]; sources [n]."""

    pictures: Pictures
    labels: NDArray[np.int64]
    sources: NDArray[np.str_]

    def of(self, *sources: str) -> Fitted:
        """Those of some sources."""
        chosen = np.isin(self.sources, sources)
        return Fitted(self.pictures[chosen], self.labels[chosen], self.sources[chosen])


def fitted(picture: Pictures) -> Pictures:
    """uint8 RGB of any size as the product hands it to the net."""
    return fit_image(picture, INPUT, INPUT, "stretch")


def text_pages(count: int) -> Fitted:
    """Pages of prose made by code, scanned or clean, from seeds that training does not use: ordinary."""
    pages = []
    for index in range(count):
        canvas = new_canvas(np.random.default_rng([SEED, index]), (0.6, 1.0), 560, white=0.7)
        page(canvas)
        pages.append(fitted(shaded(canvas) if index % 2 else canvas.picture()))
    return Fitted(np.stack(pages), np.zeros(count, np.int64), np.full(count, "text_page"))


def load_fitted(data: Path, every: int = 1) -> Fitted:
    """Every n-th labelled picture, and every n-th photo of those that were kept out of training."""
    rows = []
    for source, label, files in (*labelled_files(data), *photo_files(data, (PHOTO_VAL, PHOTO_UNSEEN))):
        rows += [(fitted(decoded_rgb(content)), label, source) for content in files[::every]]
    pictures, labels, sources = zip(*rows, strict=True)
    return Fitted(np.stack(pictures), np.array(labels, np.int64), np.array(sources))


def inverted(pictures: Pictures) -> Pictures:
    """Dark for light."""
    return np.asarray(255 - pictures, np.uint8)


def grey(pictures: Pictures) -> Pictures:
    """Without colour."""
    luma = pictures @ np.array([0.299, 0.587, 0.114])
    return np.repeat(luma[..., None], 3, axis=3).astype(np.uint8)


def tinted(pictures: Pictures) -> Pictures:
    """On beige paper with brown ink."""
    dark, light = np.array([70.0, 45, 30]), np.array([235.0, 215, 170])
    return np.asarray(dark + pictures / 255 * (light - dark), np.uint8)


def recoded(pictures: Pictures) -> Pictures:
    """As JPEG of quality 20."""
    coded = [cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 20])[1] for picture in pictures]
    return np.stack([np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8) for code in coded])


def narrowed(pictures: Pictures) -> Pictures:
    """Two thirds as wide: the sides are filled with the mean colour."""
    wide = INPUT * 2 // 3
    result = np.empty_like(pictures)
    for place, picture in enumerate(pictures):
        result[place] = picture.mean((0, 1))
        left = (INPUT - wide) // 2
        result[place, :, left : left + wide] = cv2.resize(
            picture, (wide, INPUT), interpolation=cv2.INTER_AREA
        )
    return result


def half_size(pictures: Pictures) -> Pictures:
    """Shrunk to half and enlarged again: blurred."""
    side = INPUT // 2
    small = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures]
    return np.stack(
        [np.asarray(cv2.resize(p, (INPUT, INPUT), interpolation=cv2.INTER_LINEAR), np.uint8) for p in small]
    )


VARIANTS: Mapping[str, Callable[[Pictures], Pictures]] = {
    "inverted": inverted,
    "grey": grey,
    "tinted": tinted,
    "jpeg_quality_20": recoded,
    "two_thirds_as_wide": narrowed,
    "half_size": half_size,
}


def accuracy(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Share of right answers."""
    return round(float((probabilities.argmax(1) == labels).mean()), 4)


def measure_sources(classify: Classifier, items: Fitted, step: int = 4) -> dict[str, dict[str, float]]:
    """Accuracy by source, as it is, and of every `step`-th picture with each shortcut taken away."""
    table = {}
    for source in dict.fromkeys(items.sources.tolist()):
        mine = items.of(source)
        row = {"items": float(len(mine.labels)), "accuracy": accuracy(classify(mine.pictures), mine.labels)}
        pictures, labels = mine.pictures[::step], mine.labels[::step]
        for name, change in VARIANTS.items():
            row[name] = accuracy(classify(change(pictures)), labels)
        table[source] = row
    return table


def onnx_classifier(model: Path) -> Classifier:
    """The shipped graph on ONNX Runtime, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def classify(pictures: Pictures) -> Floats:
        parts = [pictures[start : start + 32] for start in range(0, len(pictures), 32)]
        answers = [session.run(None, {name: np.ascontiguousarray(p.transpose(0, 3, 1, 2))})[0] for p in parts]
        result: Floats = np.concatenate(answers)
        return result

    return classify


def evaluate(model: Path, data: Path, plots: Path | None) -> dict[str, Any]:
    """Measure the shipped model.

    It was trained on all labelled sources: for these this measures that the file works. How it does on a
    source it has never seen is in the card (leave-one-source-out). The photos of `val` and the pages of prose
    were kept out of training; those of `unlabelled` the detector's backbone has seen, without labels.

    Args:
        model: the ONNX file; data: the folder with `financial/` and `detect/`; plots: where PNGs go.
    """
    classify, items = onnx_classifier(model), load_fitted(data, every=4)
    probabilities = classify(items.pictures)
    report = classification_report(probabilities, items.labels, LABELS)
    if plots is not None:
        plot_confusion(LABELS, report["confusion"]["matrix"], plots / "financial-confusion.png")
        plot_roc_pr(probabilities[:, 1], items.labels == 1, plots / "financial-curves.png", name="financial")
    table = measure_sources(classify, items) | measure_sources(classify, text_pages(100))
    return {**report, "per_source": table, "labelled_sources_seen_in_training": True}
