"""What is checked of a model when it is loaded, beside its graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import PluginError
from mediaml.core.media import Kind
from mediaml.onnx.interface import TensorSpec
from mediaml.pipeline.model_fit import refuse_misfit, usual_batch
from mediaml.registry.spec import ModelSpec

KINDS = frozenset({Kind.AUDIO})


def spec(**how: Any) -> ModelSpec:
    return ModelSpec("heard", task="classify", load=SimpleNamespace, kinds=KINDS, **how)


def test_a_model_of_audio_says_how_it_takes_it_at_the_latest_when_it_is_loaded() -> None:
    with pytest.raises(ValueError, match="accepts audio and needs `audio`"):
        spec()
    late = spec(read_graph=lambda facts: [])
    model: Any = SimpleNamespace(predict=list)
    with pytest.raises(PluginError, match="'heard' accepts audio, but does not say how"):
        refuse_misfit(model, late)
    model.input = AudioInput()
    refuse_misfit(model, late)
    refuse_misfit(SimpleNamespace(predict=list), spec(audio=AudioInput()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "dtype", "batch"),
    [
        ((None, 1, 28, 28), "uint8", 32),
        ((None, 1, 28, 28), "float32", 10),
        ((None, 3, 64, 64), "float32", 4),
        ((None, 3, 640, 640), "float32", 4),
        ((None, 1, None, None), "uint8", 4),
        ((None,), "float32", 4),
    ],
)
def test_tiny_samples_share_larger_batches(shape, dtype, batch) -> None:
    assert usual_batch(["cpu"], [TensorSpec("images", shape, dtype)]) == batch
    assert usual_batch(["gpu"], [TensorSpec("images", shape, dtype)]) == max(16, batch)


def test_a_model_without_sessions_has_small_batches() -> None:
    assert usual_batch([], []) == 4
