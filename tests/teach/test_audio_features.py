"""The audio backbone against NumPy: pooled features of the bundled network, and the spectrum."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime

from mediaml.onnx.audio_features import audio_embedder
from mediaml.store.bundled import bundled_model

SPOKEN = bundled_model("spoken")


def test_a_vector_holds_features_and_bands() -> None:
    made = audio_embedder(SPOKEN, "ears")
    onnx.checker.check_model(made)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    given = np.random.default_rng(3).normal(-6, 3, (2, 40, 118)).astype(np.float32)
    (vectors,) = session.run(None, {session.get_inputs()[0].name: given})

    whole = onnx.load(str(SPOKEN))
    features = next(node for node in reversed(whole.graph.node) if node.op_type == "Conv").input[0]
    whole.graph.output.append(onnx.helper.make_tensor_value_info(features, onnx.TensorProto.FLOAT, None))
    network = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    (track,) = network.run([features], {network.get_inputs()[0].name: given})
    bands = given.mean(axis=2)
    parts = [track.mean(axis=2), track.max(axis=2), 0.2 * (bands - bands.mean(axis=1, keepdims=True))]
    np.testing.assert_allclose(vectors, np.hstack([*parts, 0.2 * given.std(axis=2)]), atol=1e-4)


def test_it_says_how_it_takes_audio() -> None:
    said = {one.key: one.value for one in audio_embedder(SPOKEN, "ears").metadata_props}
    assert json.loads(said["mediaml.output"])["means"] == "embedding"
    assert json.loads(said["mediaml.input"])["sample_rate"] == 8000
    assert said["mediaml.name"] == "ears"
