"""What the pages of comparisons show, as plain values; texts are safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mediaml import __version__
from mediaml.compare.confusion import BACKGROUND
from mediaml.compare.diff import FolderDiff, FrameDiff, ModelDiff
from mediaml.compare.evaluate import Evaluation
from mediaml.core.prediction import Prediction
from mediaml.core.text import escape_control
from mediaml.ledger.results import Results
from mediaml.ops.palette import color_of
from mediaml.outputs.comparison.pictures import Moment

_MOST_CONFUSED = 24
"""Classes that the confusion matrix shows, those with the most objects and boxes."""

Record = dict[str, Any]


def diff_facts(
    found: FolderDiff, names: tuple[str, str], results: Results, pictures: Mapping[Moment, str]
) -> Record:
    """The facts of `mediaml diff`; `results` are those of the left folder."""
    sources = found.sources
    return {
        **_page_facts("diff"),
        "left": _text(names[0]),
        "right": _text(names[1]),
        "both": len(sources.both),
        "only": [_texts(sources.only_left), _texts(sources.only_right)],
        "failed": [_failed(found.failed_left), _failed(found.failed_right)],
        "models": [_model(model, results, pictures) for model in found.models],
    }


def evaluation_facts(found: Sequence[Evaluation], folder: str, truth: str) -> Record:
    """The facts of `mediaml evaluate`."""
    return {
        **_page_facts("evaluate"),
        "folder": _text(folder),
        "truth": _text(truth),
        "models": [_evaluation(one) for one in found],
    }


def _page_facts(kind: str) -> Record:
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return {"page": kind, "version": __version__, "written": written}


def _model(model: ModelDiff, results: Results, pictures: Mapping[Moment, str]) -> Record:
    places = {name: place for place, name in enumerate(model.classes)}
    return {
        "left": _text(model.left),
        "right": _text(model.right),
        "frames": model.frames,
        "same": model.same_frames,
        "only": [model.frames_only_left, model.frames_only_right],
        "labelled": model.labelled,
        "agrees": model.top_label_agrees,
        "cosine": model.cosine,
        "classes": [
            {
                **_class(name),
                "left": one.left,
                "right": one.right,
                "matched": one.matched,
                "iou": one.iou,
                "score": one.score_difference if one.matched else None,
            }
            for name, one in model.classes.items()
        ],
        "scores": [[places[name], round(one, 5), round(other, 5)] for name, one, other in model.scores],
        "different": [_frame(frame, results, pictures) for frame in model.most_different],
    }


def _frame(frame: FrameDiff, results: Results, pictures: Mapping[Moment, str]) -> Record:
    info = results.source(frame.source_id).info
    return {
        "source": _text(frame.source),
        "frame": frame.frame,
        "time": frame.time_s,
        "picture": pictures.get((frame.source_id, frame.time_s), ""),
        "size": [info.width, info.height] if info and info.width and info.height else None,
        "sides": [_prediction(frame.left), _prediction(frame.right)],
    }


def _prediction(prediction: Prediction) -> Record:
    return {
        "labels": [{**_class(label.name), "score": label.score} for label in prediction.labels],
        "boxes": [
            {
                **_class(found.label.name),
                "score": found.label.score,
                "box": found.box.corners,
                "outline": found.outline,
            }
            for found in prediction.detections
        ],
    }


def _evaluation(found: Evaluation) -> Record:
    return {
        "name": _text(found.model),
        "images": found.images,
        "missing": _texts(found.missing),
        "objects": found.objects,
        "ap50": found.ap50,
        "ap": found.ap,
        "precision": found.precision,
        "recall": found.recall,
        "threshold": found.min_score,
        "unknown": _texts(found.unknown),
        "curve": found.curve,
        "classes": [
            {
                **_class(name),
                "objects": one.objects,
                "ap50": one.ap50,
                "ap": one.ap,
                "precision": one.precision,
                "recall": one.recall,
            }
            for name, one in found.classes.items()
        ],
        "confusion": _confusion(found.confusion),
    }


def _confusion(counts: Mapping[str, Mapping[str, int]]) -> Record:
    """The matrix over the classes that occur most, and the background last."""
    totals: dict[str, int] = {}
    for truth, boxes in counts.items():
        for box, number in boxes.items():
            for name in {truth, box} - {BACKGROUND}:
                totals[name] = totals.get(name, 0) + number
    shown = sorted(totals, key=lambda name: (-totals[name], name))[:_MOST_CONFUSED]
    names = [*shown, BACKGROUND]
    return {
        "names": _texts(names),
        "left_out": len(totals) - len(shown),
        "counts": [[counts.get(truth, {}).get(box, 0) for box in names] for truth in names],
    }


def _class(name: str) -> Record:
    return {"name": _text(name), "color": f"#{bytes(color_of(name)).hex()}"}


def _failed(rows: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[_text(shown), _text(why)] for shown, why in rows]


def _texts(names: Iterable[str]) -> list[str]:
    return [_text(name) for name in names]


def _text(text: str) -> str:
    return escape_control(text)
