"""The digits model measured: on MNIST, on real-looking pictures, on what is no digit, and on whole pages.

Everything is measured through ONNX Runtime and the plugin's own code, on items that no training saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tqdm import tqdm

from mediaml_digits import Options
from mediaml_digits.evidence import FoundDigit
from mediaml_digits.normalise import normalise
from mediaml_digits.page import candidates_of
from mediaml_digits.reading import read
from scripts.evaluation import digit_pages
from scripts.evaluation.classification import classification_report, plot_confusion, plot_roc_pr
from scripts.training.digits import glyphs, scenes
from scripts.training.digits.mnist import Digits, read_digits
from scripts.training.digits.samples import patch_of, photos

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
LABELS = [*"0123456789", "not a digit"]
OTHER = 10
SEED = 20_260
PHOTOGRAPHED, PRINTED_EACH, LETTERS_EACH, BLANKS, PAGES = 2_000, 8, 4, 300, 30
MIN_SCORE = Options().min_score  # the plugin's default
SURE = 0.9  # a score that a careful user may ask for
TWINS = frozenset("OoIl/|")


@dataclass(frozen=True, slots=True)
class Net:
    """A classifier of 28x28 pictures behind one call."""

    session: onnxruntime.InferenceSession
    dtype: type
    softmax: bool = False
    fixed: bool = False

    def __call__(self, images: Bytes) -> Floats:
        """Probabilities float32 [n, classes] of uint8 [n, 28, 28]."""
        name = self.session.get_inputs()[0].name
        batch: NDArray[Any] = images[:, None].astype(self.dtype)
        size = 1 if self.fixed else 500
        parts = [
            self.session.run(None, {name: batch[at : at + size]})[0] for at in range(0, len(batch), size)
        ]
        answers = np.concatenate(parts) if parts else np.zeros((0, 11), np.float32)
        if self.softmax:
            answers = np.exp(answers - answers.max(axis=1, keepdims=True))
            answers /= answers.sum(axis=1, keepdims=True)
        return answers


def opened(path: Path) -> onnxruntime.InferenceSession:
    """A session on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def photographed(digits: Digits) -> tuple[Bytes, NDArray[np.int64]]:
    """Test digits photographed at any size, place, polarity, pen and light, and normalised."""
    random = np.random.default_rng(SEED)
    picks = random.permutation(len(digits))[:PHOTOGRAPHED]
    things = (digits.images[pick].astype(np.float32) / 255 for pick in tqdm(picks, desc="photographed"))
    images = [normalise(scenes.photograph(scenes.placed(thing, random), random)) for thing in things]
    return np.stack(images), digits.labels[picks]


def printed() -> tuple[Bytes, NDArray[np.int64]]:
    """Printed digits in fonts never trained on, photographed and normalised."""
    random = np.random.default_rng(SEED + 1)
    images, labels = [], []
    for font in glyphs.HELD_OUT_FONTS:
        for digit in glyphs.DIGITS:
            for _ in range(PRINTED_EACH):
                page = scenes.placed(glyphs.printed(digit, font), random)
                images.append(normalise(scenes.photograph(page, random)))
                labels.append(int(digit))
    return np.stack(images), np.array(labels)


def letters(which: str) -> Bytes:
    """Letters and signs in fonts never trained on, photographed and normalised."""
    random = np.random.default_rng(SEED + 2)
    texts = [
        (font, letter) for font in glyphs.HELD_OUT_FONTS for letter in which for _ in range(LETTERS_EACH)
    ]
    pages = (scenes.placed(glyphs.printed(letter, font), random) for font, letter in texts)
    return np.stack([normalise(scenes.photograph(page, random)) for page in pages])


def penned() -> Bytes:
    """Letters written by a trembling hand, other trembles than those trained on; lookalikes left out."""
    random = np.random.default_rng(SEED + 3)
    plain = [letter for letter in glyphs.STROKES if letter not in glyphs.LOOKALIKES]
    pages = (scenes.placed(glyphs.written(letter, random), random) for letter in plain * 6)
    return np.stack([normalise(scenes.photograph(page, random)) for page in pages])


def no_digits(data: Path) -> Iterator[tuple[str, Bytes]]:
    """Groups of pictures that show no digit, each with its name, normalised."""
    random = np.random.default_rng(SEED + 4)
    held = list(photos(data / "detect" / "val.tar"))
    yield "photos (val)", np.stack([normalise(photo) for photo in tqdm(held, desc="photos")])
    windows = [patch_of(photo, random) for photo in held for _ in range(3)]
    yield "windows of photos (val)", np.stack([normalise(window) for window in tqdm(windows, desc="windows")])
    yield "blank pages", np.stack([normalise(scenes.bare(random)) for _ in range(BLANKS)])
    like = "".join(letter for letter in glyphs.LOOKALIKES if letter.isalpha())
    plain = [letter for letter in glyphs.LETTERS if letter not in TWINS and letter not in like]
    yield "letters, fonts never seen", letters("".join(plain))
    yield "letters, trembling pen", penned()
    yield f"lookalikes ({like})", letters(like)
    yield "twins (O o I l)", letters("OoIl")


def false_accepts(net: Net, data: Path) -> dict[str, dict[str, float]]:
    """Of each group of non-digits, how many are called a digit at the default score, at .9 and at .99."""
    figures = {}
    for name, images in no_digits(data):
        best = net(images)[:, :10].max(axis=1)
        rates = {f"called a digit at {at}": float((best >= at).mean()) for at in (MIN_SCORE, 0.9, 0.99)}
        figures[name] = {"items": len(images), **rates}
    return figures


