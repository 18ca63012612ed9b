"""The importer against OpenCV's darknet reader; scripts/record_darknet_golden.py recorded its answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml.core.arrays import Array, UInt8Array
from mediaml.darknet.importer import ImportReport, import_darknet
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.store.catalogue import official_entries
from scripts import darknet_networks as material
from scripts.darknet_networks import Answers

BOX_TOLERANCE, BOX_RELATIVE = 1e-3, 1e-5
"""A thousandth of a pixel; relative for boxes far larger than the picture: float32 has no more digits."""
SCORE_TOLERANCE = 1e-4

Golden = Mapping[str, Any]


def load(name: str) -> dict[str, dict[str, Any]]:
    """A golden file as one record per network."""
    records: dict[str, dict[str, Any]] = {}
    with np.load(material.GOLDEN / name) as stored:
        for key in stored.files:
            network, _, value = key.rpartition("/")
            records.setdefault(network, {})[value] = stored[key]
    return records


LAYERS = load("darknet_layers.npz")
NETWORKS = load("darknet_networks.npz")


def imported(folder: Path, cfg: str, weights: bytes) -> ImportReport:
    """Import a network from its text and bytes."""
    (folder / "net.cfg").write_text(cfg)
    (folder / "net.weights").write_bytes(weights)
    return import_darknet(folder / "net.cfg", folder / "net.weights", folder / "net.onnx")


def answers(report: ImportReport, image: UInt8Array) -> Answers:
    """All boxes and scores for one picture."""
    session = open_session(report.path, parse_device("cpu"), threads=2)
    boxes, scores = session.run({"images": image[None]})
    return Answers(boxes[0], scores[0])


def assert_equal(found: Answers, golden: Golden) -> None:
    """The recorded anchors one by one, all anchors in sum."""
    chosen = golden["chosen"].astype(np.int64)
    assert_boxes(found.boxes[chosen], golden["boxes"])
    assert_boxes(found.boxes.mean(axis=0, dtype=np.float64), golden["box_means"])
    assert_scores(found.scores[chosen], golden["scores"])
    assert_scores(found.scores.mean(axis=0, dtype=np.float64), golden["score_means"])


def assert_boxes(found: Array, expected: Array) -> None:
    """Equal within the boxes' tolerance."""
    np.testing.assert_allclose(found, expected, atol=BOX_TOLERANCE, rtol=BOX_RELATIVE)


def assert_scores(found: Array, expected: Array) -> None:
    """Equal within the scores' tolerance."""
    np.testing.assert_allclose(found, expected, atol=SCORE_TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", sorted(material.LAYERS))
def test_layer_equals_opencv(name: str, tmp_path: Path) -> None:
    golden = LAYERS[f"layers/{name}"]
    cfg, seed = material.layer_cfg(material.LAYERS[name]), int(golden["seed"])
    report = imported(tmp_path, cfg, material.random_weights(cfg, seed))
    assert_equal(answers(report, material.random_picture(seed, 24, 16)), golden)


@pytest.mark.parametrize("name", sorted(material.HEADS))
def test_head_equals_opencv(name: str, tmp_path: Path) -> None:
    golden = LAYERS[f"heads/{name}"]
    cfg, seed = material.layer_cfg(material.conv(8), material.HEADS[name]), int(golden["seed"])
    report = imported(tmp_path, cfg, material.random_weights(cfg, seed))
    assert_equal(answers(report, material.random_picture(seed, 24, 16)), golden)


@pytest.mark.parametrize("net", material.REAL_NETS)
def test_real_network_equals_opencv_on_photos(net: str, assets: Path, tmp_path: Path) -> None:
    models = assets / "models" / "yolo"
    report = import_darknet(models / f"{net}.cfg", models / f"{net}.weights", tmp_path / "net.onnx")
    records = {name: golden for name, golden in NETWORKS.items() if name.startswith(f"real/{net}/")}
    assert len(records) == 3
    for name, golden in records.items():
        width, height = golden["size"].tolist()
        photo = assets / "media" / "image" / name.rpartition("/")[2]
        image = material.photo(photo, width, height)
        assert material.digest(image) == str(golden["pixels"]), f"{photo.name} decodes to other pixels"
        assert_equal(answers(report, image), golden)


def test_published_tiny_with_the_catalogues_masks_equals_opencv_on_a_photo(assets, tmp_path):
    """OpenCV read the cfg with which the weights were trained; the catalogue corrects the one it fetches."""
    entry = next(entry for entry in official_entries() if entry.name == "yolov3-tiny")
    cfg, weights = (assets / "models" / "yolo" / file.name for file in entry.files)
    golden = NETWORKS["published/yolov3-tiny/dog.jpg"]
    image = material.photo(assets / "media" / "image" / "dog.jpg", *golden["size"].tolist())
    assert material.digest(image) == str(golden["pixels"])
    report = import_darknet(cfg, weights, tmp_path / "net.onnx", masks=entry.masks)
    assert not report.warning
    assert_equal(answers(report, image), golden)
    uncorrected = import_darknet(cfg, weights, tmp_path / "net.onnx")
    assert "mask 3,4,5 and 1,2,3; yolov3-tiny.cfg says 3,4,5 and 0,1,2" in uncorrected.warning
    with pytest.raises(AssertionError):
        assert_equal(answers(uncorrected, image), golden)


@pytest.mark.parametrize("net", sorted(material.OFFICIAL_NETS))
def test_official_cfg_with_seeded_weights_equals_opencv(net: str, assets: Path, tmp_path: Path) -> None:
    golden, size = NETWORKS[f"official/{net}"], material.OFFICIAL_NETS[net]
    cfg = material.resized_cfg((assets / "models" / "yolo" / f"{net}.cfg").read_text(), *size)
    seed = int(golden["seed"])
    report = imported(tmp_path, cfg, material.random_weights(cfg, seed))
    assert_equal(answers(report, material.random_picture(seed, *size)), golden)


def test_goldens_were_recorded_with_opencv_4() -> None:
    assert str(LAYERS[""]["opencv"]).startswith("4.")
    assert str(NETWORKS[""]["opencv"]).startswith("4.")
