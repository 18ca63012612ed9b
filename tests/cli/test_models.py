"""`mediaml models` and `-m NAME` as a user types them, against a real server and a plugin's own catalogue."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from scripts.darknet_networks import LAYERS, layer_cfg, random_weights
from tests.support.command_line import results
from tests.support.plugins.entry_points import registered_plugin
from tests.support.server import serving

PLUGIN = """
from mediaml.plugin import CatalogueEntry, CatalogueFile, hookimpl

def file(name, body_sha256, size):
    return CatalogueFile(name, ({address!r} + "/" + name,), body_sha256, size, "made by a test")

@hookimpl
def mediaml_catalogue():
    yield CatalogueEntry("squares", "finds squares", "MIT", (file("squares.onnx", *{squares!r}),),
        plugin="yolo", labels=("square",))
    yield CatalogueEntry("tiny", "a darknet net", "public domain",
        (file("tiny.cfg", *{cfg!r}), file("tiny.weights", *{weights!r})), recipe="darknet", plugin="yolo")
    yield CatalogueEntry("yolov3", "not the official one", "?", (file("squares.onnx", *{squares!r}),))
"""


def fact(body: bytes) -> tuple[str, int]:
    return hashlib.sha256(body).hexdigest(), len(body)


@pytest.fixture
def bodies(square_finder) -> dict[str, bytes]:
    cfg = layer_cfg(LAYERS["stride"], width=64, height=64)
    return {
        "squares.onnx": square_finder.read_bytes(),
        "tiny.cfg": cfg.encode(),
        "tiny.weights": random_weights(cfg, 1),
    }


@pytest.fixture
def site(bodies, tmp_path, monkeypatch):
    """A server with three files, a plugin that puts them into the catalogue, and an empty cache."""
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path / "cache"))
    for name in ("MEDIAML_OFFLINE", "MEDIAML_MODELS", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as served:
        served.bodies = bodies
        facts = {name.rpartition(".")[2]: fact(body) for name, body in bodies.items()}
        source = PLUGIN.format(
            address=served.address, squares=facts["onnx"], cfg=facts["cfg"], weights=facts["weights"]
        )
        with registered_plugin(monkeypatch, tmp_path, "own", source):
            yield served


@pytest.fixture
def photo(tmp_path):
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:32, 16:48] = 255
    (tmp_path / "photo.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return tmp_path / "photo.png"


def test_a_name_is_fetched_on_first_use_and_only_then(mediaml, site, photo, tmp_path):
    said = mediaml("run", "-p", "yolo", "-m", "squares", photo, "-o", "out")
    assert said.code == 0, said.err
    assert "squares: fetching" in said.err
    assert results(tmp_path / "out")[1]["detections"][0]["box"] == pytest.approx([16, 16, 48, 32], abs=1)
    again = mediaml("run", "-p", "yolo", "-m", "squares", photo, "-o", "out2", "--offline")
    assert again.code == 0, again.err
    assert "fetching" not in again.err
    assert len(site.asked) == 1


def test_darknet_files_are_imported_once_and_the_import_is_proven(mediaml, site, photo, tmp_path):
    said = mediaml("run", "-p", "yolo", "-m", "tiny", photo, "-o", "out")
    assert said.code == 0, said.err
    assert "converting Darknet weights to ONNX (one time)" in said.err
    path = Path(mediaml("models", "path", "tiny").out.strip())
    good = path.read_bytes()
    again = mediaml("run", "-p", "yolo", "-m", "tiny", photo, "-o", "out2")
    assert "once" not in again.err
    path.write_bytes(good + b"rot")
    mended = mediaml("run", "-p", "yolo", "-m", "tiny", photo, "-o", "out3")
    assert mended.code == 0
    assert path.read_bytes() == good
    for source in (tmp_path / "cache/models/tiny").glob("tiny.*"):
        source.unlink()
    assert mediaml("run", "-p", "yolo", "-m", "tiny", photo, "-o", "out4", "--offline").code == 0
    info = mediaml("models", "info", "tiny").out
    assert "detector/1" in info
    assert "public domain" in info


def test_offline_says_what_to_bring_and_from_brings_it(mediaml, site, bodies, photo, tmp_path, monkeypatch):
    said = mediaml("run", "-p", "yolo", "-m", "yolov3", photo, "--offline")
    assert said.code == 4
    assert "yolov3.weights (248.0 MB)" in said.err
    assert "mediaml models pull yolov3 --from" in said.err
    assert len(said.err.splitlines()) == 2
    monkeypatch.setenv("MEDIAML_OFFLINE", "1")
    assert mediaml("models", "pull", "squares").code == 4
    assert not site.asked
    (tmp_path / "stick").mkdir()
    for name in ("tiny.cfg", "tiny.weights"):
        (tmp_path / "stick" / name).write_bytes(bodies[name])
    said = mediaml("models", "pull", "tiny", "--from", "stick")
    assert said.code == 0, said.err
    assert "tiny: verified" in said.err
    (tmp_path / "stick/squares.onnx").write_bytes(b"no squares")
    said = mediaml("models", "pull", "squares", "--from", "stick")
    assert said.code == 4
    assert "is not squares.onnx" in said.err


def test_list_info_verify_path_and_rm(mediaml, site):
    listed = mediaml("models", "list").out
    assert "squares" in listed
    assert "not the official one" not in listed
    assert "'yolov3' is already in the catalogue" in mediaml("plugins", "list").out
    info = mediaml("models", "info", "squares").out
    for told in ("MIT", "1: square", "squares.onnx: missing", "made by a test", site.address):
        assert told in info
    assert mediaml("models", "path", "squares").code == 4
    assert mediaml("models", "verify", "squares").code == 4
    assert mediaml("models", "pull", "squares", "spoken").code == 0
    path = Path(mediaml("models", "path", "squares").out.strip())
    assert path.name == "squares.onnx"
    assert (
        "from the unoptimised graph on the CPU, fp32: 0.00e+00 in boxes"
        in mediaml("models", "verify", "squares").out
    )
    session = open_session(path, parse_device("cpu"))
    outputs = session.run({"images": np.zeros((1, 32, 32, 3), np.uint8)})
    named = {f"output.{spec.name}": array for spec, array in zip(session.outputs, outputs, strict=True)}
    np.savez(path.with_suffix(".golden.npz"), **{"input.images": np.zeros((1, 32, 32, 3), np.uint8)}, **named)
    verified = mediaml("models", "verify", "squares").out
    assert "squares.onnx: here" in verified
    assert "largest difference 0.00e+00" in verified
    path.write_bytes(b"rot")
    wrong = mediaml("models", "verify", "squares")
    assert wrong.code == 4
    assert "wrong checksum" in wrong.out
    assert "freed" in mediaml("models", "rm", "squares").err
    assert mediaml("models", "rm", "squares").code == 0
    assert mediaml("models", "rm").code == 2
    assert mediaml("models", "rm", "--all").code == 0


def test_the_official_yolov3_says_licence_and_labels(mediaml, site):
    info = mediaml("models", "info", "yolov3").out
    assert "YOLO licence" in info
    assert "80: person, bicycle" in info
    assert "certainty:" in info


def test_golden_outputs_of_a_bundled_model_are_replayed_on_every_device(mediaml, site):
    said = mediaml("models", "verify", "spoken", "--device", "cpu", "--device", "auto")
    assert said.code == 0, said.err
    assert said.out.count("largest difference") == 2


def test_a_bad_mirror_setting_is_told(mediaml, site, monkeypatch):
    monkeypatch.setenv("MEDIAML_MODELS", "file:///models")
    said = mediaml("models", "list")
    assert said.code == 2
    assert "MEDIAML_MODELS" in said.err
