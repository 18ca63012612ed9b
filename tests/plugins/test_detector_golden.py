"""Every family against its maker's own code: recorded answers of graphs that `scripts/golden` built.

The graphs are not kept; a stand-in with the same inputs, outputs and metadata answers what they answered.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.plugin import LoadContext, Prediction
from mediaml.testing import frame
from mediaml_yolo.model import Detector
from mediaml_yolo.options import DetectorOptions
from scripts.golden.case import Found
from scripts.golden.compare import compare
from scripts.golden.picture import picture
from scripts.golden.record import GOLDEN, answered, digest
from scripts.golden.table import document
from scripts.paths import REPOSITORY
from tests.support.models.stated_graphs import stated_graph

NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))
BOX, SCORE, OUTLINE = 0.5, 1e-3, 0.05


def opened(name: str, folder: Path) -> tuple[dict[str, Any], Detector, np.ndarray | None]:
    """The golden record, the model on its stand-in, and what the maker fed its graph where that is kept."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        outputs = [arrays[f"output{index}"] for index in range(len(golden["outputs"]))]
        fed = arrays.get("input")
    path = folder / "model.onnx"
    path.write_bytes(stated_graph(golden["inputs"], golden["outputs"], outputs, golden["metadata"]))
    for beside, text in golden["beside"].items():
        (folder / beside).write_text(text, encoding="utf-8")
    case = golden["case"]
    context = LoadContext(
        DetectorOptions(conf=case["conf"], **case["options"]),
        path,
        lambda given: open_session(given, parse_device("cpu"), threads=1),
        lambda _: None,
    )
    return golden, Detector(context, "detect"), fed


def test_every_family_is_there() -> None:
    assert len(NAMES) >= 30
    assert hashlib.sha256(picture().tobytes()).hexdigest()[:16] == "46efab3df370a889"


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_is_read_and_fed_as_its_maker_does(name: str, tmp_path: Path) -> None:
    golden, detector, fed = opened(name, tmp_path)
    assert detector.layout.family == golden["case"]["family"]
    sample = detector.prepare(frame(picture()))[None]
    if fed is None:
        assert digest(sample) == golden["input_sha256"]
    else:
        # Pillow's filters are within one level of 255, here after the normalisation.
        assert sample.shape == fed.shape
        assert np.abs(sample.astype(np.float32) - fed).max() <= 1.01 * np.ptp(fed) / 255 * 2


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_makers(name: str, tmp_path: Path) -> None:
    golden, detector, _ = opened(name, tmp_path)
    ours = answered(Prediction.of(detector.predict([frame(picture())])[0]))
    theirs = [Found(**found) for found in golden["case"]["found"]]
    found = compare(ours, theirs)
    assert theirs
    assert found.ours == found.theirs
    assert found.box <= BOX
    assert found.keypoint <= BOX
    assert found.score <= SCORE
    assert found.outline <= OUTLINE


@pytest.mark.parametrize("name", NAMES)
def test_recorded_differences_of_the_real_graphs_are_small(name: str) -> None:
    found = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["differences"]
    assert found["ours"] == found["theirs"] > 0
    assert max(found["box"], found["keypoint"]) <= BOX
    assert found["score"] <= SCORE
    assert found["outline"] <= OUTLINE


def test_the_table_of_the_documents_is_generated() -> None:
    assert document() == (REPOSITORY / "docs" / "models.md").read_text("utf-8")
