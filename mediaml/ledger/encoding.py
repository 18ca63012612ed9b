"""How answers are written in the ledger, so that outputs can copy them as they are.

Scores are rounded to 5 decimals and boxes to 1/100 pixel: far below what a model can mean, and coarse
enough that the last bits of a different batch size do not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import OutputError
from mediaml.core.media import DecodeAccounts, MediaInfo
from mediaml.core.prediction import Detection, Embedding, Label, Picture
from mediaml.core.work import Failure, FrameAnswer, Task, TaskResult

_SCORE_DECIMALS, _BOX_DECIMALS = 5, 2


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A `FrameAnswer` as the ledger keeps it: `labels` and `detections` as JSON, the rest as bytes."""

    index: int
    time_s: float
    duration_s: float
    labels: str
    detections: str
    embedding: bytes | None = None
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A `TaskResult` as the ledger keeps it; `info` is the JSON of `info_json`."""

    task: Task
    answers: tuple[AnswerRecord, ...] = ()
    last: bool = True
    failure: Failure | None = None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    info: str | None = None


def record_of(result: TaskResult) -> TaskRecord:
    """Encode what came of a task."""
    return TaskRecord(
        result.task,
        tuple(map(_answer_record, result.answers)),
        result.last,
        result.failure,
        result.accounts,
        None if result.info is None else info_json(result.info),
    )


def _answer_record(answer: FrameAnswer) -> AnswerRecord:
    said = answer.prediction
    return AnswerRecord(
        answer.index,
        answer.time_s,
        answer.duration_s,
        labels_json(said.labels),
        detections_json(said.detections),
        embedding_blob(said.embedding),
        picture_blob(said.picture),
    )


def labels_json(labels: Sequence[Label]) -> str:
    """`[{"label": "cat", "score": 0.99}, …]`."""
    return msgspec.json.encode(
        [{"label": label.name, "score": round(label.score, _SCORE_DECIMALS)} for label in labels]
    ).decode()


def detections_json(detections: Sequence[Detection]) -> str:
    """`[{"label": "car", "score": 0.91, "box": [left, top, right, bottom]}, …]` in displayed pixels."""
    return msgspec.json.encode([_detection(detection) for detection in detections]).decode()


def _detection(detection: Detection) -> dict[str, object]:
    record: dict[str, object] = {
        "label": detection.label.name,
        "score": round(detection.label.score, _SCORE_DECIMALS),
        "box": [round(edge, _BOX_DECIMALS) for edge in detection.box.corners],
    }
    if detection.track is not None:
        record["track"] = detection.track
    return record


def embedding_blob(embedding: Embedding | None) -> bytes | None:
    """float16 values, little-endian."""
    return None if embedding is None else embedding.vector.astype("<f2").tobytes()


def picture_blob(picture: Picture | None) -> bytes | None:
    """The picture as a PNG file, lossless."""
    if picture is None:
        return None
    import cv2

    _, png = cv2.imencode(".png", np.ascontiguousarray(picture.image[:, :, ::-1]))
    return png.tobytes()


def picture_of(blob: bytes) -> UInt8Array:
    """The picture of `picture_blob`: uint8 RGB [H, W, 3]."""
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
