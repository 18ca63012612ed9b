"""`mediaml plugins check`: models that keep the promises pass, and each broken promise is found."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.support.plugins.clip import small_clip

HEAD = """
import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from mediaml.plugin import Box, Detection, Embedding, Kind, Label, Meta, ModelSpec, hookimpl, view


@dataclass(frozen=True)
class Options:
    conf: Annotated[float, Meta(ge=0, le=1, extra=view("min_score", floor=0.1))] = 0.5


class Good:
    labels = ("bright", "dark")

    def __init__(self, context):
        self.conf = context.options.conf
        self.calls = 0

    def prepare(self, frame):
        return np.array([frame.image.mean() / 255], np.float32)

    def run(self, batch):
        return [batch]

    def decode(self, outputs, frames):
        return [self.answer(float(row[0]), frame) for row, frame in zip(outputs[0], frames)]

    def answer(self, level, frame):
        return [Label(n, s) for n, s in (("bright", level), ("dark", 1 - level)) if s >= self.conf]

    def predict(self, frames):
        return self.decode([np.stack([self.prepare(frame) for frame in frames])], frames)


@hookimpl
def mediaml_models():
    yield ModelSpec("tried", task=TASK, load=lambda context: Tried(context), options=Options)


TASK = "classify"
"""


def broken(body, task="classify"):
    return (
        f"{HEAD}TASK = {task!r}\n\n\nclass Tried(Good):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    )


@pytest.fixture
def check(mediaml, tmp_path):
    """Check a plugin by its source; returns the exit code and the rows that are not well, by name."""

    def call(source):
        (tmp_path / "tried.py").write_text(source)
        done = mediaml("plugins", "check", "./tried.py", "--json")
        rows = json.loads(done.out)
        return done.code, {row["check"]: row for row in rows if row["outcome"] == "failed"}, rows

    return call


def test_a_model_that_keeps_its_promises_passes(check):
    code, failed, rows = check(broken("pass"))
    assert (code, failed) == (0, {})
    names = [row["check"] for row in rows]
    for name in (
        "1x1.png",
        "8k.jpg",
        "grey.png",
        "alpha.png",
        "rotated.jpg",
        "uneven-times.mp4",
        "one-frame.mp4",
    ):
        assert name in names
    assert {"cut-off.jpg", "damaged.mp4", "repeated", "batch 1 and 4", "prepare in threads", "speed"} < set(
        names
    )
    assert [name for name in names if name.startswith("view conf=")]
    assert not [name for name in names if name.endswith(".wav")]


@pytest.mark.parametrize(
    ("body", "task", "where", "found", "advice"),
    [
        (
            "def answer(self, level, frame):\n    return Detection(Label('bright', 1.0), Box(0, 0, 50, 50))",
            "detect",
            "1x1.png",
            "the box (0.0, 0.0, 50.0, 50.0) is outside of 1x1",
            "clip_boxes",
        ),
        (
            "def prepare(self, frame):\n    return np.float32([frame.image[:, 1:].max() / 255])",
            "classify",
            "1x1.png",
            "tried.py:",
            "Answer every frame",
        ),
        (
            "def answer(self, level, frame):\n    self.calls += 1\n    return Label('dark', 1 / self.calls)",
            "classify",
            "repeated",
            "the score of 'dark' differs",
            "no state",
        ),
        (
            "def run(self, batch):\n    return [0.5 + (batch - batch.mean(axis=0)) / 2]",
            "classify",
            "batch 1 and 4",
            "scene.png, frame 0",
            "batch axis",
        ),
        (
            "def answer(self, level, frame):\n    return [Label('grey', 1.0)]",
            "classify",
            "labels",
            "not in its list: grey",
            "self.labels",
        ),
        (
            "def answer(self, level, frame):\n    return [Label('bright', level * (1 - self.conf / 2))]",
            "classify",
            "view conf",
            "differs by",
            "do not mark it with `view`",
        ),
        (
            "def prepare(self, frame):\n    self.frame = frame\n    time.sleep(0.002)\n"
            "    return super().prepare(self.frame)",
            "classify",
            "prepare in threads",
            "differ",
            "several threads",
        ),
        (
            "def answer(self, level, frame):\n    return Embedding(np.full(2, np.inf if level == 0 else 1))",
            "embed",
            "black.png",
            "not finite",
            "small number",
        ),
        (
            "def answer(self, level, frame):\n    return Embedding(np.ones(1 + (frame.width > 99)))",
            "embed",
            "embeddings",
            "1 and 2 dimensions",
            "same length",
        ),
        (
            "def answer(self, level, frame):\n    return []",
            "embed",
            "scene.png",
            "no embedding",
            "one Embedding",
        ),
        (
            "def answer(self, level, frame):\n    return []",
            "transform",
            "8k.jpg",
            "no picture",
            "one Picture",
        ),
        (
            "def answer(self, level, frame):\n    return [Detection(Label('dark', 1.0), Box(0, 0, 1, 1))]",
            "classify",
            "scene.png",
            "boxes",
            "detect",
        ),
        (
            "def decode(self, outputs, frames):\n    return [[]]",
            "classify",
            "steady.mp4",
            "returned 1 results for 4 frames",
            "one result per frame",
        ),
    ],
)
def test_a_broken_promise_is_found(check, body, task, where, found, advice):
    code, failed, _ = check(broken(body, task))
    assert code == 1
    [row] = [row for name, row in failed.items() if name.startswith(where)]
    assert found in row["found"]
    assert advice in row["advice"]


def test_an_option_that_the_model_leaves_to_mediaml_is_well(check):
    code, failed, _ = check(
        broken(
            "def answer(self, level, frame):\n    return [Label('bright', level), Label('dark', 1 - level)]"
        )
    )
    assert (code, failed) == (0, {})


def test_the_table_says_what_to_do(mediaml, tmp_path):
    (tmp_path / "tried.py").write_text(broken("def answer(self, level, frame):\n    return level.none"))
    done = mediaml("plugins", "check", "tried.py")
    assert done.code == 1
    assert done.out.splitlines()[0].split() == ["check", "outcome", "found", "what", "to", "do"]
    assert "tried.py:" in done.out
    assert "AttributeError: 'float' object has no attribute 'none'" in done.out
    assert "Traceback" not in done.out + done.err


def test_what_does_not_load_ends_with_4(mediaml, tmp_path):
    (tmp_path / "tried.py").write_text(
        broken("def __init__(self, context):\n    raise OSError('no licence')")
    )
    done = mediaml("plugins", "check", "tried.py")
    assert done.code == 4
    assert "OSError: no licence" in done.err
    assert mediaml("plugins", "check", "yool").code == 4


@pytest.mark.parametrize("name", ["digits", "financial", "spoken"])
def test_bundled_plugins_pass(mediaml, name):
    done = mediaml("plugins", "check", name)
    assert done.code == 0, done.out


def test_detectors_pass(mediaml, square_finder):
    done = mediaml("plugins", "check", "yolo", "-m", square_finder)
    assert done.code == 0, done.out


def test_clip_passes(mediaml, tmp_path, assets):
    (tmp_path / "clip").mkdir()
    folder = small_clip(tmp_path / "clip", assets)
    done = mediaml("plugins", "check", "clip", "-m", folder, "-O", "prompts=a dog,a cat")
    assert done.code == 0, done.out
