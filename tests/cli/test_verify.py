"""`mediaml models verify` of models without a golden file: fetched towers and their int8 siblings."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest
from onnx import TensorProto, save
from onnxruntime.quantization import QuantType, quantize_dynamic

from mediaml.onnx.golden import made_inputs
from mediaml.onnx.inspect import model_file_facts
from mediaml.onnx.precision import precision_of
from mediaml.onnx.replay import differences
from scripts.clip_towers import SMALL, image_tower, text_tower
from tests.support.models.onnx_files import model
from tests.support.plugins.entry_points import registered_plugin
from tests.support.server import serving

PLUGIN = """
from mediaml.plugin import CatalogueEntry, CatalogueFile, hookimpl

@hookimpl
def mediaml_catalogue():
    for name, files in {entries!r}.items():
        made = [CatalogueFile(file, ({address!r} + "/" + body,), *facts) for file, body, *facts in files]
        yield CatalogueEntry(name, "made by a test", "MIT", tuple(made), recipe="folder", plugin="clip")
"""


@pytest.fixture(scope="module")
def towers(tmp_path_factory):
    """Small towers in fp32 and in int8, by the names of their files."""
    folder = tmp_path_factory.mktemp("towers")
    for name, tower in (("vision_model", image_tower(SMALL)), ("text_model", text_tower(SMALL))):
        save(tower, folder / f"{name}.onnx")
        quantize_dynamic(
            folder / f"{name}.onnx",
            folder / f"{name}_quantized.onnx",
            weight_type=QuantType.QUInt8,
            op_types_to_quantize=["MatMul", "Gather"],
        )
    return {path.name: path.read_bytes() for path in folder.glob("*.onnx")}


@pytest.fixture
def shop(towers, tmp_path, monkeypatch):
    """A server with both CLIPs, and a plugin that puts them into the catalogue."""
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path / "cache"))
    for name in ("MEDIAML_OFFLINE", "MEDIAML_MODELS", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def files(*names: str) -> list[tuple[str, str, str, int]]:
        return [(f"onnx/{n}", n, hashlib.sha256(towers[n]).hexdigest(), len(towers[n])) for n in names]

    entries = {
        "towers": files("vision_model.onnx", "text_model.onnx"),
        "towers-int8": files("vision_model_quantized.onnx", "text_model_quantized.onnx"),
    }
    with serving() as served:
        served.bodies = towers
        source = PLUGIN.format(entries=entries, address=served.address)
        with registered_plugin(monkeypatch, tmp_path, "towers", source):
            yield served


def figures(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"(\d\.\d\de[+-]\d+) in ", text)]


def test_every_tower_is_replayed_on_every_device_and_held_against_fp32(mediaml, shop):
    assert mediaml("models", "pull", "towers-int8").code == 0
    alone = mediaml("models", "verify", "towers-int8", "--device", "cpu", "--device", "auto")
    assert alone.code == 0, alone.err
    assert alone.out.count("from the unoptimised graph on the CPU, int8: ") == 4
    assert "on auto (c" in alone.out
    assert (
        "not compared with fp32, because towers is not downloaded; `mediaml models pull towers`" in alone.out
    )
    assert mediaml("models", "pull", "towers").code == 0
    plain = mediaml("models", "verify", "towers")
    assert (
        plain.out.count("from the unoptimised graph on the CPU, fp32: ") == 2 and "sibling" not in plain.out
    )
    assert max(figures(plain.out)) < 1e-4
    both = mediaml("models", "verify", "towers-int8")
    assert both.code == 0, both.err
    held = [line for line in both.out.splitlines() if line.endswith(")") and "_model, fp32: " in line]
    assert [line.split(":")[0] for line in held] == ["vision_model_quantized", "text_model_quantized"]
    assert all(1e-4 < figure < 1 for line in held for figure in figures(line))


def test_a_file_is_replayed_by_its_path(mediaml, towers, tmp_path):
    (tmp_path / "own.onnx").write_bytes(towers["text_model.onnx"])
    said = mediaml("models", "verify", "own.onnx")
    assert said.code == 0 and "own: largest difference on cpu" in said.out
    absent = mediaml("models", "verify", "absent.onnx")
    assert absent.code == 4 and "there is no model file" in absent.err


def test_inputs_are_made_from_the_graph(tmp_path):
    inputs = [
        ("input_1", TensorProto.FLOAT, ["batch", 3, "height", "width"]),
        ("image_shape", TensorProto.FLOAT, ["batch", 2]),
    ]
    outputs = [
        ("boxes", TensorProto.FLOAT, [1, "anchors", 4]),
        ("scores", TensorProto.FLOAT, [1, 80, "anchors"]),
        ("indices", TensorProto.INT32, ["chosen", 3]),
    ]
    save(model(inputs, outputs), tmp_path / "zoo.onnx")
    made = made_inputs(model_file_facts(tmp_path / "zoo.onnx"))
    assert made["input_1"].shape == (1, 3, 416, 416) and made["input_1"].dtype == np.float32
    assert 0 <= made["input_1"].min() < made["input_1"].max() <= 1
    assert made["image_shape"].tolist() == [[416, 416]]
    again = made_inputs(model_file_facts(tmp_path / "zoo.onnx"))
    assert np.array_equal(made["input_1"], again["input_1"])
    texts = [("input_ids", TensorProto.INT64, ["b", "n"]), ("attention_mask", TensorProto.INT64, ["b", "n"])]
    save(model([*texts, ("x", TensorProto.FLOAT16, ["b", 5])], outputs[:1]), tmp_path / "text.onnx")
    made = made_inputs(model_file_facts(tmp_path / "text.onnx"))
    assert made["input_ids"].argmax() == 7 and made["attention_mask"].tolist() == [[1] * 8]
    assert made["x"].shape == (1, 5) and made["x"].dtype == np.float16
    pixels = [("images", TensorProto.UINT8, ["b", "h", "w", 3])]
    save(model(pixels, outputs[:1]), tmp_path / "pixels.onnx")
    made = made_inputs(model_file_facts(tmp_path / "pixels.onnx"))
    assert made["images"].shape == (1, 224, 224, 3) and made["images"].max() > 200


def test_precision_is_that_of_most_weights(towers, tmp_path):
    for name in ("text_model", "text_model_quantized"):
        (tmp_path / f"{name}.onnx").write_bytes(towers[f"{name}.onnx"])
    assert precision_of(tmp_path / "text_model.onnx") == "fp32"
    assert precision_of(tmp_path / "text_model_quantized.onnx") == "int8"


def test_outputs_of_another_length_are_told():
    found = differences(
        {"boxes": np.ones((1, 4)), "indices": np.zeros((2, 3))},
        {"a": np.ones((1, 4)) * 3, "b": np.zeros((1, 3))},
    )
    assert [str(one) for one in found] == ["2.00e+00 in boxes (values to 3)", "indices of another length"]
