"""What a user can set with `-O yolo.NAME=VALUE` and `-O detect.NAME=VALUE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mediaml.plugin import Meta, view
from mediaml_yolo.families import Choice


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """Options of the models `yolo` and `detect`."""

    conf: Annotated[
        float,
        Meta(ge=0, le=1, description="minimum score of a detection", extra=view("min_score", floor=0.05)),
    ] = 0.25
    iou: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="overlap above which the weaker box of a class is dropped; 0: as the family does it",
        ),
    ] = 0.0
    agnostic_nms: Annotated[
        bool, Meta(description="drop the weaker of two overlapping boxes also where their classes differ")
    ] = False
    max_det: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="maximum detections per frame",
            extra=view("max_detections", floor=300),
        ),
    ] = 300
    # Across classes a box that is not wanted can suppress one that is: then the choice is the model's.
    classes: Annotated[
        tuple[str, ...],
        Meta(
            description='only these classes: names or ids; quote a name that holds commas: "a, b",c',
            extra=view("classes", unless="agnostic_nms"),
        ),
    ] = ()
    imgsz: Annotated[
        int,
        Meta(ge=0, le=8192, description="longer side of the network's input in pixels; 0: the model's own"),
    ] = 0
    fit: Annotated[
        Literal["model", "letterbox", "letterbox-top-left", "stretch"],
        Meta(description="how images are fitted to the input; model: as the model file says"),
    ] = "model"
    family: Annotated[
        Choice, Meta(description="what the network is, where its file leaves it open: docs/detectors.md")
    ] = "auto"
