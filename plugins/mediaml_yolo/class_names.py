"""The class names of a detector and how its numbers lead to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mediaml.plugin import COCO_91_NAMES, COCO_NAMES, FoundLabels, ModelError, find_labels
from mediaml_yolo.recognise import Layout

# Their class 0 stands for nothing; a list of names usually leaves it out.
_FROM_ONE = frozenset({"torchvision", "ssd", "tensorflow"})
_BY_CATEGORY = frozenset({"torchvision", "tensorflow", "rf-detr", "hf-sigmoid", "hf-softmax"})
_NOTHING = frozenset({"__background__", "background", "n/a", "none", "class 0"})


@dataclass(frozen=True, slots=True)
class Names:
    """Class names.

    Attributes:
        listed: all of them. first: the number that the first one has in the graph's answers.
    """

    listed: tuple[str, ...]
    first: int = 0

    def of(self, number: int) -> str:
        """The name of a class by the graph's number.

        Raises:
            ModelError: there is none.
        """
        place = number - self.first
        if not 0 <= place < len(self.listed):
            raise ModelError(f"the network returned class {number}, but it has {len(self.listed)} labels.")
        return self.listed[place]


def class_names(
    path: Path | None, metadata: Mapping[str, str], layout: Layout, warn: Callable[[str], None]
) -> Names:
    """Class names: the file's own, from a list beside it, COCO's by their number, or else numbers.

    Args:
        warn: is told where the names are COCO's only by their number.

    Raises:
        ModelError: there are more or fewer than classes, or their number is not known at all.
    """
    count = layout.classes
    found = _rf_detr_names(path, metadata, count) if layout.family == "rf-detr" else None
    if found is None:
        found = find_labels(path, metadata, count, _known(layout))
    if found is None and count is None:
        found = _assumed(layout)
    if found is None:
        if count is None:
            raise ModelError(
                f"{path} says neither its labels nor how many classes it has.",
                "Write its class names beside it, into labels.txt, one per line.",
            )
        return Names(tuple(map(str, range(count))))
    if found.assumed:
        warn(f"{path.name if path else 'the model'}: no class names; assuming those of {found.origin}")
    shift = layout.family in _FROM_ONE and found.names[:1] and found.names[0].casefold() not in _NOTHING
    return Names(found.names, 1 if shift else 0)


def _rf_detr_names(path: Path | None, metadata: Mapping[str, str], count: int | None) -> FoundLabels | None:
    """Names of a fine-tuned RF-DETR, whose graph has a last class more that stands for nothing."""
    found = find_labels(path, metadata, None)
    return found if found is not None and count is not None and len(found.names) == count - 1 else None


def _known(layout: Layout) -> Mapping[str, tuple[str, ...]]:
    if layout.task not in {"detect", "segment"}:
        return {"COCO's person keypoints": ("person",)} if layout.task == "pose" else {}
    return {"COCO": COCO_NAMES, "COCO by category id": COCO_91_NAMES}


def _assumed(layout: Layout) -> FoundLabels:
    """What graphs that do not say their classes were trained on, unless a list beside them says otherwise."""
    if layout.family in _BY_CATEGORY:
        return FoundLabels(COCO_91_NAMES, "COCO by category id", assumed=True)
    return FoundLabels(COCO_NAMES, "COCO", assumed=True)