def box_iou(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared) if shared else 0.0


def matches(page: digit_pages.Page, found: list[FoundDigit]) -> tuple[int, int]:
    """How many known digits were found with the right name (IoU at least .5), and how many with any name."""
    free, right, placed = list(found), 0, 0
    for name, box in page.digits:
        best = max(free, key=lambda one: box_iou(one.box, box), default=None)
        if best is not None and box_iou(best.box, box) >= 0.5:
            free.remove(best)
            placed += 1
            right += best.digit == name
    return right, placed


def pages(net: Net, digits: Digits, kind: str, score: float, many: int = PAGES) -> dict[str, float]:
    """Precision and recall of named digits on pages of one kind, and pages read wholly and in order."""
    random = np.random.default_rng(SEED + 5)
    right = placed = answered = known = whole = 0
    for _ in tqdm(range(many), desc=f"{kind} at {score}"):
        page = digit_pages.KINDS[kind](digits, random)
        candidates = candidates_of(page.image)
        found = read(candidates, net(candidates.pictures), score)
        hit, located = matches(page, found)
        right, placed = right + hit, placed + located
        answered, known = answered + len(found), known + len(page.digits)
        whole += [one.digit for one in found] == [name for name, _ in page.digits]
    return {
        "pages": many,
        "digits": known,
        "at score": score,
        "precision": right / max(answered, 1),
        "recall": right / max(known, 1),
        "located": placed / max(known, 1),
        "pages read wholly and in order": whole / many,
    }


def false_finds(net: Net, data: Path, many: int = 100) -> dict[str, float]:
    """How many digits `find` reports on photos of everyday things (a few hold real digits)."""
    counts: dict[float, list[int]] = {MIN_SCORE: [], SURE: []}
    for photo in tqdm(islice(photos(data / "detect" / "val.tar"), many), desc="finding", total=many):
        candidates = candidates_of(photo)
        probabilities = net(candidates.pictures)
        for score, found in counts.items():
            found.append(len(read(candidates, probabilities, score)))
    figures = {f"digits a photo at {score}": float(np.mean(found)) for score, found in counts.items()}
    clean = {
        f"photos without any at {score}": float(np.mean(np.array(n) == 0)) for score, n in counts.items()
    }
    return {"photos": len(counts[MIN_SCORE]), **figures, **clean}


def beside(
    net: Net, test: Digits, real: tuple[Bytes, NDArray[np.int64]], print_: tuple[Bytes, Any]
) -> dict[str, float]:
    """Accuracy of any net of 10 or 11 classes on the sources that hold digits."""
    return {
        "MNIST test": float((net(test.images).argmax(axis=1) == test.labels).mean()),
        "photographed": float((net(real[0]).argmax(axis=1) == real[1]).mean()),
        "printed": float((net(print_[0]).argmax(axis=1) == print_[1]).mean()),
    }


def evaluate(model: Path, data: Path, plots: Path | None = None) -> dict[str, Any]:
    """All figures of the card.

    Args:
        model: the exported ONNX file.
        data: folder with `mnist/` and `detect/`; the ONNX zoo's mnist-7 is compared where
            `../models/mnist/mnist-7.onnx` is beside it.
        plots: folder for PNGs; `None` writes none.
    """
    net = Net(opened(model), np.uint8)
    test = read_digits(data / "mnist", "t10k")
    probabilities = net(test.images)
    report = classification_report(probabilities, test.labels, LABELS)
    real, print_ = photographed(test), printed()
    through = np.stack([normalise(image) for image in tqdm(test.images, desc="normalised")])
    rivals = {"this model": beside(net, test, real, print_)}
    zoo = data.parent / "models" / "mnist" / "mnist-7.onnx"
    if zoo.exists():
        rivals["ONNX zoo mnist-7"] = beside(Net(opened(zoo), np.float32, True, True), test, real, print_)
    if plots is not None:
        truth = np.eye(OTHER, dtype=bool)[test.labels]
        plot_roc_pr(
            probabilities[:, :OTHER], truth, plots / "digits-roc-pr.png", name=",".join(LABELS[:OTHER])
        )
        plot_confusion(LABELS, report["confusion"]["matrix"], plots / "digits-confusion.png")
    return {
        "metrics": {name: report[name] for name in ("items", "accuracy", "precision", "recall", "f1", "ece")},
        "per_label": report["per_label"],
        "per_source": {
            "MNIST test": {"items": len(test), "accuracy": report["accuracy"]},
            "MNIST test through the plugin": {
                "items": len(test),
                "accuracy": float((net(through).argmax(axis=1) == test.labels).mean()),
            },
            "MNIST test, photographed": {
                "items": len(real[1]),
                "accuracy": rivals["this model"]["photographed"],
            },
            "printed, fonts never seen": {
                "items": len(print_[1]),
                "accuracy": rivals["this model"]["printed"],
            },
        },
        "rivals": rivals,
        "false_accepts": false_accepts(net, data),
        "pages": {
            f"{kind} at {score}": pages(net, test, kind, score)
            for kind in digit_pages.KINDS
            for score in (MIN_SCORE, SURE)
        },
        "false_finds": false_finds(net, data),
        "confusion": report["confusion"],
    }
