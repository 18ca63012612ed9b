"""Object detection: `yolo` runs YOLO networks of any family, `detect` any detector that is known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mediaml.plugin import GraphFacts, LoadContext, Model, ModelSpec, Reading, hookimpl
from mediaml_yolo.options import DetectorOptions


def load(context: LoadContext) -> Model:
    """Open a YOLO network; heavy imports happen here, not when the plugin is listed."""
    from mediaml_yolo.model import Detector

    return Detector(context, "yolo")


def load_any(context: LoadContext) -> Model:
    """Open a detector of any family."""
    from mediaml_yolo.model import Detector

    return Detector(context, "detect")


def read_yolo(facts: GraphFacts) -> Sequence[Reading]:
    """How `yolo` would read a graph."""
    from mediaml_yolo.choosing import readings

    return readings(facts, "yolo")


def read_other(facts: GraphFacts) -> Sequence[Reading]:
    """How `detect` would read a graph that `yolo` does not take."""
    from mediaml_yolo.choosing import readings

    return () if read_yolo(facts) else readings(facts, "detect")


def companions(weights: Path) -> Sequence[Path]:
    """The files beside a detector that decide what it answers."""
    from mediaml_yolo.beside import files_beside

    return files_beside(weights)


@hookimpl
def mediaml_models() -> Iterator[ModelSpec]:
    """Offer the models `yolo` and `detect`."""
    yield ModelSpec(
        "yolo",
        task="detect",
        load=load,
        options=DetectorOptions,
        weights="detector",
        description="Finds objects with a YOLO network of any family; -m takes its ONNX file.",
        companions=companions,
        read_graph=read_yolo,
    )
    yield ModelSpec(
        "detect",
        task="detect",
        load=load_any,
        options=DetectorOptions,
        description="Finds objects with any detector: YOLO, DETR, SSD, TensorFlow; -m takes its ONNX file.",
        companions=companions,
        read_graph=read_other,
    )
