"""How predictions are written in the ledger and read back: whole numbers in columns, no JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import OutputError
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.picture_file import PictureFile
from mediaml.core.prediction import Embedding, Picture
from mediaml.core.view import View
from mediaml.core.work import Failure, FrameAnswer, Task, TaskResult
from mediaml.ledger.shapes import keypoints_blob, outline_blob
from mediaml.ledger.units import box_units, score_units

LabelColumns = tuple[int, int, int, int]
"""Frame, place among the frame's labels, index of the name in `TaskRecord.names`, score."""
DetectionColumns = tuple[int, int, int, int, int, int, int, int, int | None, bytes | None, bytes | None]
"""The same for a detection, then left, top, right, bottom, track, outline and keypoints."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """A frame as the ledger keeps it; `embedding` and `picture` as bytes."""

    index: int
    time_s: float
    duration_s: float
    embedding: bytes | None = None
    picture: bytes | None = None
    audio_track: int | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A `TaskResult` as the ledger keeps it: columns in its units.

    Attributes:
        names: the names that labels and detections refer to.
        cut: the highest score of a detection that was left out, see `mediaml.core.view.bounded`.
        info: the JSON of `info_json`. pictures: the files that hold the pictures of the frames.
    """

    task: Task
    frames: tuple[FrameRecord, ...] = ()
    names: tuple[str, ...] = ()
    labels: tuple[LabelColumns, ...] = ()
    detections: tuple[DetectionColumns, ...] = ()
    cut: int | None = None
    last: bool = True
    failure: Failure | None = None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    info: str | None = None
    pictures: tuple[PictureFile, ...] = ()


def record_of(result: TaskResult) -> TaskRecord:
    """Encode the outcome of a task."""
    answers = result.answers
    cuts = [answer.cut for answer in answers if answer.cut is not None]
    places: dict[str, int] = {}
    labels, detections = _label_columns(answers, places), _detection_columns(answers, places)
    return TaskRecord(
        result.task,
        tuple(map(_frame_record, answers)),
        tuple(places),
        labels,
        detections,
        int(score_units([max(cuts)])[0]) if cuts else None,
        result.last,
        result.failure,
        result.accounts,
        None if result.info is None else info_json(result.info),
        result.pictures,
    )


def _frame_record(answer: FrameAnswer) -> FrameRecord:
    prediction = answer.prediction
    return FrameRecord(
        answer.index,
        answer.time_s,
        answer.duration_s,
        embedding_blob(prediction.embedding),
        picture_blob(prediction.picture),
        answer.audio_track,
        answer.same_as,
    )


def _label_columns(answers: Sequence[FrameAnswer], places: dict[str, int]) -> tuple[LabelColumns, ...]:
    keys = [
        (answer.index, number, places.setdefault(label.name, len(places)), label.score)
        for answer in answers
        for number, label in enumerate(answer.prediction.labels)
    ]
    scores = score_units([key[3] for key in keys]).tolist()
    return tuple(
        (frame, number, name, score) for (frame, number, name, _), score in zip(keys, scores, strict=True)
    )


def _detection_columns(
    answers: Sequence[FrameAnswer], places: dict[str, int]
) -> tuple[DetectionColumns, ...]:
    keys = [
        (answer.index, number, places.setdefault(one.label.name, len(places)), one)
        for answer in answers
        for number, one in enumerate(answer.prediction.detections)
    ]
    scores = score_units([one.label.score for *_, one in keys]).tolist()
    boxes = box_units([one.box.corners for *_, one in keys]).tolist()
    return tuple(
        (
            frame,
            number,
            name,
            score,
            *box,
            one.track,
            outline_blob(one.outline),
            keypoints_blob(one.keypoints),
        )
        for (frame, number, name, one), score, box in zip(keys, scores, boxes, strict=True)
    )


def embedding_blob(embedding: Embedding | None) -> bytes | None:
    """float16 values, little-endian."""
    return None if embedding is None else embedding.vector.astype("<f2").tobytes()


def embedding_of(blob: bytes | None) -> Embedding | None:
    """The embedding of `embedding_blob`."""
    return None if blob is None else Embedding(np.frombuffer(blob, "<f2").astype(np.float32))


def picture_blob(picture: Picture | None) -> bytes | None:
    """The picture as a PNG file, lossless."""
    if picture is None:
        return None
    import cv2

    _, png = cv2.imencode(".png", np.ascontiguousarray(picture.image[:, :, ::-1]))
    return png.tobytes()


def picture_of(blob: bytes) -> UInt8Array:
    """The picture of `picture_blob`: uint8 RGB [H, W, 3].

    Raises:
        OutputError: it is damaged.
    """
    import cv2

    decoded = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise OutputError("a picture in the ledger is damaged.", "Run again with --force.")
    return np.ascontiguousarray(decoded[:, :, ::-1], dtype=np.uint8)


def info_json(info: MediaInfo) -> str:
    """A file's header facts as a JSON object; the frame rate as `30000/1001`."""
    record = {name: getattr(info, name) for name in info.__slots__ if name != "path"}
    record["frame_rate"] = None if info.frame_rate is None else str(info.frame_rate)
    return msgspec.json.encode(record).decode()


def info_of(text: str, path: str) -> MediaInfo:
    """The header facts of `info_json`; fields that another version did not write keep their defaults."""
    record = msgspec.json.decode(text, type=dict[str, Any])
    known = {name: record[name] for name in MediaInfo.__slots__ if name in record}
    rate = known.get("frame_rate")
    return MediaInfo(
        **{**known, "path": path, "kind": Kind(record["kind"]), "frame_rate": rate and Fraction(rate)}
    )


def view_json(view: View) -> str:
    """A view as a JSON object of its fields that are not at their defaults."""
    return msgspec.json.encode(view_record(view)).decode()


def view_record(view: View) -> dict[str, Any]:
    """A view as plain JSON values; `{}` shows everything."""
    values = {name: getattr(view, name) for name in View.__slots__}
    return {name: value for name, value in values.items() if value not in (0.0, (), None)}


def view_of_json(text: str) -> View:
    """The view of `view_json`."""
    return msgspec.json.decode(text, type=View)
