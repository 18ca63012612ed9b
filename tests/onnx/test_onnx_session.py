"""Sessions: verified devices, files that are not trusted, errors in a sentence, nothing on stderr."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.errors import DeviceError, MemoryLimitError, ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.interface import TensorSpec
from mediaml.onnx.model_file import model_digest, uses_external_data
from mediaml.onnx.providers import CPU, parse_device
from mediaml.onnx.session import Session, open_session
from tests.support.models import onnx_files as material

ON_CPU = parse_device("cpu")


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return path


def refusal(source: Path | bytes) -> str:
    with pytest.raises(ModelError) as caught:
        open_session(source, ON_CPU)
    message = str(caught.value)
    assert message.count("\n") <= 1
    return message


def test_a_session_knows_its_model(tmp_path: Path) -> None:
    metadata = {
        "mediaml.labels": '["cat", "dog", "Känguru"]',
        "mediaml.input": '{"type":"image","width":8,"height":6,"layout":"NHWC","dtype":"uint8","stride":2}',
        "other": "value",
    }
    path = saved(tmp_path, material.doubling(metadata).SerializeToString())
    session = open_session(path, ON_CPU)
    assert session.inputs == (TensorSpec("x", (None, 3), "float32"),)
    assert session.outputs == (TensorSpec("y", (None, 3), "float32"),)
    assert session.metadata == metadata
    assert session.labels == ("cat", "dog", "Känguru")
    assert session.image_input == ImageInput(8, 6, layout="NHWC", dtype="uint8")
    assert session.audio_input is None
    assert session.stride == 2
    assert (session.device, session.fallback_reason) == (CPU, None)
    assert session.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert session.name == str(path)


def test_a_session_runs_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    content = material.doubling().SerializeToString()
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for source in (content, saved(tmp_path, content)):
        (y,) = open_session(source, ON_CPU).run({"x": x})
        np.testing.assert_array_equal(y, 2 * x)


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        ({}, "Required inputs"),
        ({"z": np.zeros((1, 3), np.float32)}, "Required inputs"),
        ({"x": np.zeros((1, 3), np.float32), "z": np.zeros(1)}, "Invalid input name"),
        ({"x": np.zeros((1, 3), np.uint8)}, "Unexpected input data type"),
        ({"x": np.zeros((1, 4), np.float32)}, "Got: 4 Expected: 3"),
        ({"x": np.zeros(3, np.float32)}, "Invalid rank"),
    ],
)
def test_a_feed_that_does_not_fit(feeds: dict[str, np.ndarray], said: str) -> None:
    session = open_session(material.doubling().SerializeToString(), ON_CPU)
    with pytest.raises(ModelError) as caught:
        session.run(feeds)
    assert said in caught.value.message
    assert "onnxruntime" not in caught.value.message.lower()
    assert caught.value.hint == "It takes x float32 [?, 3]."
    assert str(caught.value).count("\n") == 1


def test_files_that_are_no_models(tmp_path: Path) -> None:
    assert "there is no model file" in refusal(tmp_path / "none.onnx")
    assert "is a folder" in refusal(tmp_path)
    assert "is empty" in refusal(saved(tmp_path, b""))
    assert "cannot be opened as an ONNX model" in refusal(saved(tmp_path, b"hello"))
    assert "cannot be opened as an ONNX model" in refusal(b"[net]\nwidth=32\n" * 50)
    whole = material.doubling().SerializeToString()
    assert "cannot be opened as an ONNX model" in refusal(saved(tmp_path, whole[: len(whole) // 2]))


def test_a_model_with_operators_that_nobody_knows() -> None:
    model = material.doubling()
    model.graph.node[0].op_type = "Frobnicate"
    assert "Frobnicate" in refusal(model.SerializeToString())
    model.graph.node[0].domain = "com.example"
    model.opset_import.add(domain="com.example", version=1)
    assert "Frobnicate" in refusal(model.SerializeToString())


def test_a_file_larger_than_an_onnx_file_can_be(tmp_path: Path) -> None:
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2**31)
    assert "2147483647 at most" in refusal(tmp_path / "large.onnx")


def test_labels_that_cannot_be_read() -> None:
    message = refusal(material.doubling({"mediaml.labels": "cat, dog"}).SerializeToString())
    assert "metadata `mediaml.labels` cannot be read" in message


def test_external_data_beside_the_model(tmp_path: Path) -> None:
    values = np.array([1, 2, 3], "<f4").tobytes()
    (tmp_path / "weights.bin").write_bytes(values)
    content = material.with_external_data("weights.bin").SerializeToString()
    session = open_session(saved(tmp_path, content), ON_CPU)
    np.testing.assert_array_equal(session.run({"x": np.ones((1, 3), np.float32)})[0], [[1, 2, 3]])
    assert session.sha256 == hashlib.sha256(content + values).hexdigest()
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    assert open_session(tmp_path / "model.onnx", ON_CPU).sha256 != session.sha256


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "C:\\secret.bin"])
def test_external_data_elsewhere_is_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(12))
    (tmp_path / "models" / "a").mkdir(parents=True)
    path = saved(tmp_path / "models", material.with_external_data(location).SerializeToString())
    assert "which is not beside it\nSave the model with its weights" in refusal(path)


def test_external_data_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(12))
    (tmp_path / "models" / "weights.bin").symlink_to(tmp_path / "secret.bin")
    path = saved(tmp_path / "models", material.with_external_data("weights.bin").SerializeToString())
    assert "not beside it" in refusal(path)


def test_external_data_that_is_missing(tmp_path: Path) -> None:
    content = material.with_external_data("weights.bin").SerializeToString()
    assert "weights.bin, which is missing" in refusal(saved(tmp_path, content))
    assert "must be opened by its path" in refusal(content)


def test_external_data_is_found_in_nested_graphs(tmp_path: Path) -> None:
    inner = material.with_external_data("inner.bin").graph
    outer = material.doubling()
    node = outer.graph.node.add(op_type="If", input=["x"], output=["z"])
    branch = node.attribute.add(name="then_branch", type=5)
    branch.g.CopyFrom(inner)
    (tmp_path / "inner.bin").write_bytes(bytes(12))
    content = outer.SerializeToString()
    assert uses_external_data(content, tmp_path, "m") == (tmp_path / "inner.bin",)
    assert uses_external_data(material.doubling().SerializeToString(), tmp_path, "m") == ()
    assert model_digest(content, ()) == hashlib.sha256(content).hexdigest()


def test_cuda_is_really_obtained_or_refused_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    content = material.doubling().SerializeToString()
    try:
        session = open_session(content, parse_device("cuda"))
    except DeviceError as error:
        assert error.hint
        assert str(error).count("\n") == 1
    else:
        assert session.device.name == "cuda"
    with pytest.raises(ModelError):
        open_session(b"no model", ON_CPU)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(
    ("reason", "on_gpu", "on_cpu"),
    [
        ("CUDA failure 700: an illegal memory access", DeviceError, ModelError),
        ("CUDA failure 2: out of memory", MemoryLimitError, MemoryLimitError),
        ("Failed to allocate memory for requested buffer of size 1024", MemoryLimitError, MemoryLimitError),
        ("CUBLAS_STATUS_ALLOC_FAILED", MemoryLimitError, MemoryLimitError),
        ("Got invalid dimensions for input: x", ModelError, ModelError),
    ],
)
def test_a_run_that_fails_tells_a_gpu_from_its_memory_and_from_a_wrong_input(
    reason: str, on_gpu: type[Exception], on_cpu: type[Exception]
) -> None:
    class Failing:
        def run(self, *_: object) -> None:
            raise RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {reason}")

    ready = open_session(material.doubling().SerializeToString(), ON_CPU)
    fields = {name: getattr(ready, name) for name in Session.__slots__} | {"_runtime": Failing()}
    for device, expected in ((parse_device("cuda").device, on_gpu), (ready.device, on_cpu)):
        with pytest.raises(expected, match=reason) as caught:
            Session(**(fields | {"device": device})).run({"x": np.zeros((1, 3), np.float32)})
        assert type(caught.value) is expected
