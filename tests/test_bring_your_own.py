"""docs/bring-your-own.md: its commands run in order, its descriptions describe, and its table is complete."""

from __future__ import annotations

import re
import shlex
import tomllib
import wave
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, save
from PIL import Image

from mediaml.core.audio_input import AudioInput
from mediaml_onnx.layer import FIELDS
from mediaml_onnx.toml_file import read_toml
from scripts.described_graphs import build, classifier, picture, yamnet_like
from scripts.paths import REPOSITORY
from scripts.picture_graphs import denoiser
from scripts.video_graphs import clip_classifier
from tests.support.command_line import results
from tests.support.media.audio_inputs import KALDI, LIBROSA, YAMNET, whisper
from tests.support.media.files import write_square_video

PAGE = (REPOSITORY / "docs/bring-your-own.md").read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def token_embedder():
    return build(
        [helper.make_node("Reshape", ["x", "shape"], ["last_hidden_state"])],
        [("x", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [("last_hidden_state", TensorProto.FLOAT, ["n", 12, 4])],
        {"shape": np.array([0, 12, 4], np.int64)},
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The files that the page names."""
    for name, made in {
        "birds": classifier(classes=3),
        "faces": token_embedder(),
        "yamnet": yamnet_like(),
        "denoise": denoiser(),
        "actions": clip_classifier(),
    }.items():
        save(made, tmp_path / f"{name}.onnx")
    Image.fromarray(picture()).save(tmp_path / "photo.png")
    write_square_video(tmp_path / "clip.mp4", frames=4)
    Image.fromarray(picture(80, 90)).save(tmp_path / "other.png")
    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((8000 * np.sin(np.arange(32_000) / 3)).astype("<i2").tobytes())
    return tmp_path


def test_the_commands_of_the_page_run_in_its_order(place: Path, mediaml) -> None:
    lines = "".join(re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)).splitlines()
    assert len(lines) == 11
    for line in lines:
        _, *words = shlex.split(line)
        done = mediaml(*words)
        assert done.code == 0, f"{line}\n{done.err}"
        if words == ["run", "-p", "classify", "-m", "birds.onnx", "photo.png"]:
            assert "warning: birds.onnx: crop of the middle guessed: as ImageNet's classifiers; " in done.err
    assert all((place / "clean" / name).is_file() for name in ("photo.annotated.png", "clip.annotated.mp4"))
    assert tomllib.loads((place / "birds.toml").read_text())["image"]["width"] == 224


def test_the_descriptions_of_the_page_are_read(place: Path, mediaml) -> None:
    for name, block in {"birds": TOML[0], "faces": TOML[1], "yamnet": TOML[2]}.items():
        (place / f"{name}.toml").write_text(block)
    run = ("--device", "cpu", "-o")
    assert mediaml("run", "-p", "classify", "-m", "birds.onnx", "photo.png", *run, "birds").code == 0
    found = results(place / "birds")[-1]["labels"]
    assert {one["label"] for one in found} <= {"blackbird", "robin", "wren"} and found  # type: ignore[attr-defined]
    assert mediaml("run", "-p", "embed", "-m", "faces.onnx", "photo.png", *run, "faces").code == 0
    (place / "actions.toml").write_text(next(one for one in TOML if one.startswith("# actions.toml")))
    assert mediaml("run", "-p", "classify", "-m", "actions.onnx", "clip.mp4", *run, "actions").code == 0
    (seen,) = results(place / "actions")[1:]
    assert {one["label"] for one in seen["labels"]} <= {"run", "sit", "wave"}  # type: ignore[attr-defined]
    assert (seen["time_s"], seen["duration_s"]) == (0.0, 0.16)
    heard = mediaml("run", "-p", "listen", "-m", "yamnet.onnx", "talk.wav", *run, "heard")
    assert heard.code == 0 and "log-mels guessed" not in heard.err


@pytest.mark.parametrize(
    ("block", "spec"), [("YAMNet", YAMNET), ("librosa", LIBROSA), ("Whisper", whisper(80)), ("Kaldi", KALDI)]
)
def test_front_ends_of_the_page_are_those_that_are_held_against_their_programs(
    block: str, spec: AudioInput, tmp_path: Path
) -> None:
    text = next(one for one in TOML if one.startswith(f"# {block}"))
    (tmp_path / "m.toml").write_text(text)
    said = AudioInput(**read_toml(tmp_path / "m.toml").audio)
    windows = {"window_s", "hop_s"} if block in {"librosa", "Kaldi"} else set()
    for name in FIELDS["audio"].keys() - windows:
        assert getattr(said, name) == getattr(spec, name), name


def test_the_table_names_every_field() -> None:
    rows = PAGE.split("## All fields", 1)[1]
    sections = re.split(r"\| `\[(image|audio|clip|output)\]` \|", rows)
    named = zip(sections[1::2], sections[2::2], strict=True)
    listed = {table: set(re.findall(r"`([a-z_]+)`", text)) for table, text in named}
    for table, fields in FIELDS.items():
        assert fields.keys() <= listed[table], table
