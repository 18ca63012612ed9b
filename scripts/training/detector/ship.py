"""From a trained network to the three files that ship: detector.onnx, detector.golden.npz, detector.json."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from scripts.evaluation.detection import evaluate_detector, fit_photo
from scripts.evaluation.photos import decode_photo, load_index, read_tars
from scripts.training.detector.card import commit_of, sha256_of, write_card
from scripts.training.detector.export import largest_difference, round_kernels, to_onnx
from scripts.training.detector.golden import write_golden
from scripts.training.detector.loop import Run
from scripts.training.detector.net import operations
from scripts.training.detector.teacher import BOXES, DENSE

EQUAL = 1e-4  # PyTorch against ONNX Runtime: scores, and boxes as a share of the input's side
TEACHERS = (f"{DENSE}.cfg", f"{DENSE}.weights", BOXES)


@dataclass(frozen=True, slots=True)
class Origins:
    """What the run was made from: the photos' folder, the teachers' folder, the checkout, what was tried."""

    data: Path
    teachers: Path
    repository: Path
    tried: Sequence[str]


def ship(run: Run, output: Path, origins: Origins) -> dict[str, Any]:
    """Write the files and return the card.

    Raises ValueError where ONNX Runtime and PyTorch answer real photos differently: nothing is written then
    but the ONNX file itself, for a look at it.
    """
    import onnxruntime as ort

    network = copy.deepcopy(run.averaged).cpu().eval()
    round_kernels(network)
    size = run.settings.size
    source = {
        "script": "scripts/train_detector.py",
        "samples": run.samples,
        "seed": run.settings.seed,
        "teachers": {name: sha256_of(origins.teachers / name) for name in TEACHERS},
    }
    index = load_index(origins.data, "train")
    labels = [category["name"] for category in sorted(index["categories"], key=lambda entry: entry["id"])]
    output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(network, size, labels, "detector", source), output)
    session = ort.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    apart = largest_difference(network, session, _real_photos(origins.data, size))
    if max(apart) > EQUAL:
        raise ValueError(f"{output.name}: boxes, scores are {apart} apart from PyTorch's, over {EQUAL}")
    write_golden(session, output.with_suffix(".golden.npz"))
    figures = evaluate_detector(output, origins.data)
    figures["letterbox"] = evaluate_detector(output, origins.data, fit="letterbox")
    names = [image["file_name"] for image in index["images"]]
    names += [image["file_name"] for image in load_index(origins.data, "unlabelled")["images"]]
    facts = {
        "names": names,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "flops": operations(network, size),
        "size": size,
        "seed": run.settings.seed,
        "commit": commit_of(origins.repository),
        "samples": run.samples,
        "minutes": round(run.seconds / 60, 1),
        "equality": {"boxes_share_of_side": apart[0], "scores": apart[1]},
        "settings": _plain(run),
        "history": run.history,
        "teachers": source["teachers"],
        "tried": origins.tried,
    }
    return write_card(output.with_suffix(".json"), output, facts, figures)


def _plain(run: Run) -> dict[str, Any]:
    from dataclasses import asdict

    plain: dict[str, Any] = json.loads(json.dumps(asdict(run.settings)))
    return plain


def _real_photos(data: Path, size: int, count: int = 4) -> Any:
    """uint8 RGB [count, size, size, 3]: the first photos of the training set, stretched."""
    photos = []
    for name, content in read_tars(data, "train"):
        photos.append(fit_photo(decode_photo(content, name), size, size, "stretch").pixels)
        if len(photos) == count:
            break
    return np.stack(photos)
