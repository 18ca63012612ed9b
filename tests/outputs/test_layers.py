"""Which boxes are whose where several models look at one source."""

from __future__ import annotations

from mediaml.core.prediction import Box, Detection, Label
from mediaml.core.view import View
from mediaml.core.work import ModelIdentity
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.slice_rows import DrawnRow
from mediaml.outputs.render.layers import Author, authors_of, overlay_of

DOG = Detection(Label("dog", 0.5), Box(1, 2, 3, 4))


def model(number: int, name: str, task: str) -> ModelRow:
    return ModelRow(number, ModelIdentity(name, task, "", "", "", "", "", "{}"), View())


def test_detectors_come_first() -> None:
    models = [model(3, "clip", "embed"), model(5, "yolo", "detect")]
    models += [model(6, "digits", "classify"), model(9, "faces", "detect")]
    assert authors_of(models) == {
        5: Author("yolo", 0),
        9: Author("faces", 1),
        3: Author("clip", 2),
        6: Author("digits", 3),
    }


def test_the_second_model_keeps_its_place_where_the_first_found_nothing() -> None:
    authors = authors_of([model(1, "yolo", "detect"), model(2, "faces", "detect")])
    overlay = overlay_of([DrawnRow(2, 0, 0.0, 0.04, (), (DOG,), "")], authors)
    assert not overlay.detections
    (layer,) = overlay.others
    assert (layer.model, layer.number, layer.detections[0].label.name) == ("faces", 1, "dog")
