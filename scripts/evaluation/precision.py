"""How much accuracy `--precision fast` costs a bundled model, for its card.

    python -m scripts.evaluation.precision detector --data DIR --device openvino [--write]

`--write` puts the figures into the card, where `mediaml run --precision fast` reads them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.onnx.offers import Offer, offer_of
from mediaml.onnx.provider_options import fast_type, processor_name
from mediaml.onnx.providers import Precision, parse_device
from mediaml.onnx.selection import Accuracy
from mediaml.onnx.session import Session, open_session
from scripts.evaluation import financial, spoken
from scripts.evaluation.detection import detections, measure, read_photos
from scripts.evaluation.photos import load_index
from scripts.paths import EXPORTED_MODELS
from scripts.training.digits.mnist import read_digits
from scripts.training.spoken.recordings import load_clips

Floats = NDArray[np.float32]
_BATCH = 64


def detector(session: Session, data: Path) -> float:
    """AP50 on `DIR/detect/val`."""
    folder = data / "detect"
    index, image = load_index(folder, "val"), session.image_input
    assert image is not None, "the detector's metadata says its input"

    def run(images: NDArray[np.uint8]) -> list[Any]:
        return session.run({"images": images})

    found = detections(run, read_photos(folder, "val", index), (image.width, image.height))
    return measure(index, list(found)).ap50


def digits(session: Session, data: Path) -> float:
    """Top-1 of ten digits on MNIST's 10,000 test images."""
    test = read_digits(data / "mnist", "t10k")
    rows = _rows(session, test.images[:, None])
    return float(np.mean(rows[:, :10].argmax(axis=1) == test.labels))


def financial_top1(session: Session, data: Path) -> float:
    """Top-1 on every fourth labelled picture, and on photos that were kept out of training."""
    items = financial.load_fitted(data, every=4)
    rows = _rows(session, np.ascontiguousarray(items.pictures.transpose(0, 3, 1, 2)))
    return financial.accuracy(rows, items.labels)


def spoken_top1(session: Session, data: Path) -> float:
    """Share of every fifth clip of spoken digits whose strongest digit is the right one."""

    def track(windows: Floats) -> Floats:
        outputs = dict(
            zip((spec.name for spec in session.outputs), session.run(_fed(session, windows)), strict=True)
        )
        answer: Floats = outputs["track"]
        return answer

    clips = load_clips(data / "spoken_digits" / "fsdd.tar.xz")[::5]
    return float(spoken.measure(clips, track, strings=1, others=1)["accuracy"])


METRICS: dict[str, tuple[str, Callable[[Session, Path], float]]] = {
    "detector": ("AP50", detector),
    "digits": ("top-1", digits),
    "financial": ("top-1", financial_top1),
    "spoken": ("top-1", spoken_top1),
}


def measured(name: str, data: Path, offer: Offer) -> dict[str, dict[str, Any]]:
    """The figures of a bundled model on a device, as its card holds them.

    Raises:
        SystemExit: nothing is faster there than the model's own precision.
    """
    number_type = fast_type(offer)
    if number_type is None:
        raise SystemExit(f"{offer.device} has nothing faster than the model's own precision")
    metric, figure = METRICS[name]

    def value(precision: Precision) -> float:
        # Every loss is taken here: it is what is to be found.
        taken = [Accuracy(number_type, metric, 1.0, 1.0)]
        path = EXPORTED_MODELS / f"{name}.onnx"
        session = open_session(path, parse_device(str(offer.device)), precision=precision, accuracies=taken)
        if (session.number_type is not None) != (precision == "fast"):
            raise SystemExit(f"{name} did not run in {precision} precision: {session.notes}")
        return round(figure(session, data), 5)

    return {
        number_type: {
            "metric": metric,
            "exact": value("exact"),
            "fast": value("fast"),
            "provider": f"{offer.provider} {offer.version}",
            "processor": processor_name() if offer.hardware == "cpu" else offer.detail,
        }
    }


def main() -> None:
    """Print the figures as JSON, and write them into the card when asked."""
    parser = argparse.ArgumentParser(description="Accuracy of a bundled model with --precision fast.")
    parser.add_argument("name", choices=sorted(METRICS))
    parser.add_argument("--data", type=Path, required=True, help="folder with the raw data")
    parser.add_argument("--device", default="openvino:cpu")
    parser.add_argument("--write", action="store_true", help="write them into the model's card")
    given = parser.parse_args()
    offer = offer_of(parse_device(given.device).device)
    if offer is None:
        raise SystemExit(f"there is no {given.device} on this machine; see `mediaml doctor`")
    figures = measured(given.name, given.data, offer)
    print(json.dumps(figures, indent=2))
    if given.write:
        write_card(EXPORTED_MODELS / f"{given.name}.json", figures)


def write_card(card: Path, figures: dict[str, dict[str, Any]]) -> None:
    """Put figures into a card, beside those of other number formats; it keeps its indentation."""
    text = card.read_text(encoding="utf-8")
    second = text.splitlines()[1]
    content = json.loads(text)
    content["fast"] = {**content.get("fast", {}), **figures}
    indent = len(second) - len(second.lstrip())
    card.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")


def _rows(session: Session, inputs: NDArray[Any]) -> Floats:
    """The first output for all inputs, in batches."""
    parts = [
        session.run(_fed(session, inputs[start : start + _BATCH]))[0]
        for start in range(0, len(inputs), _BATCH)
    ]
    return np.concatenate(parts)


def _fed(session: Session, batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {session.inputs[0].name: batch.astype(session.inputs[0].dtype, copy=False)}


if __name__ == "__main__":
    main()
