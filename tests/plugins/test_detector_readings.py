"""How graphs are told apart: by inputs, outputs and metadata; what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.core.errors import ModelError, OptionError
from mediaml.plugin import GraphFacts, TensorSpec
from mediaml_yolo.beside import Beside, read_beside
from mediaml_yolo.choosing import choose, readings
from mediaml_yolo.families import FAMILIES
from mediaml_yolo.recognise import recognise

IMAGES = TensorSpec("images", (1, 3, 640, 640), "float32")
FREE = TensorSpec("images", (None, 3, None, None), "float32")
ULTRALYTICS = {"author": "Ultralytics", "task": "detect", "names": "{0: 'a', 1: 'b'}", "stride": "32"}


def facts(inputs: Any, outputs: Any, **metadata: str) -> GraphFacts:
    return GraphFacts(Path("model.onnx"), tuple(inputs), tuple(outputs), metadata)


def head(*shape: int | None, dtype: str = "float32") -> TensorSpec:
    return TensorSpec("output0", shape, dtype)


def families(graph: GraphFacts, beside: Beside | None = None) -> list[str]:
    return [layout.family for layout in recognise(graph, beside)]


@pytest.mark.parametrize(
    ("image", "shape", "metadata", "expected"),
    [
        (IMAGES, (1, 84, 8400), {}, ["yolov8"]),
        (FREE, (None, 84, None), {}, ["yolov8"]),
        (IMAGES, (1, 6, 8400), ULTRALYTICS, ["yolov8"]),
        (FREE, (None, None, None), ULTRALYTICS, ["yolov8"]),
        (IMAGES, (1, 300, 6), {}, ["yolov10"]),
        (IMAGES, (1, 300, 6), {**ULTRALYTICS, "end2end": "True"}, ["yolov10"]),
        (IMAGES, (1, 25200, 85), {}, ["yolov5"]),
        (IMAGES, (1, 25200, 6), {}, ["yolov5"]),
        (IMAGES, (1, 102000, 85), {}, ["yolov5"]),
        (IMAGES, (1, 8400, 85), {}, ["yolox"]),
        (IMAGES, (1, 8400, 6), {}, ["yolox"]),
        (IMAGES, (1, 56, 8400), {}, ["yolov8", "yolov8-pose"]),
        (FREE, (None, None, 85), {}, ["yolov5", "yolox"]),
        (FREE, (None, None, 6), {}, ["yolov10", "yolov5", "yolox"]),
        (FREE, (None, None, None), {"stride": "32", "names": "['a', 'b']"}, ["yolov5"]),
        (FREE, (None, None, 7), {"stride": "32", "names": "['a', 'b']"}, ["yolov5"]),
        (IMAGES, (1, 300, 6), {**ULTRALYTICS, "head": "RTDETRDecoder"}, ["ultralytics-rtdetr"]),
        (IMAGES, (1, 7, 84), {}, []),
        (IMAGES, (1, 84, 8401), {}, []),
        (IMAGES, (1, 3, 8400), {}, []),
        (IMAGES, (1, 84, 8400), {"task": "depth"}, []),
    ],
)
def test_heads(image: TensorSpec, shape: Any, metadata: dict[str, str], expected: list[str]) -> None:
    assert families(facts([image], [head(*shape)], **metadata)) == expected


def test_masks_make_a_segmentation() -> None:
    masks = TensorSpec("output1", (1, 32, 160, 160), "float32")
    for shape, family in (((1, 116, 8400), "yolov8"), ((1, 300, 38), "yolov10"), ((1, 25200, 117), "yolov5")):
        [layout] = recognise(facts([IMAGES], [head(*shape), masks]))
        assert (layout.family, layout.task) == (family, "segment")
        assert layout.classes == (None if family == "yolov10" else 80)


def test_named_outputs() -> None:
    sizes = TensorSpec("orig_target_sizes", (None, 2), "int64")
    boxes, scores = (
        TensorSpec("boxes", (None, 300, 4), "float32"),
        TensorSpec("scores", (None, 300), "float32"),
    )
    labels = TensorSpec("labels", (None, 300), "int64")
    assert families(facts([IMAGES, sizes], [labels, boxes, scores])) == ["rt-detr"]
    assert families(facts([IMAGES], [labels, boxes, scores])) == []
    ssd = TensorSpec("bboxes", (1, None, 4), "float32")
    assert families(facts([IMAGES], [ssd, labels, scores])) == ["ssd"]
    dets, logits = TensorSpec("dets", (1, 300, 4), "float32"), TensorSpec("labels", (1, 300, 91), "float32")
    assert families(facts([IMAGES], [dets, logits])) == ["rf-detr"]
    masks = TensorSpec("masks", (1, 300, 108, 108), "float32")
    assert families(facts([IMAGES], [dets, logits, masks])) == []
    tensor = TensorSpec("image_tensor:0", (None, None, None, 3), "uint8")
    detection = [
        TensorSpec("detection_boxes:0", (None, None, 4), "float32"),
        TensorSpec("detection_classes:0", (None, None), "float32"),
        TensorSpec("detection_scores:0", (None, None), "float32"),
        TensorSpec("num_detections:0", (None,), "float32"),
    ]
    assert families(facts([tensor], detection)) == ["tensorflow"]
    single = [TensorSpec("boxes", (None, 4), "float32"), TensorSpec("scores", (None,), "float32")]
    chosen = TensorSpec("labels", (None,), "int64")
    assert families(facts([TensorSpec("image", (3, None, None), "float32")], [*single, chosen])) == [
        "torchvision"
    ]


@pytest.mark.parametrize(
    ("values", "beside", "expected"),
    [
        (92, Beside(), ["hf-softmax"]),
        (80, Beside(), ["hf-sigmoid"]),
        (4, Beside(), ["hf-sigmoid", "hf-softmax"]),
        (4, Beside(classes=3), ["hf-softmax"]),
        (4, Beside(classes=4), ["hf-sigmoid"]),
        (4, Beside(model_type="detr", softmax=True), ["hf-softmax"]),
        (4, Beside(model_type="d_fine", softmax=False), ["hf-sigmoid"]),
    ],
)
def test_hugging_face(values: int, beside: Beside, expected: list[str]) -> None:
    pixels = TensorSpec("pixel_values", (None, 3, 640, 640), "float32")
    outputs = [TensorSpec("logits", (None, 300, values), "float32")]
    outputs.append(TensorSpec("pred_boxes", (None, 300, 4), "float32"))
    assert families(facts([pixels], outputs), beside) == expected


def test_several_readings_are_for_the_user_to_choose() -> None:
    graph = facts([FREE], [head(None, None, 85)])
    with pytest.raises(ModelError, match=r"may be YOLOv5 or YOLOv7 or YOLOX(.|\n)*-O yolo.family=yolov5 or"):
        choose(graph, Beside(), "auto", "yolo")
    assert choose(graph, Beside(), "yolox", "yolo").family == "yolox"
    assert choose(graph, Beside(), "yolox-decoded", "yolo").family == "yolox-decoded"
    shown = [dict(reading.facts) for reading in readings(graph, "yolo")]
    assert [one["choose with"] for one in shown] == ["-O yolo.family=yolov5", "-O yolo.family=yolox"]


def test_a_family_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        OptionError, match=r"does not fit yolo.family=yolox(.|\n)*It fits -O yolo.family=yolov8"
    ):
        choose(facts([IMAGES], [head(1, 84, 8400)]), Beside(), "yolox", "yolo")
    with pytest.raises(OptionError, match=r"does not fit(.|\n)*models describe model\.onnx"):
        choose(facts([IMAGES], [head(1, 7)]), Beside(), "yolov8", "yolo")


def test_what_is_no_detector_says_what_it_has_and_the_way_on() -> None:
    with pytest.raises(ModelError, match=r"is a classifier(.|\n)*-p classify -m model\.onnx"):
        choose(facts([IMAGES], [head(1, 1000)]), Beside(), "auto", "detect")
    with pytest.raises(ModelError) as caught:
        choose(facts([IMAGES], [head(1, 7, 84)]), Beside(), "auto", "yolo")
    assert "inputs images float32 [1, 3, 640, 640] and outputs output0 float32 [1, 7, 84]" in str(
        caught.value
    )
    assert "`mediaml models describe model.onnx`" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_yolo_points_to_detect() -> None:
    boxes = TensorSpec("pred_boxes", (1, 300, 4), "float32")
    graph = facts([IMAGES], [TensorSpec("logits", (1, 300, 80), "float32"), boxes])
    with pytest.raises(ModelError, match=r"is not a YOLO network(.|\n)*-p detect -m model\.onnx"):
        choose(graph, Beside(), "auto", "yolo")
    assert choose(graph, Beside(), "auto", "detect").family == "hf-sigmoid"


def test_the_files_beside_a_hugging_face_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "detr", "id2label": {"0": "a"}}')
    (tmp_path / "preprocessor_config.json").write_text(
        '{"size": {"shortest_edge": 800, "longest_edge": 1333}, "do_normalize": true,'
        ' "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'
    )
    found = read_beside(tmp_path / "model.onnx")
    assert (found.softmax, found.classes, found.limits) == (True, 1, (800, 1333))
    assert found.input is not None
    assert found.input.mean == (0.5, 0.5, 0.5)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"shortest_edge": "x"}}')
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        read_beside(tmp_path / "model.onnx")


AXES = st.none() | st.sampled_from(
    [1, 2, 3, 4, 6, 7, 38, 56, 84, 85, 91, 300, 525, 1575, 8400, 25200, 640, 160]
)
NAMES = st.sampled_from(
    [
        *("images", "output0", "boxes", "scores", "labels", "logits", "pred_boxes", "dets", "bboxes", "x:0"),
        *("detection_boxes", "detection_scores", "detection_classes", "orig_target_sizes", "pixel_values"),
    ]
)
SPECS = st.builds(
    TensorSpec,
    NAMES,
    st.lists(AXES, max_size=5).map(tuple),
    st.sampled_from(["float32", "float16", "int64", "int32", "uint8", "string", "bool"]),
)
IMAGE_SPECS = st.sampled_from([IMAGES, FREE, TensorSpec("x", (1, 3, 160, 160), "float16")])
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "author": st.sampled_from(["Ultralytics", "me"]),
        "task": st.sampled_from(["detect", "segment", "pose", "obb", "classify", "depth", ""]),
        "names": st.sampled_from(
            ["{0: 'a'}", "['a', 'b', 'c']", "{}", "__import__('os')", "{0: 1}", "((((" * 50]
        ),
        "end2end": st.sampled_from(["True", "False", "None"]),
        "args": st.sampled_from(["{'nms': True}", "{'nms': None}", "x"]),
        "kpt_shape": st.sampled_from(["[17, 3]", "(5, 2)", "[0, 3]", "[999999, 3]"]),
        "head": st.sampled_from(["RTDETRDecoder", "Detect"]),
        "stride": st.sampled_from(["32", "[8, 16]", "-1"]),
    },
)


@settings(max_examples=600)
@given(st.lists(IMAGE_SPECS | SPECS, max_size=3), st.lists(SPECS, max_size=4), METADATA)
def test_strangers_graphs_are_read_or_refused(
    inputs: list[TensorSpec], outputs: list[TensorSpec], metadata: dict[str, str]
) -> None:
    """Whatever the graph: every reading is whole, and anything else is an error with a way on."""
    graph = facts(inputs, outputs, **metadata)
    names = {spec.name for spec in outputs}
    found = recognise(graph)
    for layout in found:
        assert layout.image in inputs
        assert set(layout.outputs.values()) <= names
        assert layout.classes is None or layout.classes >= 1
        assert layout.family in FAMILIES
        assert layout.keypoints == (0, 0) or layout.task == "pose"
    assert len({layout.family for layout in found}) == len(found)
    for model in ("yolo", "detect"):
        try:
            chosen = choose(graph, Beside(), "auto", model)
        except ModelError as error:
            assert error.hint
            assert len(str(error).splitlines()) == 2
        else:
            assert [chosen] == list(found)
