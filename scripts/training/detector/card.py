"""The card of the bundled detector: what it is, what it is not, and how well it did."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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

TRIED = (
    "First shipped: dense distillation of Yolo-Fastest-1.1-xl's raw heads into a net of plain residual "
    "blocks (two 3x3), 89 000 photos: AP50 .054. By its loss it would have taken millions of photos more.",
    "Now: every block learns by itself to do what the teacher's block does between the same two narrow "
    "maps, all at once, from random weights. No number of the teacher's file is copied, but each of its "
    "blocks is imitated, so this net is a likeness of that one, a little wider. 6000 photos that way "
    "(1500 steps of 4), with no step end to end, gave AP50 .20 on the photos that are kept aside to watch "
    "with.",
    "Where it was lost (75 watch photos, the teacher alone .341): the teacher on the student's maps of "
    "stride 16 finds .329, on its maps of stride 32 .297; the student's neck and heads on the teacher's "
    "maps .253. So the neck and the heads are taught together next, by the loss that counts objects.",
    "Learning rates of the blocks: .003 left 57 % of the variance unexplained after 300 steps, .01 34 %, "
    ".02 16 % (one block of 32 channels); blocks twice as wide as the teacher's inside reached 3 % where "
    "ones as wide as the teacher's reached 20 % (600 steps). Channels made uncorrelated first.",
    "SOAP (a second-order optimiser) halved what a narrow block misses after as many steps, but cost "
    "twice the time on the widest blocks; Muon did no better than Adam. Not used.",
    "End to end, or the last stage with the heads, at a rate of .002: worse than before within 75 steps.",
    "bfloat16 on a CPU without matrix units for it takes fifteen times as long as single precision; the "
    "training now asks the CPU first.",
    "The first run of this kind had a fifth of one core for 75 minutes, in stages that no one command "
    "repeats, and 22 minutes more with --init: 32 000 photos, .305 on the watched photos, .271 on val.",
    "The file that ships is of one command from random weights, 116 minutes of one core, 173 000 photos: "
    "17 000 blockwise steps, after which the worst block misses 1.9 % of the variance, not 7 % as before; "
    "then .314 on the watched photos with the neck and the heads taught together, .324 with the last stage "
    "as well. The teacher finds .329 there, and .335 on val.",
)

_MEANING = (
    "Finds objects of the 80 COCO classes in photos and video frames: a box, a class and a score each. It is "
    "small and quick, trained from random weights by scripts/train_detector.py to imitate "
    "Yolo-Fastest-1.1-xl block by block, and is there so that `yolo` works on a fresh machine without a "
    "network. People and large, plain objects are what it finds best."
)
_NOT_MEANING = (
    "It is no match for the official YOLOv3. It misses small and crowded objects and mixes up classes; a "
    "score is a ranking, not a probability, and no box is no proof of absence. It must not decide anything "
    "about a person."
)


def sha256_of(path: Path) -> str:
    """Hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def commit_of(folder: Path) -> str:
    """The commit that `folder` is at, or "unknown" outside a repository."""
    run = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return run.stdout.strip() or "unknown"


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

    def against(goal: str, met: bool, figure: str) -> dict[str, Any]:
        return {"goal": goal, "met": met, "figure": figure}

    def reached(least: float) -> str:
        return f"AP50 {ap50:.3f}" + ("" if ap50 >= least else f", {least - ap50:.3f} short")

    return [
        against(f"first version: AP50 >= {FIRST_AP50} on val", ap50 >= FIRST_AP50, reached(FIRST_AP50)),
        against(
            f"match Yolo-Fastest-1.1-xl: AP50 >= {GOAL_AP50} on val", ap50 >= GOAL_AP50, reached(GOAL_AP50)
        ),
        against("at most 12 MB", size_bytes <= MOST_BYTES, f"{size_bytes / 1e6:.2f} MB"),
        against("at most 1.5 GFLOPs", flops <= MOST_OPERATIONS, f"{flops / 1e9:.2f} GFLOPs"),
    ]


def write_card(
    path: Path, model: Path, facts: Mapping[str, Any], figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the JSON beside the model and return it.

    facts: names (of the training photos), parameters, flops, size (default input, pixels), seed, commit,
    samples, minutes, tried (sentences), history (rows of the run), equality (largest difference to PyTorch);
    figures: `evaluate_detector`'s answer on `val`, and under "letterbox" the same with letterboxed photos.
    """
    size_bytes = model.stat().st_size
    card = {
        "name": "detector",
        "task": "detect",
        "title": "Bundled 80-class detector with YOLOv3 heads",
        "meaning": _MEANING,
        "not_meaning": _NOT_MEANING,
        "data": count_items(facts["names"]),
        "size_bytes": size_bytes,
        "parameters": facts["parameters"],
        "flops": facts["flops"],
        "input": {"width": facts["size"], "height": facts["size"]},
        "metrics": {key: figures[key] for key in ("ap50", "ap", "person_ap50")},
        "per_source": {
            "coco_val2017 (val, square stretch)": {
                key: figures[key] for key in ("ap50", "ap", "person_ap50", "photos", "boxes", "per_class")
            },
            "coco_val2017 (val, letterbox)": {
                key: figures["letterbox"][key] for key in ("ap50", "ap", "person_ap50")
            },
        },
        "teachers": facts["teachers"],
        "training": {key: facts[key] for key in ("samples", "minutes", "equality", "settings", "history")},
        "seed": facts["seed"],
        "commit": facts["commit"],
        "sha256": sha256_of(model),
        "goals": goals(figures, size_bytes, facts["flops"]),
        "tried": list(facts["tried"]),
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card
