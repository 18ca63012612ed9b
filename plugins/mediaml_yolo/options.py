"""What a user can set with `-O yolo.NAME=VALUE`, and what class names and ids mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Literal

from mediaml.plugin import Meta, OptionError


@dataclass(frozen=True, slots=True)
class YoloOptions:
    """Options of the model `yolo`; the defaults are those of the YOLO family's own detection commands."""

    conf: Annotated[float, Meta(ge=0, le=1, description="lowest score of a detection")] = 0.25
    iou: Annotated[
        float, Meta(ge=0, le=1, description="overlap above which the weaker box of a class is dropped")
    ] = 0.45
    agnostic_nms: Annotated[
        bool, Meta(description="drop the weaker of two overlapping boxes also where their classes differ")
    ] = False
    max_det: Annotated[int, Meta(ge=1, le=10_000, description="most detections in a frame")] = 300
    classes: Annotated[
        tuple[str, ...],
        Meta(description='only these classes: names or ids; quote a name that holds commas: "a, b",c'),
    ] = ()
    imgsz: Annotated[
        int,
        Meta(ge=0, le=8192, description="longer side of the network's input in pixels; 0: the model's own"),
    ] = 0
    fit: Annotated[
        Literal["model", "letterbox", "stretch"],
        Meta(description="how an image is laid into the input; model: as the model's file says"),
    ] = "model"


def class_ids(wanted: Sequence[str], labels: Sequence[str]) -> tuple[int, ...]:
    """The ids, ascending, of classes given by name or by id; names are looked up first, in any case.

    Raises:
        OptionError: a class is unknown; suggests the nearest name.
    """
    known = {label.casefold(): index for index, label in reversed(list(enumerate(labels)))}
    return tuple(sorted({_class_id(name.strip(), known, labels) for name in wanted}))


def _class_id(name: str, known: dict[str, int], labels: Sequence[str]) -> int:
    if name.casefold() in known:
        return known[name.casefold()]
    if name.isascii() and name.isdigit() and int(name) < len(labels):
        return int(name)
    raise OptionError(
        f"the weights of yolo have no class {name!r}.", _class_hint(name.casefold(), known, labels)
    )


def _class_hint(name: str, known: dict[str, int], labels: Sequence[str]) -> str:
    # A part of a label that holds commas is nearer to that part than to the whole.
    parts = {part.strip(): label for label in known for part in (label, *label.split(","))}
    near = get_close_matches(name, parts, n=1)
    if not near:
        mark = "; " if any("," in label for label in labels[:5]) else ", "
        some = mark.join([*labels[:5], *(["…"] if len(labels) > 5 else [])])
        return f"There are {len(labels)} classes: {some}"
    label = labels[known[parts[near[0]]]]
    if "," in label:
        return f"""Did you mean {label!r}? Quote it: -O 'yolo.classes="{label}"'"""
    return f"Did you mean {label!r}?"
