"""Reading cfg files, and what is said of those that are no YOLOv3-family network."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import ModelError
from mediaml.darknet.cfg import parse_cfg, read_cfg
from mediaml.darknet.layers import Convolution, Head, Route
from mediaml.darknet.network import DarknetNetwork, build_network, read_network
from mediaml.darknet.text import TEXT_BYTES_LIMIT
from mediaml.darknet.weights import parameter_count
from scripts import darknet_networks as material

OFFICIAL_BYTES = {"yolov3": 248_007_048, "yolov3-tiny": 35_434_956, "yolov3-spp": 252_209_544}
"""Sizes of the weights files that darknet's author published."""


def network(text: str) -> DarknetNetwork:
    return build_network(parse_cfg(text, "my.cfg"))


def refusal(text: str) -> str:
    with pytest.raises(ModelError) as caught:
        network(text)
    return str(caught.value)


def test_comments_blanks_and_repeated_keys() -> None:
    text = "# first\n\n[net]\n width = 6 4 ; twice\nwidth=32\n"
    text += "[Convolutional]#c\r\n filters = 5\nanchors = 1,2, 3 ,4,\n"
    cfg = parse_cfg(text, "my.cfg")
    assert cfg.net.options == {"width": "64"}
    (layer,) = cfg.layers
    assert (layer.kind, layer.line, layer.index) == ("convolutional", 6, 0)
    assert layer.integer("filters", 1) == 5
    assert layer.integers("anchors") == (1, 2, 3, 4)
    assert layer.integer("absent", 7) == 7
    assert str(layer) == "layer 0 [convolutional]"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ModelError):
        network(text)


@given(st.lists(st.sampled_from([*material.LAYERS.values(), material.YOLO, material.TO_HEAD]), max_size=4))
def test_any_row_of_layers_is_read_or_refused(parts: list[str]) -> None:
    try:
        found = network(material.NET.format(width=64, height=64) + "".join(parts))
    except ModelError as error:
        assert str(error).startswith("my.cfg, line") or "no layers" in str(error)
    else:
        assert found.heads


@given(st.floats(), st.sampled_from(["filters", "size", "stride", "groups", "padding"]))
def test_any_number_is_taken_or_refused(value: float, key: str) -> None:
    text = material.NET.format(width=64, height=64) + f"[convolutional]\nactivation=linear\n{key}={value}\n"
    try:
        network(text + material.TO_HEAD + material.YOLO)
    except ModelError as error:
        assert "line" in str(error)


@pytest.mark.parametrize("net", sorted(OFFICIAL_BYTES))
def test_official_cfgs_need_exactly_the_official_files(net: str, assets: Path) -> None:
    found = read_network(assets / "models" / "yolo" / f"{net}.cfg")
    assert 20 + 4 * sum(map(parameter_count, found.convolutions)) == OFFICIAL_BYTES[net]


def test_yolov3_as_its_author_describes_it(assets: Path) -> None:
    found = read_network(assets / "models" / "yolo" / "yolov3.cfg")
    assert (found.width, found.height, found.stride, found.classes) == (608, 608, 32, 80)
    assert len(found.layers) == 107
    assert len(found.convolutions) == 75
    assert [str(head.shape) for head in found.heads] == ["255 x 19 x 19", "255 x 38 x 38", "255 x 76 x 76"]
    assert found.heads[0].anchors == ((116, 90), (156, 198), (373, 326))


@pytest.mark.parametrize("net", material.REAL_NETS)
def test_real_cfgs_need_exactly_their_files(net: str, assets: Path) -> None:
    path = assets / "models" / "yolo" / f"{net}.cfg"
    size = path.with_suffix(".weights").stat().st_size
    assert 20 + 4 * sum(map(parameter_count, read_network(path).convolutions)) == size


