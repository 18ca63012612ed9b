"""What plugins answer is made plain, or refused where it costs one frame only."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from mediaml.core.errors import PluginError
from mediaml.core.prediction import Box, Detection, Embedding, Label, Prediction
from mediaml.core.work import FrameAnswer, Task, TaskResult
from mediaml.engine.messages import TasksDone
from mediaml.ledger.encoding import record_of
from mediaml.pipeline.infer import plain
from tests.support.pipeline_run import Counting


def test_numbers_of_numpy_become_pythons():
    score, corners = np.float32(0.5), np.array([1, 2, 3, 4], np.float32)
    said = plain(
        Prediction(
            labels=(Label("cat", score),),
            detections=(Detection(Label("dog", score), Box(*corners), np.int64(7)),),
            embedding=Embedding(np.arange(3)),
        )
    )
    assert type(said.labels[0].score) is type(said.detections[0].box.left) is float
    record = record_of(TaskResult(Task(1, 1, 0), (FrameAnswer(0, 0.0, 0.0, said),)))
    assert record.names == ("cat", "dog")
    assert record.labels == ((0, 0, 0, 50_000),)
    assert record.detections == ((0, 0, 1, 50_000, 100, 200, 300, 400, 7, None, None),)
    assert record.frames[0].embedding == np.arange(3, dtype="<f2").tobytes()
    msgspec.msgpack.encode(TasksDone((record,)))


@pytest.mark.parametrize("name", [b"cat", None, 3, "\ud800"])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(PluginError, match="Report this to its author"):
        plain(Prediction(labels=(Label(name, 1.0),)))


class Odd(Counting):
    """Answers as the test says for frames of a certain width."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def predict(self, frames):
        return [self.answer() if frame.width == 48 else Label(str(frame.index), 1.0) for frame in frames]


def leave():
    raise SystemExit(0)


@pytest.mark.parametrize("answer", [leave, lambda: Label("\ud800", 1.0), lambda: Label(b"cat", 1.0)])
def test_what_a_plugin_does_to_one_frame_costs_its_file_only(bench, answer):
    answers, failures = bench.run(Odd(answer))
    assert failures == {
        "in/photo1.png": "infer",
        "in/photo3.png": "infer",
        "in/broken.mp4": "open",
    }
    assert len(answers["in/clip.mp4"]) == 30
    assert len(answers["in/photo4.png"]) == 1


def test_scores_of_numpy_are_kept(bench):
    answers, failures = bench.run(Odd(lambda: Label("cat", np.float32(0.5))))
    assert failures == {"in/broken.mp4": "open"}
    assert answers["in/photo1.png"] == [(Label("cat", 0.5),)]
