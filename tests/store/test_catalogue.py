"""The catalogue that ships, and the records that refuse nonsense."""

from __future__ import annotations

import json

import pytest

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import ModelError
from mediaml.store.bundled import bundled_names
from mediaml.store.catalogue import load_catalogue, official_entries
from tests.support.model_store import SHA256, entry

WANTED = {
    *("yolov3", "yolov3-tiny", "yolov3-spp", "yolov3-10", "yolov3-12", "yolov3-12-int8"),
    *("clip-vit-b32", "clip-vit-b32-int8", "mnist-12"),
}


def test_the_official_models_are_whole_records():
    entries = {official.name: official for official in official_entries()}
    assert set(entries) >= WANTED
    assert not set(entries) & set(bundled_names())
    for official in entries.values():
        assert official.licence and official.title and official.size
        for file in official.files:
            assert len(file.sha256) == 64
            assert file.certainty
            assert all(url.startswith("https://") for url in file.urls)
    assert entries["yolov3"].labels == "coco80"
    assert entries["clip-vit-b32"].recipe == "folder"


def test_every_fact_is_the_one_that_was_handed_over(assets):
    registry = json.loads((assets / "models/download_registry.json").read_text(encoding="utf-8"))
    known = {fact["sha256"]: fact for name, fact in registry.items() if name != "_note" and "sha256" in fact}
    files = [file for official in official_entries() for file in official.files]
    for file in files:
        if file.name.endswith(".cfg"):
            assert (assets / "models/yolo" / file.name).stat().st_size == file.size
            continue
        fact = known[file.sha256]
        assert list(file.urls) == fact["urls"]
        assert fact.get("size", file.size) == file.size


def test_the_official_cfgs_have_the_promised_checksums_and_weights_sizes(assets):
    from mediaml.darknet.network import read_network
    from mediaml.darknet.weights import parameter_count
    from mediaml.store.digest import sha256_of

    for official in official_entries():
        if official.recipe != "darknet":
            continue
        cfg, weights = official.files
        path = assets / "models/yolo" / cfg.name
        assert sha256_of(path) == cfg.sha256
        count = sum(map(parameter_count, read_network(path).convolutions))
        assert weights.size == 20 + 4 * count


def test_every_darknet_entry_has_the_masks_that_its_weights_were_trained_with(assets):
    """Three anchors a head, coarse heads first, as the makers' cfgs; tiny's published weights share one."""
    from mediaml.darknet.network import read_network

    masks = {
        official.name: read_network(assets / "models/yolo" / official.files[0].name, official.masks).masks
        for official in official_entries()
        if official.recipe == "darknet"
    }
    assert masks.pop("yolov3-tiny") == ((3, 4, 5), (1, 2, 3))
    assert masks == dict.fromkeys(("yolov3", "yolov3-spp"), ((6, 7, 8), (3, 4, 5), (0, 1, 2)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "../net.onnx"}, "not a valid name"),
        ({"name": "/net.onnx"}, "not a valid name"),
        ({"name": "a/../b"}, "not a valid name"),
        ({"urls": ("file:///net.onnx",)}, "neither http"),
        ({"sha256": "abc"}, "not a sha256"),
        ({"size": 0}, "cannot have"),
    ],
)
def test_a_file_refuses_nonsense(change, says):
    with pytest.raises(ValueError, match=says):
        CatalogueFile(**{"name": "net.onnx", "urls": ("https://x/y",), "sha256": SHA256, **change})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "A Net"}, "lower-case"),
        ({"name": ".."}, "lower-case"),
        ({"files": ()}, "no files"),
        ({"files": entry().files * 2}, "twice"),
        ({"recipe": "torch"}, "recipe"),
        ({"recipe": "darknet"}, "one .cfg"),
        ({"masks": ((0, 1),)}, "not a Darknet"),
        ({"files": (CatalogueFile("net.bin"),)}, "first file"),
    ],
)
def test_an_entry_refuses_nonsense(change, says):
    with pytest.raises(ValueError, match=says):
        CatalogueEntry(**{"name": "net", "title": "", "licence": "", "files": entry().files, **change})


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ModelError, match="Did you mean 'yolov3'"):
        load_catalogue().find("yolov33")


def test_an_added_entry_is_found_and_takes_no_official_name():
    taken = CatalogueEntry("yolov3", "mine", "", entry().files)
    catalogue = load_catalogue([entry(), taken])
    assert catalogue.find("net").files == entry().files
    assert catalogue.find("yolov3").title != "mine"
