"""A frame is answered alone as in company: every bundled model, its graph and the whole way of a run."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import DeviceRequest
from mediaml.onnx.session import open_session
from mediaml.registry.entry_points import load_registry
from mediaml.store.bundled import bundled_model, bundled_names
from scripts.paths import REPOSITORY
from tests.support.command_line import results
from tests.support.media.files import write_sound

MOST = 7
NAMES = list(bundled_names())


def plugin_of(model: str) -> list[str]:
    """What runs a bundled model: the plugin whose default it is, else the one for any embedder."""
    offers = load_registry().offers()
    own = [offer.spec.name for offer in offers if offer.spec.weights == model]
    return ["-p", own[0]] if own else ["-p", "embed", "-m", model]


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_answers_a_picture_alone_as_in_a_batch(name):
    session = open_session(bundled_model(name), DeviceRequest("cpu"))
    with np.load(bundled_model(name).with_suffix(".golden.npz")) as golden:
        given = golden[f"input.{session.inputs[0].name}"]
    batch = np.resize(given, (MOST, *given.shape[1:]))
    together = session.run({session.inputs[0].name: batch})
    for index in range(MOST):
        alone = session.run({session.inputs[0].name: batch[index : index + 1]})
        for one, all_of_them in zip(alone, together, strict=True):
            reach = max(1.0, float(np.abs(one).max(initial=0.0)))
            np.testing.assert_allclose(one[0], all_of_them[index], rtol=0, atol=1e-5 * reach)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Fifteen frames of the demo clip as pictures of one size, and a sound."""
    folder = tmp_path_factory.mktemp("batches") / "in"
    folder.mkdir()
    with open_reader(REPOSITORY / "tests/media/demo.mp4", Kind.VIDEO) as reader:
        for frame in islice(reader.frames(), 0, 150, 10):
            pixels = np.ascontiguousarray(frame.image[:, :, ::-1])
            (folder / f"{frame.index}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    write_sound(folder / "tone.wav", seconds=8)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_run_answers_the_same_whatever_the_batch(name, mediaml, folder, tmp_path):
    answers = {}
    for batch in (1, MOST):
        out = f"out{batch}"
        said = mediaml("run", *plugin_of(name), folder, "--batch", batch, "-o", out, "--no-annotate")
        assert said.code == 0, said.err
        answers[batch] = results(tmp_path / out)[1:]
    assert len(answers[1]) == len(answers[MOST]) > MOST
    for alone, together in zip(answers[1], answers[MOST], strict=True):
        assert shape_of(alone) == shape_of(together)
        np.testing.assert_allclose(numbers_of(alone), numbers_of(together), rtol=0, atol=0.02)
        np.testing.assert_allclose(scores_of(alone), scores_of(together), rtol=0, atol=2e-5)


def shape_of(line):
    """Everything but numbers that were computed."""
    labels = [found["label"] for found in (*line["labels"], *line["detections"])]
    return line["source"], line["frame"], line["time_s"], labels


def scores_of(line):
    return [found["score"] for found in (*line["labels"], *line["detections"])]


def numbers_of(line):
    """Edges of boxes, pixels."""
    return [edge for found in line["detections"] for edge in found["box"]]
