"""What the card of the digits model says in words, and the goals that it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.training.cards import Description, goal
from scripts.training.digits import mnist, samples

LARGEST = 1_000_000  # bytes
ACCURACY = 0.996  # on the 10 000 test digits
ZOO = 0.9891  # of the ONNX zoo's mnist-7 on the test digits, where it cannot be measured here
SURE = "called a digit at 0.99"
DESCRIPTION = Description(
    name="digits",
    task="classify",
    title="Digits: 0 to 9, or not a digit",
    meaning=(
        "Which digit a picture shows, 0 to 9, handwritten or printed, or `not a digit`; with find=true, "
        "every digit on a page as a box, in reading order."
    ),
    not_meaning=(
        "It reads no words and no sense: a lone O, l or I is called 0 or 1; S, Z or B may be called 5, 2 "
        "or 8 with a score near a half; other scripts are unknown. On a crowded page or a photo, "
        "find=true leaves out a digit that stands alone below .99, and a lone 1 always. A page is read "
        "in one polarity, and digits that touch are cut by guess. The score is calibrated on MNIST and "
        "says less of other pictures."
    ),
)


def goals(figures: Mapping[str, Any], size: int) -> list[dict[str, Any]]:
    """The goals that were set, and whether they are met.

    Args:
        figures: what `scripts.evaluation.digits.evaluate` returned.
        size: bytes of the ONNX file.
    """
    accuracy = figures["metrics"]["accuracy"]
    strict = ("photos (val)", "windows of photos (val)", "blank pages", "letters, fonts never seen")
    worst = max(figures["false_accepts"][name][SURE] for name in strict)
    beaten = figures["rivals"].get("ONNX zoo mnist-7", {}).get("MNIST test", ZOO)
    rows = [
        ("at least 99.6 % on the 10 000 MNIST test digits", accuracy >= ACCURACY, accuracy),
        ("at most 1 MB", size <= LARGEST, size),
        ("better than the ONNX zoo's mnist-7 on the test digits", accuracy > beaten, beaten),
        ("at most 1 % of photos, blanks and plain letters called a digit at .99", worst <= 0.01, worst),
    ]
    return [goal(*row) for row in rows]


def data_facts(drawn_samples: Mapping[str, int]) -> list[dict[str, Any]]:
    """What it was trained on, and under which terms.

    Args:
        drawn_samples: how many samples each group beside MNIST holds.
    """
    mined = drawn_samples["hard windows"] + drawn_samples["hard pieces"]
    drawn = sum(samples.COUNTS[name] for name in ("letters", "numbers", "scribbles")) + samples.BARE
    mnist_terms = "CC BY-SA 3.0"
    rows = [
        ("MNIST training digits (LeCun, Cortes, Burges)", mnist_terms, 60_000 - mnist.HELD_OUT),
        ("the same, photographed by a drawing script", mnist_terms, samples.COUNTS["photographed"]),
        ("digits in DejaVu and Computer Modern fonts, drawn", "own", samples.COUNTS["printed"]),
        ("letters, numbers, scribbles and blanks, drawn", "own", drawn),
        ("COCO and VOC2012 photos, windows as what is no digit", "Flickr terms; not redistributed", 3_411),
        ("windows and pieces of them that fooled the net before", "Flickr terms; not redistributed", mined),
        (
            "windows and pieces of them that show one bar",
            "Flickr terms; not redistributed",
            drawn_samples["bars"],
        ),
    ]
    return [{"source": source, "licence": licence, "items": items} for source, licence, items in rows]
