"""The yolo plugin on graphs that answer planted boxes: geometry, options, and what it refuses."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mediaml_yolo
from mediaml.core.work import FrameAnswer, Task, TaskResult
from mediaml.ledger.checksums import add_functions
from mediaml.ledger.encoding import record_of
from mediaml.ledger.frames import kept_frames
from mediaml.ledger.migration import create
from mediaml.ledger.rows import Classes, write_task
from mediaml.ledger.tables import FIRST_TABLES
from mediaml.plugin import ModelError, OptionError, Prediction, View, class_ids, select
from mediaml.registry.views import at_floor, view_of
from mediaml_yolo.options import DetectorOptions
from tests.support.models.yolo_graphs import dense_detector
from tests.support.plugins.yolo import blank, detect, model

ONE_BOX = [[8, 16, 40, 48]]
DOG = [[0.0, 0.9, 0.1]]


def test_the_plugin_offers_yolo() -> None:
    yolo, detector = mediaml_yolo.mediaml_models()
    assert (yolo.name, yolo.task, yolo.weights) == ("yolo", "detect", "detector")
    assert (detector.name, detector.task, detector.weights) == ("detect", "detect", None)
    assert yolo.options is detector.options is DetectorOptions


def test_boxes_come_back_to_source_pixels() -> None:
    # 640x320 in 64 px: scale 1/10, content 64x32 fills the rectangle 64x32.
    yolo = model(dense_detector([[8, 4, 40, 20]], DOG))
    assert yolo.prepare(blank(640, 320)).shape == (32, 64, 3)
    assert detect(yolo, blank(640, 320)) == [("dog", 0.9, (80.0, 40.0, 400.0, 200.0))]


def test_letterbox_bars_are_taken_off() -> None:
    # 640x480: scale 1/10, content 64x48 in 64x64, bars of 8 above and below.
    yolo = model(dense_detector(ONE_BOX, DOG))
    sample = yolo.prepare(blank(640, 480))
    assert sample.shape == (64, 64, 3)
    assert (sample[:8] == 114).all()
    assert (sample[8:56] == 200).all()
    assert detect(yolo, blank(640, 480)) == [("dog", 0.9, (80.0, 80.0, 400.0, 400.0))]


def test_portrait_pictures_get_a_standing_rectangle() -> None:
    yolo = model(dense_detector([[4, 8, 20, 40]], DOG))
    assert yolo.prepare(blank(300, 640)).shape == (64, 32, 3)
    # 300x640 at 1/10: content 30x64, one column of bar at the left.
    assert detect(yolo, blank(300, 640)) == [("dog", 0.9, (30.0, 80.0, 190.0, 400.0))]


def test_boxes_are_clipped_and_empty_ones_dropped() -> None:
    boxes = [[-20, -20, 100, 100], [70, 10, 90, 20], [5, 5, 5, 9]]
    yolo = model(dense_detector(boxes, [[0.9, 0, 0], [0.8, 0, 0], [0.7, 0, 0]]))
    assert detect(yolo, blank(640, 640)) == [("cat", 0.9, (0.0, 0.0, 640.0, 640.0))]


def test_a_fixed_graph_gets_its_own_size() -> None:
    yolo = model(dense_detector(ONE_BOX, DOG, axes=("batch", 64, 96), size=(96, 64)))
    assert yolo.prepare(blank(640, 64)).shape == (64, 96, 3)
    assert yolo.fixed_batch is None
    assert model(dense_detector(ONE_BOX, DOG, axes=(1, 64, 64))).fixed_batch == 1


def test_the_files_own_fit_and_grey_are_taken() -> None:
    said = {"width": 64, "height": 64, "stride": 32, "layout": "NHWC", "dtype": "uint8"}
    stretched = {"mediaml.input": {**said, "fit": "stretch"}}
    yolo = model(dense_detector([[0, 0, 32, 64]], DOG, metadata=stretched))
    assert yolo.prepare(blank(640, 100)).shape == (64, 64, 3)
    assert detect(yolo, blank(640, 100)) == [("dog", 0.9, (0.0, 0.0, 320.0, 100.0))]
    grey = {"mediaml.input": {**said, "fit": "letterbox", "pad": 128}}
    assert (model(dense_detector(ONE_BOX, DOG, metadata=grey)).prepare(blank(640, 480))[:8] == 128).all()


def test_batches_answer_every_frame_with_its_own_geometry() -> None:
    yolo = model(dense_detector([[0, 0, 32, 32]], DOG))
    frames = [blank(640, 320), blank(1280, 640)]
    batch = np.stack([yolo.prepare(frame) for frame in frames])
    small, large = yolo.decode(yolo.run(batch), frames)
    assert small[0].box.corners == (0.0, 0.0, 320.0, 320.0)
    assert large[0].box.corners == (0.0, 0.0, 640.0, 640.0)
    assert len(yolo.decode(yolo.run(batch), frames[:1])) == 1


def test_conf_is_the_lowest_score() -> None:
    graph = dense_detector([[0, 0, 9, 9], [20, 20, 40, 40]], [[0.25, 0, 0], [0.2499, 0, 0]])
    assert len(detect(model(graph), blank(64, 64))) == 1
    assert len(detect(model(graph, conf=0.2), blank(64, 64))) == 2
    assert detect(model(graph, conf=0.3), blank(64, 64)) == []


def test_suppression_is_per_class_and_bounded() -> None:
    # The second overlaps the first by 9/11 = 0.82.
    boxes = [[0, 0, 20, 20], [0, 0, 20, 18], [0, 0, 20, 19], [40, 40, 60, 60]]
    scores = [[0.9, 0, 0], [0.8, 0, 0], [0, 0.7, 0], [0.6, 0, 0]]
    graph = dense_detector(boxes, scores)
    assert [found[:2] for found in detect(model(graph), blank(64, 64))] == [
        ("cat", 0.9),
        ("dog", 0.7),
        ("cat", 0.6),
    ]
    assert len(detect(model(graph, iou=0.95), blank(64, 64))) == 4
    assert [found[1] for found in detect(model(graph, max_det=2), blank(64, 64))] == [0.9, 0.7]


def test_agnostic_suppression_leaves_one_class_of_a_box() -> None:
    boxes = [[0, 0, 20, 18], [0, 0, 20, 20], [40, 40, 60, 60]]
    scores = [[0.7, 0, 0.8], [0, 0.9, 0], [0.6, 0.3, 0]]
    found = detect(model(dense_detector(boxes, scores), agnostic_nms=True), blank(64, 64))
    assert [one[:2] for one in found] == [("dog", 0.9), ("cat", 0.6)]
    apart = model(dense_detector(boxes, scores), agnostic_nms=True, iou=0.95)
    assert [one[1] for one in detect(apart, blank(64, 64))] == [0.9, 0.8, 0.6]
    one = model(dense_detector(boxes, scores), agnostic_nms=True, max_det=1)
    assert [one[1] for one in detect(one, blank(64, 64))] == [0.9]


def test_an_anchor_answers_every_class_over_conf() -> None:
    found = detect(model(dense_detector(ONE_BOX, [[0.6, 0.9, 0.1]])), blank(64, 64))
    assert [name for name, _, _ in found] == ["dog", "cat"]


@pytest.mark.parametrize("wanted", [("dog",), ("1",), ("Dog",), ("dog", "1")])
def test_classes_by_name_or_id(wanted: tuple[str, ...]) -> None:
    yolo = model(dense_detector([*ONE_BOX, [0, 0, 9, 9]], [[0.6, 0.5, 0.1], [0.9, 0, 0]]), classes=wanted)
    assert [name for name, _, _ in detect(yolo, blank(64, 64))] == ["dog"]


def test_a_name_that_is_a_number_is_a_name_first() -> None:
    yolo = model(dense_detector(ONE_BOX, DOG, labels=("2", "1", "0")), classes=("2",))
    assert yolo.wanted == (0,)


def test_an_unknown_class_is_refused_with_a_suggestion() -> None:
    with pytest.raises(OptionError, match=r"no class 'trafic light'(.|\n)*mean 'traffic light'"):
        model(dense_detector(ONE_BOX, DOG), classes=("trafic light",))
    with pytest.raises(OptionError, match=r"no class '3'(.|\n)*3 classes: cat, dog, traffic light"):
        model(dense_detector(ONE_BOX, DOG), classes=("3",))


def test_fit_stretches_a_picture_to_the_whole_input() -> None:
    stretched = model(dense_detector(ONE_BOX, DOG), imgsz=128, fit="stretch")
    assert stretched.prepare(blank(640, 320)).shape == (128, 128, 3)
    whole = stretched.shape.fitting(640, 320).to_target(np.array([[0, 0, 640, 320]], np.float32))
    assert whole.tolist() == [[0, 0, 128, 128]]


def test_imgsz_sets_the_longer_side() -> None:
    assert model(dense_detector(ONE_BOX, DOG), imgsz=128).prepare(blank(640, 320)).shape == (64, 128, 3)
    with pytest.raises(OptionError, match=r"multiple of 32(.|\n)*96 and 128"):
        model(dense_detector(ONE_BOX, DOG), imgsz=100)
    with pytest.raises(OptionError, match=r"smallest is 32"):
        model(dense_detector(ONE_BOX, DOG), imgsz=7)
    fixed = dense_detector(ONE_BOX, DOG, axes=("batch", 64, 64))
    assert model(fixed, imgsz=64).prepare(blank(9, 9)).shape == (64, 64, 3)
    with pytest.raises(OptionError, match="64x64 pixels only, not imgsz=128"):
        model(fixed, imgsz=128)


def test_labels_are_ids_where_the_file_has_none_and_must_fit() -> None:
    assert detect(model(dense_detector(ONE_BOX, DOG, labels=None)), blank(64, 64))[0][0] == "1"
    with pytest.raises(ModelError, match="3 classes, but its metadata names 2"):
        model(dense_detector(ONE_BOX, DOG, labels=("cat", "dog")))


@pytest.mark.parametrize(
    ("boxes", "scores", "says"),
    [
        (ONE_BOX, [[np.nan, 0.1, 0.1]], "not all finite"),
        (ONE_BOX, [[np.inf, 0.1, 0.1]], "not all finite"),
        ([[0, 0, np.nan, 9]], DOG, "boxes are not all finite"),
        ([[0, 0, np.inf, 9]], DOG, "boxes are not all finite"),
        (ONE_BOX, [[7.0, 0.1, 0.1]], r"not 0\.\.1"),
    ],
)
def test_heads_that_answer_nonsense_are_refused(boxes: Any, scores: Any, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        detect(model(dense_detector(boxes, scores)), blank(64, 64))


def test_a_far_off_box_of_no_score_harms_nobody() -> None:
    yolo = model(dense_detector([[0, 0, np.inf, 9], *ONE_BOX], [[0, 0, 0.1], *DOG]))
    assert len(detect(yolo, blank(64, 64))) == 1


def test_a_hostile_head_is_bounded() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(0, 60, (40_000, 2))
    boxes = np.concatenate([corners, corners + 1.0], axis=1)
    yolo = model(dense_detector(boxes, random.uniform(0.5, 1, (40_000, 3))))
    started = time.perf_counter()
    assert len(detect(yolo, blank(64, 64))) == 300
    assert time.perf_counter() - started < 20


def test_no_anchor_at_all_is_no_detection() -> None:
    assert detect(model(dense_detector(np.zeros((0, 4)), np.zeros((0, 3)))), blank(64, 64)) == []


@st.composite
def heads(draw: st.DrawFn) -> tuple[list[list[float]], list[list[float]]]:
    """Boxes on a coarse grid, which overlap often, and scores that are often equal."""
    count = draw(st.integers(1, 12))
    corner, side = st.sampled_from([0.0, 8.0, 16.0, 24.0]), st.sampled_from([16.0, 20.0, 32.0])
    boxes = [
        [left, top, left + width, top + height]
        for left, top, width, height in draw(
            st.lists(st.tuples(corner, corner, side, side), min_size=count, max_size=count)
        )
    ]
    score = st.sampled_from([0.0, 0.05, 0.06, 0.25, 0.3, 0.7, 0.9]) | st.floats(0, 1, width=32)
    row = st.lists(score, min_size=3, max_size=3)
    return boxes, draw(st.lists(row, min_size=count, max_size=count))


@given(
    heads(),
    st.sampled_from([0.05, 0.25, 0.3, 0.7]) | st.integers(5000, 100_000).map(lambda units: units / 100_000),
    st.sampled_from([(), ("dog",), ("cat", "Owl")]),
    st.integers(1, 4),
)
def test_a_view_is_what_the_model_answers_at_that_threshold(
    head: tuple[list[list[float]], list[list[float]]], conf: float, classes: tuple[str, ...], most: int
) -> None:
    """Hard suppression: a box never suppresses a better one, so selecting and suppressing commute.

    Also through the ledger's whole numbers, for thresholds of up to five decimals.
    """
    boxes, scores = (np.array([part], np.float32) for part in head)
    yolo = model(dense_detector(ONE_BOX, DOG, labels=("cat", "dog", "owl")))
    asked = DetectorOptions(conf=conf, classes=classes, max_det=most)

    def answered(options: DetectorOptions) -> Prediction:
        yolo.options = options
        wanted = options.classes and class_ids(options.classes, yolo.labels, "yolo")
        yolo.wanted = wanted or None
        return Prediction.of(yolo.decode([boxes, scores], [blank(64, 64)])[0])

    kept, expected = answered(at_floor(asked)), answered(asked)
    assert select(kept, view_of(asked)) == expected
    with sqlite3.connect(":memory:") as db:
        prepare(db)
        for source, said in enumerate((kept, expected), start=1):
            record = record_of(TaskResult(Task(source, 1, 0), (FrameAnswer(0, 0.0, 0.0, said),)))
            write_task(db, record, Classes(db))
        shown = [next(kept_frames(db, 1, 1, view_of(asked))), next(kept_frames(db, 2, 1, View()))]
        assert shown[0].prediction() == shown[1].prediction()
        assert shown[0].prediction() == select(
            next(kept_frames(db, 1, 1, View())).prediction(), view_of(asked)
        )


def prepare(db: sqlite3.Connection) -> None:
    """The tables of a ledger without its sources and models."""
    add_functions(db)
    db.executescript(FIRST_TABLES)
    create(db)
