"""The imported graph: its interface, free axes, and the layers that OpenCV's reader does not have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mediaml.core.arrays import Float32Array
from mediaml.core.errors import OutputError
from mediaml.darknet.cfg import parse_cfg
from mediaml.darknet.importer import ImportReport, import_darknet
from mediaml.darknet.layers import MaxPool
from mediaml.darknet.network import build_network
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import Session, open_session
from scripts import darknet_networks as material

TWO_HEADS = material.layer_cfg(material.conv(8, stride=2), material.HEADS["two_heads"], width=32, height=32)


def imported(folder: Path, cfg: str, weights: bytes | None = None) -> ImportReport:
    (folder / "net.cfg").write_text(cfg)
    (folder / "net.weights").write_bytes(weights or material.random_weights(cfg, 7))
    return import_darknet(folder / "net.cfg", folder / "net.weights", folder / "net.onnx")


def session_of(folder: Path, cfg: str, weights: bytes | None = None) -> Session:
    return open_session(imported(folder, cfg, weights).path, parse_device("cpu"), threads=1)


def test_interface_and_metadata(tmp_path: Path) -> None:
    report = imported(tmp_path, TWO_HEADS)
    model = onnx.load(report.path)
    onnx.checker.check_model(model, full_check=True)
    session = open_session(report.path, parse_device("cpu"))
    assert [str(spec) for spec in session.inputs] == ["images uint8 [?, ?, ?, 3]"]
    assert [str(spec) for spec in session.outputs] == ["boxes float32 [?, ?, 4]", "scores float32 [?, ?, 3]"]
    assert [axis.dim_param for axis in model.graph.input[0].type.tensor_type.shape.dim] == [
        "batch",
        "height",
        "width",
        "",
    ]
    metadata = session.metadata
    assert metadata["mediaml.interface"] == "detector/1"
    assert metadata["mediaml.name"] == "net"
    assert json.loads(metadata["mediaml.anchors"]) == [[[10, 14], [23, 27]], [[23, 27], [37, 58]]]
    assert json.loads(metadata["mediaml.source"]) == dict(report.source_sha256)
    assert set(report.source_sha256) == {"net.cfg", "net.weights"}
    assert session.labels == report.labels == ("class 0", "class 1", "class 2")
    assert session.image_input is not None
    assert (session.image_input.width, session.image_input.height, session.stride) == (32, 32, 4)
    assert (session.image_input.layout, session.image_input.dtype) == ("NHWC", "uint8")
    assert report.sha256 == session.sha256
    assert report.anchors == session.run({"images": np.zeros((1, 32, 32, 3), np.uint8)})[0].shape[1]


def test_importing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = imported(tmp_path, TWO_HEADS)
    content = first.path.read_bytes()
    assert imported(tmp_path, TWO_HEADS).sha256 == first.sha256
    assert first.path.read_bytes() == content


def test_a_batch_answers_as_its_pictures_do(tmp_path: Path) -> None:
    session = session_of(tmp_path, TWO_HEADS)
    images = np.stack([material.random_picture(seed, 48, 32) for seed in range(3)])
    boxes, scores = session.run({"images": images})
    for index in range(3):
        alone_boxes, alone_scores = session.run({"images": images[index : index + 1]})
        np.testing.assert_allclose(boxes[index], alone_boxes[0], atol=1e-4)
        np.testing.assert_allclose(scores[index], alone_scores[0], atol=1e-6)


@pytest.mark.parametrize(("width", "height"), [(32, 32), (64, 32), (32, 96), (100, 4)])
def test_a_rectangle_answers_as_a_network_of_its_size(width: int, height: int, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    weights = material.random_weights(TWO_HEADS, 7)
    free = session_of(tmp_path, TWO_HEADS, weights)
    own = session_of(tmp_path / "own", material.resized_cfg(TWO_HEADS, width, height), weights)
    image = material.random_picture(3, width, height)[None]
    for left, right in zip(free.run({"images": image}), own.run({"images": image}), strict=True):
        np.testing.assert_array_equal(left, right)
    assert free.run({"images": image})[0].shape[1] == 2 * (
        height // 2 * width // 2 + height // 4 * width // 4
    )


def test_boxes_are_decoded_by_the_paper_in_cfg_order(tmp_path: Path) -> None:
    """A head whose convolution is all bias: t is the same in every cell."""
    cfg = material.layer_cfg("", material.YOLO + "scale_x_y=1.5\n", width=12, height=8)
    cfg = cfg.replace("size=1\n", "size=4\nstride=4\n")
    t = np.array([[0.3, -0.4, 0.1, -0.2, 1.0, 2.0, -1.0, 0.0], [-1, 1, 0, 0.5, -2, 0, 1, 2]], np.float32)
    values = np.concatenate([t.ravel(), np.zeros(16 * 3 * 16, np.float32)])
    session = session_of(tmp_path, cfg, material.HEADER + values.astype("<f4").tobytes())
    boxes, scores = session.run({"images": np.zeros((1, 8, 12, 3), np.uint8)})
    assert boxes.shape == (1, 2 * 3 * 2, 4)
    anchors = [(10, 14), (23, 27)]
    for row in range(2):
        for column in range(3):
            for anchor in range(2):
                tx, ty, tw, th, to, *tc = t[anchor].astype(float)
                x = (column + 1.5 / (1 + np.exp(-tx)) - 0.25) * 4
                y = (row + 1.5 / (1 + np.exp(-ty)) - 0.25) * 4
                w, h = anchors[anchor][0] * np.exp(tw), anchors[anchor][1] * np.exp(th)
                index = (row * 3 + column) * 2 + anchor
                corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                np.testing.assert_allclose(boxes[0, index], corners, rtol=1e-5)
                expected = 1 / (1 + np.exp(-to)) / (1 + np.exp(-np.array(tc)))
                np.testing.assert_allclose(scores[0, index], expected, rtol=1e-5)


def tapped(folder: Path, cfg: str, layer: int, operator: str) -> tuple[Session, str]:
    """The imported network with one layer's tensor as a further output."""
    report = imported(folder, cfg)
    model = onnx.load(report.path)
    name = f"layer_{layer}/{operator}"
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return open_session(model.SerializeToString(), parse_device("cpu"), threads=1), name


