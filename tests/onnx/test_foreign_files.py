"""What lies under the name of an ONNX file and is none: said as what it is, with what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mediaml.core.errors import ModelError
from mediaml.onnx.formats import foreign_content
from mediaml.onnx.model_file import model_bytes
from scripts.paths import REPOSITORY

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 3659407\n"


@pytest.mark.parametrize(
    ("content", "what", "advice"),
    [
        (POINTER, "a Git LFS pointer", "git lfs pull"),
        (b"\n<!DOCTYPE html><html lang='en'>", "a web page", "Raw"),
        (b"<html><head></head>", "a web page", "Raw"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip", "gunzip"),
        (b"\x89HDF\r\n\x1a\n", "a Keras file", "model.export"),
        (b"\x1c\x00\x00\x00TFL3", "a TensorFlow Lite model", "tf2onnx"),
    ],
)
def test_first_bytes_say_what_a_file_is(content: bytes, what: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=what) as caught:
        model_bytes(path)
    assert str(path) in str(caught.value)
    assert advice in (caught.value.hint or "")


def test_a_checkpoint_under_another_name_is_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(ModelError, match="as PyTorch's own files are"):
        model_bytes(path)


def test_onnx_files_are_nothing_else() -> None:
    models = sorted((REPOSITORY / "exported_models").glob("*.onnx"))
    assert models
    assert [foreign_content(path.read_bytes()) for path in models] == [None] * len(models)


def test_a_page_is_refused_by_the_command(tmp_path: Path, mediaml) -> None:
    (tmp_path / "best.onnx").write_bytes(b"<!DOCTYPE html><title>404</title>")
    (tmp_path / "photo.png").write_bytes(b"")
    said = mediaml("run", "-p", "yolo", "-m", "best.onnx", "photo.png")
    assert said.code == 4
    assert "best.onnx is a web page, not an ONNX model" in said.err
    assert len(said.err.strip().splitlines()) == 2
