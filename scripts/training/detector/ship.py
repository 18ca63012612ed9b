"""From a trained network to the three files that ship: detector.onnx, detector.golden.npz, detector.json."""

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mediaml.store.digest import sha256_of
from scripts.evaluation.detection import evaluate_detector, fit_photo
from scripts.evaluation.photos import decode_photo, load_index, read_tars
from scripts.training.cards import write_card
from scripts.training.detector.card import build_card
from scripts.training.detector.export import Exported, round_kernels, to_onnx
from scripts.training.detector.golden import draw_pictures
from scripts.training.detector.loop import Run
from scripts.training.detector.teacher import BOXES, DENSE
from scripts.training.shipping import facts_of
from scripts.training.shipping import ship as ship_model

TEACHERS = (f"{DENSE}.cfg", f"{DENSE}.weights", BOXES)


def ship(run: Run, output: Path, data: Path, teachers: Path) -> dict[str, Any]:
    """Write the files and return the card.

    Args:
        data: the photos' folder.
        teachers: the folder of the teachers' files.

    Raises:
        ValueError: ONNX Runtime and PyTorch answer real photos differently.
    """
    network = copy.deepcopy(run.averaged).cpu().eval()
    round_kernels(network)
    size = run.settings.size
    source = {
        "script": "scripts/train_detector.py",
        "samples": run.samples,
        "seed": run.settings.seed,
        "teachers": {name: sha256_of(teachers / name) for name in TEACHERS},
    }
    index = load_index(data, "train")
    labels = [category["name"] for category in sorted(index["categories"], key=lambda entry: entry["id"])]
    apart = ship_model(
        to_onnx(network, size, labels, "detector", source),
        Exported(network).eval(),
        output,
        real=_real_photos(data, size),
        golden=draw_pictures(),
        units={"boxes": size},
    )
    figures = evaluate_detector(output, data)
    figures["letterbox"] = evaluate_detector(output, data, fit="letterbox")
    names = [image["file_name"] for image in index["images"]]
    names += [image["file_name"] for image in load_index(data, "unlabelled")["images"]]
    trained = {
        "size": size,
        "seed": run.settings.seed,
        "teachers": source["teachers"],
        "samples": run.samples,
        "minutes": round(run.seconds / 60, 1),
        "equality": {"boxes_share_of_side": apart["boxes"], "scores": apart["scores"]},
        "settings": json.loads(json.dumps(asdict(run.settings))),
        "history": run.history,
    }
    card = build_card(facts_of(network, torch.zeros(1, 3, size, size), output), names, trained, figures)
    write_card(card, output)
    return card


def _real_photos(data: Path, size: int, count: int = 4) -> NDArray[np.uint8]:
    """uint8 RGB [count, size, size, 3]: the first photos of the training set, stretched."""
    photos = []
    for name, content in read_tars(data, "train"):
        photos.append(fit_photo(decode_photo(content, name), size, size, "stretch").pixels)
        if len(photos) == count:
            break
    return np.stack(photos)
