"""A graph with a state as a plugin, as docs/plugins.md shows it: the state of every file is its own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from mediaml.core.audio_input import AudioInput
from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from scripts.described_graphs import build, seeded
from scripts.paths import REPOSITORY
from tests.support.command_line import results
from tests.support.media.files import write_sound
from tests.support.plugins.strangers import install_plugin

SOURCE = REPOSITORY / "tests/third_party/mediaml-voice/mediaml_voice.py"


@pytest.fixture
def stateful(tmp_path: Path) -> Path:
    """Silero VAD's form: 64 + 512 samples, a state [2, batch, 128] and a rate to a score and a new state."""
    node = helper.make_node
    nodes = [
        node("Abs", ["input"], ["loud_each"]),
        node("ReduceMean", ["loud_each"], ["loud"], axes=[1], keepdims=1),
        node("Mul", ["state", "kept"], ["faded"]),
        node("Mul", ["loud", "weights"], ["drive"]),
        node("Add", ["faded", "drive"], ["stateN"]),
        node("ReduceMean", ["stateN"], ["level"], axes=[0, 2], keepdims=0),
        node("Reshape", ["level", "column"], ["raw"]),
        node("Cast", ["sr"], ["rate"], to=TensorProto.FLOAT),
        node("Div", ["raw", "rate"], ["scaled"]),
        node("Sigmoid", ["scaled"], ["output"]),
    ]
    model = build(
        nodes,
        [
            ("input", TensorProto.FLOAT, ["batch", "samples"]),
            ("state", TensorProto.FLOAT, [2, "batch", 128]),
            ("sr", TensorProto.INT64, []),
        ],
        [("output", TensorProto.FLOAT, ["batch", 1]), ("stateN", TensorProto.FLOAT, [2, "batch", 128])],
        {
            "kept": np.float32(0.9),
            "weights": np.abs(seeded(2, 1, 128)) * np.float32(60_000),
            "column": np.array([-1, 1], np.int64),
        },
    )
    save(model, tmp_path / "vad.onnx")
    return tmp_path / "vad.onnx"


def expected(graph: Path, sound: Path) -> list[float]:
    """One file after the other, window by window."""
    session = open_session(graph, parse_device("cpu"))
    state, before, scores = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    with open_reader(
        sound, Kind.AUDIO, audio=AudioInput(window_s=0.032, hop_s=0.032, features="waveform")
    ) as reader:
        for frame in reader.frames():
            assert frame.samples is not None and frame.samples.shape == (512,) and frame.spectrogram is None
            fed = np.concatenate((before, frame.samples))[None]
            score, state = session.run({"input": fed, "state": state, "sr": np.array(16_000)})
            before = frame.samples[-64:]
            scores.append(float(score[0, 0]))
    return scores


def test_every_file_has_a_state_of_its_own(stateful, tmp_path: Path, mediaml, monkeypatch) -> None:
    for index, (seconds, rate) in enumerate([(1.3, 16_000), (2.0, 44_100), (0.7, 8_000)]):
        write_sound(tmp_path / f"{index}.wav", seconds=seconds, sample_rate=rate)
    monkeypatch.syspath_prepend(
        install_plugin(tmp_path / "site", "voice", SOURCE.read_text(encoding="utf-8"))
    )
    files = [f"{index}.wav" for index in range(3)]
    done = mediaml("run", "-p", "voice", "-m", stateful, *files, "-o", "out", "--device", "cpu")
    assert done.code == 0, done.err
    for index in range(3):
        found = [
            line["labels"][0]["score"]  # type: ignore[index]
            for line in results(tmp_path / "out")
            if str(line.get("source", "")).endswith(f"{index}.wav")
        ]
        alone = expected(stateful, tmp_path / f"{index}.wav")
        np.testing.assert_allclose(found, alone, atol=1e-5)
        assert len(found) > 20 and np.ptp(alone) > 0.05


def test_the_page_shows_the_plugin() -> None:
    page = (REPOSITORY / "docs/plugins.md").read_text(encoding="utf-8")
    section = page.split("## A graph with a state\n", 1)[1]
    (code,) = re.findall(r"```python\n(.*?)```", section.split("\n## ", 1)[0], flags=re.DOTALL)
    assert code == SOURCE.read_text(encoding="utf-8")
