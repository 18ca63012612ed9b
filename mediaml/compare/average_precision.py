"""Average precision as COCO defines it, measured by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediaml.core.errors import UsageError

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """AP at IoU .50 and over .50:.05:.95 (COCO), mean over the classes that the truth holds.

    Attributes:
        ap50, ap: the means. per_class: both of each class, by its id.
        precision: [101], mean over classes at IoU .50, at recall 0, .01 … 1.
    """

    ap50: float
    ap: float
    per_class: Mapping[int, tuple[float, float]]
    precision: list[float]


def average_precision(truth: Mapping[str, Any], boxes: Sequence[Record]) -> AveragePrecision:
    """Measure boxes with pycocotools.

    Args:
        truth: a data set in COCO's format.
        boxes: results in COCO's format: image_id, category_id, bbox, score.

    Raises:
        UsageError: pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise UsageError(
            "AP is measured by pycocotools, which is not installed.",
            "Install it with: pip install 'mediaml[evaluate]'",
        ) from error
    held = sorted({int(one["category_id"]) for one in truth["annotations"] if not one.get("iscrowd")})
    if not boxes or not held:
        return AveragePrecision(0.0, 0.0, dict.fromkeys(held, (0.0, 0.0)), [0.0] * 101)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        known = COCO()
        known.dataset = dict(truth)
        known.createIndex()
        # loadRes writes into what it is given.
        run = COCOeval(known, known.loadRes([dict(box) for box in boxes]), "bbox")
        run.evaluate()
        run.accumulate()
    # [IoU thresholds, recalls, classes], all areas, at most 100 boxes of an image.
    precision = run.eval["precision"][:, :, :, 0, -1]
    places = {int(kind): place for place, kind in enumerate(run.params.catIds)}
    columns = [places[kind] for kind in held]
    return AveragePrecision(
        float(precision[0][:, columns].mean()),
        float(precision[:, :, columns].mean()),
        {
            kind: (float(precision[0, :, column].mean()), float(precision[:, :, column].mean()))
            for kind, column in zip(held, columns, strict=True)
        },
        precision[0][:, columns].mean(axis=1).tolist(),
    )
