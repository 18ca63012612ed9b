"""The card of the bundled detector: what it is, what it is not, and how well it did."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.training import cards
from scripts.training.cards import Description, goal

GOAL_AP50 = 0.335
FIRST_AP50 = 0.15
MOST_BYTES = 12_000_000
MOST_OPERATIONS = 1.5e9

_DATA = (
    {
        "source": "COCO 2017 (parts of val2017 and train2017): photos with boxes, and the teachers' answers",
        "licence": "labels CC BY 4.0; photos under their Flickr terms",
        "prefix": "coco_",
    },
    {
        "source": "PASCAL VOC 2012 (part): photos with boxes of 20 classes, the rest from the teachers",
        "licence": "photos under their Flickr terms",
        "prefix": "voc",
    },
    {
        "source": "ImageNet samples, one a class (EliSchwartz), boxed by the teachers only",
        "licence": "as their photographers set; not redistributed",
        "prefix": "imagenet",
    },
)


DESCRIPTION = Description(
    name="detector",
    task="detect",
    title="Bundled 80-class detector with YOLOv3 heads",
    meaning=(
        "Finds objects of the 80 COCO classes in photos and video frames: a box, a class and a score "
        "each. It is small and quick, trained from random weights by scripts/train_detector.py to "
        "imitate Yolo-Fastest-1.1-xl block by block, and is there so that `yolo` works on a fresh "
        "machine without a network. People and large, plain objects are what it finds best."
    ),
    not_meaning=(
        "It is no match for the official YOLOv3. It misses small and crowded objects and mixes up "
        "classes; a score is a ranking, not a probability, and no box is no proof of absence. It must "
        "not decide anything about a person."
    ),
)


def count_items(names: Sequence[str]) -> list[dict[str, Any]]:
    """The data's sources with how many of these photos came from each."""
    return [
        {
            "source": entry["source"],
            "licence": entry["licence"],
            "items": sum(name.startswith(entry["prefix"]) for name in names),
        }
        for entry in _DATA
    ]


def goals(figures: Mapping[str, Any], size_bytes: int, flops: int) -> list[dict[str, Any]]:
    """The issue's goals, each met or by how much not."""
    ap50 = float(figures["ap50"])

    def reached(least: float) -> str:
        return f"AP50 {ap50:.3f}" + ("" if ap50 >= least else f", {least - ap50:.3f} short")

    return [
        goal(f"first version: AP50 >= {FIRST_AP50} on val", ap50 >= FIRST_AP50, reached(FIRST_AP50)),
        goal(f"match Yolo-Fastest-1.1-xl: AP50 >= {GOAL_AP50} on val", ap50 >= GOAL_AP50, reached(GOAL_AP50)),
        goal("at most 12 MB", size_bytes <= MOST_BYTES, f"{size_bytes / 1e6:.2f} MB"),
        goal("at most 1.5 GFLOPs", flops <= MOST_OPERATIONS, f"{flops / 1e9:.2f} GFLOPs"),
    ]


def build_card(
    facts: Mapping[str, Any], names: Sequence[str], run: Mapping[str, Any], figures: Mapping[str, Any]
) -> dict[str, Any]:
    """The card.

    Args:
        facts: of the file, as `shipping.facts_of` returns them.
        names: of the training photos.
        run: `size` (default input, pixels), `seed`, `teachers` (checksums by file), and what
            goes into `training`: `samples`, `minutes`, `equality` (largest difference to PyTorch),
            `settings` and `history`.
        figures: `evaluate_detector`'s answer on `val`, and under "letterbox" that on letterboxed photos.
    """
    short = ("ap50", "ap", "person_ap50")
    return cards.build_card(
        DESCRIPTION,
        count_items(names),
        facts,
        input={"width": run["size"], "height": run["size"]},
        metrics={key: figures[key] for key in short},
        per_source={
            "coco_val2017 (val, square stretch)": {
                key: figures[key] for key in (*short, "photos", "boxes", "per_class")
            },
            "coco_val2017 (val, letterbox)": {key: figures["letterbox"][key] for key in short},
        },
        teachers=run["teachers"],
        training={key: run[key] for key in ("samples", "minutes", "equality", "settings", "history")},
        seed=run["seed"],
        goals=goals(figures, facts["size_bytes"], facts["flops"]),
    )