def tensor(session: Session, name: str, image: np.ndarray) -> Float32Array:
    names = [spec.name for spec in session.outputs]
    result: Float32Array = session.run({"images": image[None]})[names.index(name)][0]
    return result


def test_relu6_is_clipped(tmp_path: Path) -> None:
    text = material.layer_cfg(material.conv(8, activation="relu6"))
    (tmp_path / "a").mkdir()
    image = material.random_picture(1, 24, 16)
    linear = tensor(*tapped(tmp_path / "a", text.replace("relu6", "linear"), 0, "Conv"), image) * 1
    clipped = tensor(*tapped(tmp_path, text, 0, "Clip"), image)
    assert linear.min() < 0
    np.testing.assert_allclose(clipped, np.clip(linear, 0, 6), atol=1e-6)


@pytest.mark.parametrize("channels", [4, 8, 12])
def test_shortcut_takes_the_channels_of_the_layer_before(channels: int, tmp_path: Path) -> None:
    layers = material.conv(channels) + material.conv(8) + "[shortcut]\nfrom=-2\n"
    session, name = tapped(tmp_path, material.layer_cfg(layers), 2, "Add")
    model = onnx.load(tmp_path / "net.onnx")
    for layer in (0, 1):
        output = f"layer_{layer}/LeakyRelu"
        model.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    parts = open_session(model.SerializeToString(), parse_device("cpu"), threads=1)
    image = material.random_picture(1, 24, 16)
    first, second = tensor(parts, "layer_0/LeakyRelu", image), tensor(parts, "layer_1/LeakyRelu", image)
    expected = second.copy()
    shared = min(channels, 8)
    expected[:shared] += first[:shared]
    np.testing.assert_allclose(tensor(session, name, image), expected, atol=1e-6)


def test_shortcut_adds_a_list_of_layers(tmp_path: Path) -> None:
    layers = material.conv(8) * 3 + "[shortcut]\nfrom=-2,-3\n"
    report = imported(tmp_path, material.layer_cfg(layers))
    model = onnx.load(report.path)
    names = [f"layer_{layer}/LeakyRelu" for layer in range(3)] + ["layer_3/Add_2"]
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = open_session(model.SerializeToString(), parse_device("cpu"), threads=1)
    *terms, total = (tensor(session, name, material.random_picture(1, 24, 16)) for name in names)
    np.testing.assert_allclose(total, sum(terms), atol=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    pixels=st.integers(1, 40), size=st.integers(1, 9), stride=st.integers(1, 4), padding=st.integers(0, 12)
)
def test_maxpool_windows_are_darknets(pixels: int, size: int, stride: int, padding: int) -> None:
    """As in `forward_maxpool_layer`: from -(padding // 2) on, (pixels + padding - size) / stride + 1 many."""
    assume(pixels + padding >= size and padding - padding // 2 < size and pixels % stride == 0)
    cfg = material.NET.format(width=pixels, height=pixels)
    cfg += f"[maxpool]\nsize={size}\nstride={stride}\npadding={padding}\n" + material.TO_HEAD + material.YOLO
    layer = build_network(parse_cfg(cfg, "pool.cfg")).layers[0]
    assert isinstance(layer, MaxPool)
    starts = range(-(padding // 2), pixels, stride)
    windows = (pixels + padding - size) // stride + 1
    assert layer.shape.width == layer.shape.height == windows
    assert layer.before == -starts[0]
    last = starts[0] + (windows - 1) * stride
    assert last + size <= pixels + layer.after


def test_the_output_is_never_half_written(tmp_path: Path) -> None:
    (tmp_path / "net.onnx.part").mkdir()
    with pytest.raises(OutputError, match=r"net\.onnx cannot be written"):
        imported(tmp_path, TWO_HEADS)
    assert not (tmp_path / "net.onnx").exists()


def test_the_output_must_not_be_an_input(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(TWO_HEADS)
    (tmp_path / "net.weights").write_bytes(material.random_weights(TWO_HEADS, 7))
    with pytest.raises(OutputError, match="is also an input"):
        import_darknet(tmp_path / "net.cfg", tmp_path / "net.weights", tmp_path / "net.weights")
