"""Where class names are found: metadata, a list beside the file, a well-known list of that length."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaml.core.errors import ModelError
from mediaml.onnx.coco import COCO_NAMES
from mediaml.onnx.labels import FoundLabels, find_labels

COCO = {"COCO": COCO_NAMES}


def beside(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder / "best.onnx"


def test_metadata_comes_first(tmp_path: Path) -> None:
    path = beside(tmp_path, labels_txt="x\ny\n")
    names = {"names": "{0: 'cat', 1: 'dog'}"}
    assert find_labels(path, names, 2, COCO) == FoundLabels(("cat", "dog"), "metadata")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("best.names", "cat\n\ndog \n"),
        ("labels.txt", "\ufeffcat\r\ndog\r\n"),
        ("data.yaml", "nc: 2\nnames: ['cat', \"dog\"]\n"),
        ("data.yaml", "path: x\nnames:\n  1: dog\n  0: cat\n"),
        ("data.yaml", "names:\n- cat # the one\n- dog\ntrain: a"),
        ("config.json", '{"model_type": "detr", "id2label": {"1": "dog", "0": "cat"}}'),
    ],
)
def test_a_list_beside_the_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_labels(tmp_path / "best.onnx", {}, 2, COCO) == FoundLabels(("cat", "dog"), name)


def test_the_files_own_list_is_preferred(tmp_path: Path) -> None:
    path = beside(tmp_path, best_names="a\nb", labels_txt="x\ny", config_json="{}")
    found = find_labels(path, {}, None)
    assert found is not None
    assert found.origin == "best.names"


def test_a_config_without_names_is_passed_over(tmp_path: Path) -> None:
    path = beside(tmp_path, config_json='{"hidden_size": 3}', data_yaml="train: images/\n")
    assert find_labels(path, {}, 80, COCO) == FoundLabels(COCO_NAMES, "COCO", assumed=True)


def test_the_count_alone_is_an_assumption() -> None:
    assert find_labels(None, {}, 80, COCO) == FoundLabels(COCO_NAMES, "COCO", assumed=True)
    assert find_labels(None, {}, 79, COCO) is None
    assert find_labels(None, {}, None, COCO) is None


def test_another_number_of_names_is_refused(tmp_path: Path) -> None:
    path = beside(tmp_path, labels_txt="a\nb\nc\n")
    with pytest.raises(
        ModelError, match=r"has 2 classes, but labels\.txt beside it names 3(.|\n)*best\.names"
    ):
        find_labels(path, {}, 2)
    with pytest.raises(ModelError, match=r"has 3 classes, but its metadata names 2"):
        find_labels(None, {"names": "['cat', 'dog']"}, 3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "names: {0: a, 2: b}"),
        ("data.yaml", "names: [a, b"),
        ("data.yaml", "names: !!python/object/apply:os.system ['true']"),
        ("config.json", "{"),
        ("config.json", '{"id2label": {"0": null}}'),
    ],
)
def test_lists_that_cannot_be_read_are_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=name):
        find_labels(tmp_path / "best.onnx", {}, 2)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="UTF-8"):
        find_labels(tmp_path / "best.onnx", {}, 2)


def test_a_list_beside_the_file_corrects_metadata_of_another_number(tmp_path: Path) -> None:
    noted = {"names": "['cat', 'dog', 'bird']"}
    path = beside(tmp_path, best_names="cat\ndog\n")
    assert find_labels(path, noted, 2) == FoundLabels(("cat", "dog"), "best.names")
    path = beside(tmp_path, best_names="cat\n")
    with pytest.raises(ModelError, match=r"has 2 classes, but best\.names beside it names 1"):
        find_labels(path, noted, 2)
