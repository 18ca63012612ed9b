"""Preprocessing by what lies beside a model, against timm, transformers and torch themselves.

`scripts/record_described_golden.py` recorded their answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.ops.spectrogram import log_mel
from scripts.described_graphs import build, classifier, picture
from scripts.record_audio_golden import signal
from scripts.record_described_golden import TIMM, TRANSFORMERS
from tests.support.plugins.described import frame_of, opened, saved

with np.load(Path(__file__).parent / "golden" / "described.npz") as _file:
    GOLDEN = dict(_file)


@pytest.mark.parametrize("name", [*TIMM, *TRANSFORMERS])
@pytest.mark.parametrize("exports", ["", "onnx"])
def test_logits_are_those_of_the_makers_preprocessing(name: str, exports: str, tmp_path: Path) -> None:
    file = "config.json" if name in TIMM else "preprocessor_config.json"
    (tmp_path / file).write_text(str(GOLDEN[f"{name}.{file}"]))
    (tmp_path / exports).mkdir(exist_ok=True)
    said: list[str] = []
    model = opened("classify", saved(classifier(), tmp_path / exports / "model.onnx"), said.append)
    (answer,) = model.run(model.prepare(frame_of(picture(), tmp_path))[None])
    np.testing.assert_allclose(answer[0], GOLDEN[f"{name}.logits"], atol=1e-3)
    assert not any("mean" in line or "crop" in line for line in said)


def test_features_are_those_of_the_audio_spectrogram_transformer(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    shape = ["batch", 33, 128]
    net = build(
        [helper.make_node("ReduceMean", ["input_values"], ["logits"], axes=[1], keepdims=0)],
        [("input_values", TensorProto.FLOAT, shape)],
        [("logits", TensorProto.FLOAT, ["batch", 128])],
        {},
    )
    text = str(GOLDEN["ast.preprocessor_config.json"])
    model = opened("listen", saved(net, tmp_path / "ast.onnx", preprocessor_config__json=text))
    assert isinstance(model.input, AudioInput) and model.input.shape == (33, 128)
    ours = log_mel(signal(16_000, 0.345), model.input).T
    np.testing.assert_allclose(ours, GOLDEN["ast.values"], atol=1e-3)
