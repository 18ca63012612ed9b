"""Strangers' graphs and files: each is described, or refused in two lines; nothing else happens."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import ModelError
from mediaml.core.model_input import ImageInput
from mediaml.plugin import GraphFacts, TensorSpec
from mediaml_onnx.describe import Description, WrongTaskError, describe
from mediaml_onnx.hub_files import hub_layers
from mediaml_onnx.layer import FIELDS
from mediaml_onnx.reading import readings
from mediaml_onnx.toml_file import read_toml

TASKS = ("classify", "embed", "listen", "transform")
QUICK = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
sizes = some.sampled_from([None, 1, 2, 3, 4, 8, 64, 80, 96, 128, 224, 521, 527, 640, 1000, 3000, 15600])
names = some.sampled_from(["x", "images", "waveform", "logits", "output0", "boxes", "scores", "embeddings"])
dtypes = some.sampled_from(["float32", "float16", "uint8", "int64", "float64", "string", "bool"])
tensors = some.builds(TensorSpec, names, some.lists(sizes, max_size=5).map(tuple), dtypes)
operators = some.sampled_from(["", "Softmax", "Sigmoid", "Gemm", "Concat"])


@some.composite
def graphs(draw: Any) -> GraphFacts:
    outputs = tuple(draw(some.lists(tensors, max_size=4)))
    inputs = tuple(draw(some.lists(tensors, max_size=2)))
    made = tuple(draw(some.lists(operators, min_size=len(outputs), max_size=len(outputs))))
    return GraphFacts(Path("nowhere/m.onnx"), inputs, outputs, {}, made)


def two_lines(message: str, hint: str) -> None:
    assert message and hint and "\n" not in message + hint
    assert "None" not in message


@QUICK
@given(graphs(), some.sampled_from(TASKS))
def test_a_graph_of_any_shape_is_described_or_refused(facts: GraphFacts, task: Any) -> None:
    try:
        found = describe(facts, task)
    except (ModelError, WrongTaskError) as refused:
        two_lines(refused.message, refused.hint)
        return
    assert isinstance(found, Description)
    output = facts.outputs[found.index]
    assert output.dtype in {"float32", "float16", "uint8"}
    if task == "listen":
        assert isinstance(found.input, AudioInput)
    elif task != "transform":
        assert isinstance(found.input, ImageInput) and len(facts.inputs[0].shape) == 4
    if found.labels and output.shape[-1] is not None:
        assert len(found.labels) == output.shape[-1]


@QUICK
@given(facts=graphs(), task=some.sampled_from(TASKS))
def test_readings_can_be_written_and_read_back(facts: GraphFacts, task: Any, tmp_path: Path) -> None:
    try:
        found = readings(task, facts)
    except ModelError as refused:
        two_lines(refused.message, refused.hint)
        return
    for reading in found:
        (tmp_path / "m.toml").write_text(reading.description, encoding="utf-8")
        said = read_toml(tmp_path / "m.toml")
        assert said.output["name"] == facts.outputs[describe(facts, task).index].name  # type: ignore[arg-type]
        assert reading.reason and dict(reading.facts)["means"]


values = some.recursive(
    some.none() | some.booleans() | some.integers(-5, 5000) | some.floats() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=12), inner, max_size=3)
    ),
    max_leaves=6,
)
PREPROCESSOR = """size crop_size do_resize do_center_crop do_rescale rescale_factor do_normalize image_mean
image_std resample crop_pct feature_extractor_type sampling_rate n_fft num_mel_bins max_length feature_size
chunk_length hop_length mean std do_flip_channel_order"""
HUB = {
    "preprocessor_config.json": PREPROCESSOR.split(),
    "config.json": ["pretrained_cfg", "problem_type", "label_names", "id2label"],
}
TIMM = ["input_size", "crop_mode", "crop_pct", "mean", "std", "interpolation", "label_names"]


@QUICK
@given(data=some.data())
def test_files_of_a_hub_with_anything_in_them(data: Any, tmp_path: Path) -> None:
    name = data.draw(some.sampled_from(sorted(HUB)))
    said = data.draw(some.dictionaries(some.sampled_from(HUB[name]), values, max_size=8))
    if name == "config.json" and data.draw(some.booleans()):
        said["pretrained_cfg"] = data.draw(some.dictionaries(some.sampled_from(TIMM), values, max_size=5))
    if name != "config.json" and data.draw(some.booleans()):
        said["feature_extractor_type"] = data.draw(some.sampled_from(["AST", "Whisper", "Wav2Vec2"]))
    (tmp_path / "preprocessor_config.json").unlink(missing_ok=True)
    (tmp_path / "config.json").unlink(missing_ok=True)
    (tmp_path / name).write_text(json.dumps(said), encoding="utf-8")
    try:
        layers = hub_layers(tmp_path / "m.onnx")
    except ModelError as refused:
        assert str(tmp_path) in refused.message and len(str(refused).splitlines()) <= 3
        return
    assert layers and all(layer.image.keys() <= FIELDS["image"].keys() for layer in layers)


@QUICK
@given(
    table=some.sampled_from(sorted(FIELDS)),
    fields=some.dictionaries(
        some.text(string.ascii_lowercase + "_", min_size=1, max_size=9), values, max_size=3
    ),
)
def test_descriptions_with_anything_in_them(table: str, fields: dict[str, Any], tmp_path: Path) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    (tmp_path / "m.toml").write_text("\n".join([f"[{table}]", *lines]), encoding="utf-8")
    try:
        said = read_toml(tmp_path / "m.toml")
    except ModelError as refused:
        assert "m.toml" in refused.message and refused.hint
        return
    assert getattr(said, table).keys() == fields.keys()


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("preprocessor_config.json", "{", "cannot be read as JSON"),
        ("preprocessor_config.json", '{"size": {"longest_edge": 5}}', "which is not known"),
        (
            "preprocessor_config.json",
            '{"crop_pct": 0, "size": {"shortest_edge": 224}}',
            "crop_pct is 0.1 to 1",
        ),
        ("m.toml", 'labels = "../names.txt"', "does not lie beside"),
    ],
)
def test_what_is_wrong_beside_a_model_is_named(file: str, text: str, what: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    image = TensorSpec("x", (None, 3, 224, 224), "float32")
    facts = GraphFacts(tmp_path / "m.onnx", (image,), (TensorSpec("y", (None, 7), "float32"),), {}, ("Gemm",))
    with pytest.raises(ModelError) as refused:
        describe(facts, "classify")
    assert what in refused.value.message and refused.value.hint


def test_one_side_of_two_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("[image]\nwidth = 8")
    image = TensorSpec("x", (None, 3, None, None), "float32")
    facts = GraphFacts(tmp_path / "m.onnx", (image,), (TensorSpec("y", (None, 7), "float32"),), {}, ("Gemm",))
    with pytest.raises(ModelError, match="without a height, and takes any"):
        describe(facts, "classify")


def test_filters_that_are_not_here_are_said(tmp_path: Path) -> None:
    text = '{"size": {"height": 8, "width": 8}, "resample": 1, "image_mean": [0.5, 0.5, 0.5]}'
    (tmp_path / "preprocessor_config.json").write_text(text)
    image = TensorSpec("x", (None, 3, 8, 8), "float32")
    facts = GraphFacts(tmp_path / "m.onnx", (image,), (TensorSpec("y", (None, 7), "float32"),), {}, ("Gemm",))
    found = describe(facts, "classify")
    assert isinstance(found.input, ImageInput) and found.input.resample == "bicubic"
    assert "Lanczos resampling is done as bicubic" in found.guesses


def test_yamnets_own_graph_by_its_outputs() -> None:
    """TensorFlow's YAMNet takes [samples] and answers per patch; converters drop the names of its outputs."""
    shapes = ((None, 521), (None, 1024), (None, 64))
    outputs = tuple(TensorSpec(f"output_{index}", shape, "float32") for index, shape in enumerate(shapes))
    facts = GraphFacts(
        Path("nowhere/y.onnx"), (TensorSpec("w", (None,), "float32"),), outputs, {}, ("", "", "")
    )
    found = describe(facts, "listen")
    assert found.index == 0 and found.labels[0] == "Speech"
    assert found.input == AudioInput(window_s=0.975, hop_s=0.48, features="waveform")
