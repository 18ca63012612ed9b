"""`mediaml train` from folders to a model that `run` takes, and everything that it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from scipy.io import wavfile

import mediaml.teach.train as training
from mediaml.store.bundled import bundled_model
from tests.support.command_line import results
from tests.support.media.files import write_square_video
from tests.support.models.onnx_files import model
from tests.support.trained import colour_backbone, write_classes, write_colour

# Means of colours are all alike: only equal ones are near-duplicates.
APART = ("--alike", 0.99999, "--device", "cpu")
QUICK = ("--copies", 0, *APART, "-q")


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    return colour_backbone(tmp_path / "colour.onnx")


def test_a_model_is_trained_and_run_takes_it(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 12, ("red", "green", "blue"))
    write_classes(tmp_path / "apart", 4, ("red", "green", "blue"))
    for picture in (tmp_path / "apart").glob("*/*"):
        write_colour(picture, picture.parent.name, 7_000 + int(picture.stem))
    told = ("set", "-o", "hue.onnx", "--backbone", backbone, "--evaluate", "apart", "--json")
    said = mediaml("train", *told, "--copies", 1, *APART, "-q")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["labels"] == ["blue", "green", "red"]
    assert report["copies"] == 36
    assert report["validated"]["accuracy"] > 0.9
    assert report["evaluated"]["examples"] == 12
    assert len(report["validated"]["answers"]) == 36

    said = mediaml("run", "-p", "classify", "-m", "hue.onnx", "apart", "-o", "out", "--device", "cpu")
    assert said.code == 0, said.err
    assert "guessed" not in said.err
    lines = results(tmp_path / "out")[1:]
    best = [(line["labels"][0]["label"] if line["labels"] else "none") for line in lines]
    truth = [Path(line["source"]).parent.name for line in lines]
    right = np.mean([one == other for one, other in zip(best, truth, strict=True)])
    assert right >= report["evaluated"]["accuracy"] - 0.1
    page = (tmp_path / "hue.html").read_text(encoding="utf-8")
    assert '"page":"train"' in page


def test_below_the_threshold_a_frame_is_none_of_the_classes(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 6)
    assert mediaml("train", "set", "--backbone", backbone, "--threshold", 1.0, *QUICK).code == 0
    mediaml("run", "-p", "classify", "-m", "model.onnx", "set", "-o", "out", "--device", "cpu")
    assert all(line["labels"] == [] for line in results(tmp_path / "out")[1:])
    mediaml("run", "-p", "classify", "-m", "model.onnx", "set", "-o", "out", "-O", "threshold=0")
    assert all(len(line["labels"]) >= 1 for line in results(tmp_path / "out")[1:])


def test_the_same_seed_gives_the_same_model_and_reuses_the_features(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 6)
    told = ("train", "set", "--backbone", backbone, "--copies", 1, *APART)
    assert mediaml(*told, "-q").code == 0
    first = (tmp_path / "model.onnx").read_bytes()
    said = mediaml(*told, "--overwrite")
    assert said.code == 0, said.err
    assert (tmp_path / "model.onnx").read_bytes() == first
    with (tmp_path / "model.training" / "features" / "results.jsonl").open() as file:
        assert json.loads(file.readline())


def test_five_pictures_are_enough_and_are_told_what_that_means(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 5)
    said = mediaml("train", "set", "--backbone", backbone, "--copies", 0, *APART)
    assert said.code == 0, said.err
    assert "green: 5 examples; its recall is known to ±" in said.out
    assert "20 or more would make it a measure" in said.out


def test_unreadable_files_are_named_and_left_out(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 5)
    whole = (tmp_path / "set/red/0.png").read_bytes()
    (tmp_path / "set/red/cut.png").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "set/red/text.png").write_bytes(b"not a picture")
    said = mediaml("train", "set", "--backbone", backbone, "--copies", 0, *APART)
    assert said.code == 0, said.err
    assert "1 file left out: no readable image" in said.out
    assert "failed: set/red/cut.png: " in said.out


def test_frames_of_videos_are_examples_and_those_of_one_stay_together(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 6)
    (tmp_path / "set" / "square").mkdir()
    for number in range(3):
        path = tmp_path / f"set/square/{number}.mp4"
        write_square_video(path, frames=50, width=160 - 30 * number, height=96)
    said = mediaml("train", "set", "--backbone", backbone, *QUICK, "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    frames = [one for one in report["validated"]["answers"] if one["label"] == "square"]
    assert report["counts"]["square"] == 3
    assert len(frames) > 3
    assert max(one["time_s"] for one in frames) >= 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("nowhere",), "there is no folder or CSV file nowhere"),
        (("set", "-o", "model.pt"), "-o model.pt must end in .onnx"),
        (("set", "--augment", "turn"), "there is no 'turn'"),
        (("set", "--backbone", "plain.onnx"), "plain.onnx is no backbone"),
        (("set", "--backbone", "backbon"), "backbon"),
        (("set", "--backbone", "financial"), "financial is no backbone"),
        (("set", "--evaluate", "other"), "other has class 'blue', which set has not"),
        (("set", "--evaluate", "set"), "both learned and tested"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(mediaml, tmp_path, told, said):
    write_classes(tmp_path / "set", 3)
    write_classes(tmp_path / "other", 2, ("red", "blue"))
    shape = ["n", 3, 8, 8]
    onnx.save(
        model([("image", TensorProto.FLOAT, shape)], [("scores", TensorProto.FLOAT, ["n", 4])]),
        str(tmp_path / "plain.onnx"),
    )
    answer = mediaml("train", *told, *QUICK)
    assert answer.code in {2, 4}
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) <= 2
    assert not list(tmp_path.glob("model*"))


def test_an_existing_model_is_not_replaced_unasked(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 3)
    (tmp_path / "model.onnx").write_bytes(b"precious")
    said = mediaml("train", "set", "--backbone", backbone, *QUICK)
    assert said.code == 2
    assert "model.onnx exists" in said.err
    assert (tmp_path / "model.onnx").read_bytes() == b"precious"


def test_an_interrupted_training_leaves_its_features_and_no_model(mediaml, tmp_path, backbone, monkeypatch):
    write_classes(tmp_path / "set", 4)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "validate", interrupt)
        assert mediaml("train", "set", "--backbone", backbone, *QUICK).code == 130
    assert not list(tmp_path.glob("model.onnx*"))
    assert not list(tmp_path.glob("model.html*"))
    assert mediaml("train", "set", "--backbone", backbone, *QUICK).code == 0


def test_another_backbone_makes_features_of_its_own(mediaml, tmp_path, backbone):
    write_classes(tmp_path / "set", 4)
    assert mediaml("train", "set", "--backbone", backbone, *QUICK).code == 0
    pooled = colour_backbone(tmp_path / "other.onnx", pool="mean")
    content = onnx.load(str(pooled))
    content.producer_name = "another"
    onnx.save(content, str(pooled))
    said = mediaml("train", "set", "--backbone", pooled, *QUICK, "--overwrite")
    assert said.code == 0, said.err


def test_without_the_extra_it_says_what_to_install(mediaml, tmp_path, monkeypatch):
    import sys

    write_classes(tmp_path / "set", 3)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    said = mediaml("train", "set", *QUICK)
    assert said.code == 2
    assert 'pip install "mediaml[teach]"' in said.err


def test_the_bundled_backbone_is_the_default(mediaml, tmp_path):
    write_classes(tmp_path / "set", 3)
    said = mediaml("train", "set", *QUICK, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["backbone"] == "backbone"
    made = onnx.load(str(tmp_path / "model.onnx"))
    assert [one.name for one in made.graph.output] == ["probabilities", "class_maps"]
    assert bundled_model("backbone").stat().st_size < (tmp_path / "model.onnx").stat().st_size < 8_000_000
    shutil.rmtree(tmp_path / "model.training")


def test_audio_is_learned_too(mediaml, tmp_path):
    random = np.random.default_rng(6)
    for name, band in (("low", (150, 500)), ("high", (1500, 3000))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(5):
            times = np.arange(8000) / 8000
            tone = sum(np.sin(2 * np.pi * hertz * times) for hertz in random.uniform(*band, 3)) / 4
            samples = (20_000 * (tone + random.normal(0, 0.05, 8000))).astype(np.int16)
            wavfile.write(tmp_path / "set" / name / f"{number}.wav", 8000, samples)
    said = mediaml("train", "set", *QUICK, "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["kind"] == "audio"
    assert report["backbone"] == "audio-backbone"
    said = mediaml("run", "-p", "listen", "-m", "model.onnx", "set", "-o", "out", "-O", "threshold=0")
    assert said.code == 0, said.err
    lines = results(tmp_path / "out")[1:]
    assert all(line["labels"][0]["label"] == Path(line["source"]).parent.name for line in lines)