def test_layers_know_what_they_read() -> None:
    text = material.layer_cfg(material.conv(8) + material.conv(4, groups=2) + "[route]\nlayers=-1,0\n")
    first, second, route, last, head = network(text).layers
    assert isinstance(first, Convolution) and first.sources == (-1,) and first.weights_shape == (8, 3, 3, 3)
    assert isinstance(second, Convolution) and second.weights_shape == (4, 4, 3, 3)
    assert isinstance(route, Route) and route.sources == (1, 0) and route.shape.channels == 12
    assert isinstance(last, Convolution) and last.sources == (2,)
    assert isinstance(head, Head) and head.anchors == ((10, 14), (23, 27))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("[region]\n", "line 5: layer 0 [region] is of a kind that is not supported\nSupported are"),
        (material.conv(8, activation="gelu"), "layer 0 [convolutional] has activation=gelu"),
        (material.conv(8, dilation=2), "has dilation=2, which is not supported"),
        (material.conv(8, stride_x=2), "has stride_x=2, which is not supported"),
        (material.conv(8, groups=3).replace("filters=8", "filters=9") + material.conv(8, groups=2), "groups"),
        (material.conv("x"), "has filters=x, which cannot be read as numbers"),
        (material.conv("1.5"), "has filters=1.5, which is not a whole number of 1 or more"),
        (material.conv("nan"), "has filters=nan, which is not finite"),
        (material.conv(8, size=99, pad=0), "has size=99, which is larger than its input of 3 x 16 x 24"),
        ("[route]\nlayers=5\n", "layer 0 [route] reads layer 5, which does not come before it"),
        ("[route]\nlayers=-1\n", "layer 0 [route] reads layer -1, which does not come before it"),
        (material.conv(8) + "[route]\n", "layer 1 [route] does not say layers="),
        (material.conv(9) + "[route]\nlayers=-1\ngroups=2\n", "takes group 0 of 2 from 9 channels"),
        (material.conv(8) + "[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", "takes group 2 of 2"),
        (
            material.conv(8) + material.conv(8, stride=2) + "[route]\nlayers=-1,-2\n",
            "joins 8 x 16 x 24 of layer 0 to 8 x 8 x 12: the sizes differ",
        ),
        (
            material.conv(8) + material.conv(8, stride=2) + "[shortcut]\nfrom=-2\n",
            "layer 2 [shortcut] adds 8 x 16 x 24 of layer 0 to 8 x 8 x 12: the sizes differ",
        ),
        (
            material.conv(8) + "[shortcut]\nfrom=-1\nweights_type=per_channel\n",
            "weights_type=per_channel, which is not supported",
        ),
        (material.conv(8) + "[maxpool]\nsize=2\npadding=9\n", "has padding=9, which is too much for size=2"),
        (material.conv(8) + "[upsample]\nstride=2\nscale=.5\n", "has scale=.5, which is not supported"),
        (material.conv(8) + "[scale_channels]\nfrom=0\n", "cannot multiply 8 x 16 x 24 of layer 0"),
        (material.TO_HEAD + material.YOLO + material.conv(8), "reads layer 1 [yolo], which has no output"),
        (material.TO_HEAD + material.YOLO.replace("classes=3", "classes=4"), "needs 2 x (5 + 4) channels"),
        (material.TO_HEAD + material.YOLO.replace("mask=0,1", "mask=0,3"), "do not fit the mask [0, 3]"),
        (material.TO_HEAD + material.YOLO.replace("10,14", "-10,14"), "do not fit the mask [0, 1]"),
    ],
)
def test_what_is_not_understood_is_named(layers: str, said: str) -> None:
    message = refusal(material.layer_cfg(layers))
    assert said in message
    assert message.startswith("my.cfg, line")
    assert message.count("\n") <= 1


def test_heads_must_agree_on_classes() -> None:
    more = material.TO_HEAD.replace("16", "18") + material.YOLO.replace("classes=3", "classes=4")
    message = refusal(material.layer_cfg("", material.YOLO + "[route]\nlayers=-2\n" + more))
    assert "layer 4 [yolo] has 4 classes, an earlier head 3" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "my.cfg does not begin with [net]"),
        ("[convolutional]\n", "my.cfg does not begin with [net]"),
        ("[net]\n", "my.cfg has no layers after [net]"),
        ("hello\n", "my.cfg, line 1: 'hello' is neither a [section] nor key=value"),
        ("[net]\nwidth\n", "my.cfg, line 2: 'width' is neither"),
        ("[net]\nchannels=1\n" + material.conv(3), "only images with 3 channels"),
        ("[net]\nwidth=0\n" + material.conv(3), "has width=0, which is not a whole number of 1 or more"),
        (material.NET.format(width=32, height=32) + material.conv(8), "[net] has no [yolo] layer after it"),
        (
            material.layer_cfg(material.conv(8, stride=2), width=33),
            "has the size 33 x 16, which is not a multiple of 2",
        ),
    ],
)
def test_a_text_that_is_no_network_is_refused(text: str, said: str) -> None:
    assert said in refusal(text)


def test_files_that_cannot_be_cfgs(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_cfg(tmp_path / "none.cfg")
    (tmp_path / "large.cfg").write_bytes(b"#" * (TEXT_BYTES_LIMIT + 1))
    with pytest.raises(ModelError, match=r"too large for a Darknet cfg\nName the \.cfg first"):
        read_cfg(tmp_path / "large.cfg")
    with pytest.raises(ModelError, match="cannot be read"):
        read_cfg(tmp_path)
