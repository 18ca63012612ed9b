"""Weights files that do not belong to their cfg, and where class names come from."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.errors import ModelError
from mediaml.darknet.cfg import parse_cfg
from mediaml.darknet.importer import import_darknet
from mediaml.darknet.names import class_names
from mediaml.darknet.network import build_network
from mediaml.darknet.weights import FoldedConvolution, read_weights
from mediaml.onnx.coco import COCO_NAMES
from scripts import darknet_networks as material

CFG = material.layer_cfg(material.conv(8) + "[maxpool]\nsize=2\nstride=1\n" + material.conv(8))
WEIGHTS = material.random_weights(CFG, 3)
LAYERS = build_network(parse_cfg(CFG, "my.cfg")).convolutions


def read(folder: Path, content: bytes) -> list[FoldedConvolution]:
    (folder / "my.weights").write_bytes(content)
    return list(read_weights(folder / "my.weights", LAYERS))


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(ModelError) as caught:
        read(folder, content)
    assert "my.weights" in str(caught.value)
    return str(caught.value)


def test_batch_norm_is_folded(tmp_path: Path) -> None:
    first = read(tmp_path, WEIGHTS)[0]
    values = np.frombuffer(WEIGHTS, "<f4", offset=20)[: 8 * (4 + 27)].astype(np.float64)
    bias, scale, mean, variance = values[:32].reshape(4, 8)
    filters = values[32:].reshape(8, 3, 3, 3)
    x = np.linspace(-1, 1, 27).reshape(3, 3, 3)
    expected = scale * ((filters * x).sum(axis=(1, 2, 3)) - mean) / np.sqrt(variance + 1e-6) + bias
    found = (first.filters * x).sum(axis=(1, 2, 3)) + first.biases
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_both_headers_are_read(tmp_path: Path) -> None:
    old = struct.pack("<3ii", 0, 1, 0, 32_013_312)
    new = struct.pack("<3iQ", 0, 2, 5, 2**40)
    for header in (old, new):
        for left, right in zip(read(tmp_path, header + WEIGHTS[20:]), read(tmp_path, WEIGHTS), strict=True):
            np.testing.assert_array_equal(left.filters, right.filters)
            np.testing.assert_array_equal(left.biases, right.biases)


def test_too_short_names_the_layer_it_ends_in(tmp_path: Path) -> None:
    assert "ends inside layer 3 [convolutional]: 4 bytes are missing" in refusal(tmp_path, WEIGHTS[:-4])
    assert "ends inside layer 0 [convolutional]" in refusal(tmp_path, WEIGHTS[:100])
    assert "ends inside layer 3 [convolutional]: 1 bytes are missing" in refusal(tmp_path, WEIGHTS[:-1])
    assert "too short for a Darknet weights file" in refusal(tmp_path, WEIGHTS[:10])
    assert "too short for a Darknet weights file" in refusal(tmp_path, b"")


def test_too_long_names_the_last_layer(tmp_path: Path) -> None:
    message = refusal(tmp_path, WEIGHTS + bytes(8))
    assert "has 8 more bytes after layer 3 [convolutional]" in message
    assert "belong together" in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("position", "layer"), [(0, 0), (100, 0), (8 * 31, 2), (-1, 3)])
def test_values_that_are_no_numbers_name_the_layer(
    value: float, position: int, layer: int, tmp_path: Path
) -> None:
    values = np.frombuffer(WEIGHTS, "<f4", offset=20).copy()
    values[position] = value
    message = refusal(tmp_path, material.HEADER + values.tobytes())
    assert f"holds {value} in layer {layer} [convolutional]" in message


def test_a_negative_variance_names_the_layer(tmp_path: Path) -> None:
    values = np.frombuffer(WEIGHTS, "<f4", offset=20).copy()
    values[24] = -1
    assert "negative variance in layer 0" in refusal(tmp_path, material.HEADER + values.tobytes())


def test_other_files_are_no_weights(tmp_path: Path) -> None:
    assert "not a Darknet weights file" in refusal(tmp_path, b"\x89PNG\r\n\x1a\n" * 1000)
    with pytest.raises(ModelError, match="No such file"):
        list(read_weights(tmp_path / "none.weights", LAYERS))


def test_a_refused_network_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "my.cfg").write_text(CFG)
    (tmp_path / "my.weights").write_bytes(WEIGHTS[:-4])
    with pytest.raises(ModelError):
        import_darknet(tmp_path / "my.cfg", tmp_path / "my.weights", tmp_path / "out" / "my.onnx")
    assert not (tmp_path / "out").exists()


def test_names_are_looked_for_in_order(tmp_path: Path) -> None:
    cfg = tmp_path / "my.cfg"
    assert class_names(cfg, 2, None) == (("class 0", "class 1"), "numbered, because no names file fits")
    (tmp_path / "coco.names").write_text("café\n\nbar\n", encoding="utf-8")
    assert class_names(cfg, 2, None) == (("café", "bar"), str(tmp_path / "coco.names"))
    assert class_names(cfg, 3, None)[0] == ("class 0", "class 1", "class 2")
    (tmp_path / "my.names").write_text("a\r\nb\r\n")
    assert class_names(cfg, 2, None)[0] == ("a", "b")
    assert class_names(cfg, 2, tmp_path / "coco.names")[0] == ("café", "bar")


def test_a_named_file_must_fit(tmp_path: Path) -> None:
    (tmp_path / "two.names").write_text("a\nb\n")
    with pytest.raises(ModelError, match=r"two\.names has 2 names, the network 3 classes"):
        class_names(tmp_path / "my.cfg", 3, tmp_path / "two.names")
    with pytest.raises(ModelError, match="No such file"):
        class_names(tmp_path / "my.cfg", 3, tmp_path / "none.names")


def test_eighty_classes_are_cocos(tmp_path: Path) -> None:
    assert class_names(tmp_path / "my.cfg", 80, None) == (
        COCO_NAMES,
        "COCO's 80 classes, because there are 80",
    )
    assert len(set(COCO_NAMES)) == 80


def test_coco_names_are_darknets(assets: Path) -> None:
    names = (assets / "models" / "yolo" / "coco.names").read_text().splitlines()
    assert tuple(names) == COCO_NAMES
