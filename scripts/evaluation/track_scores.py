"""HOTA, IDF1 and identity switches by TrackEval, the code of HOTA's authors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.ops.boxes import iou_matrix
from scripts.evaluation.scene import Frames


@dataclass(frozen=True, slots=True)
class TrackScores:
    """How well objects were followed, 0..1, and how often one got another number."""

    hota: float
    idf1: float
    switches: int
    tracks: int


def track_scores(truth: Frames, found: Frames) -> TrackScores:
    """Score tracks against the truth, frame by frame: HOTA is the mean over thresholds, IDF1 at IoU 0.5."""
    from trackeval.metrics import CLEAR, HOTA, Identity

    data = _data(truth, found)
    quiet = {"PRINT_CONFIG": False}
    hota = HOTA().eval_sequence(data)
    identity = Identity(quiet).eval_sequence(data)
    clear = CLEAR(quiet).eval_sequence(data)
    return TrackScores(
        round(float(np.mean(hota["HOTA"])), 3),
        round(float(identity["IDF1"]), 3),
        int(clear["IDSW"]),
        data["num_tracker_ids"],
    )


def _data(truth: Frames, found: Frames) -> dict[str, Any]:
    """What TrackEval's metrics take: numbers from 0 without gaps, and the overlaps of each frame."""
    true_ids, found_ids = _dense(truth), _dense(found)
    return {
        "gt_ids": true_ids,
        "tracker_ids": found_ids,
        "similarity_scores": [
            iou_matrix(one.astype(np.float32), other.astype(np.float32))
            for (_, one), (_, other) in zip(truth, found, strict=True)
        ],
        "num_gt_ids": _number(true_ids),
        "num_tracker_ids": _number(found_ids),
        "num_gt_dets": sum(map(len, true_ids)),
        "num_tracker_dets": sum(map(len, found_ids)),
        "num_timesteps": len(truth),
    }


def _dense(frames: Frames) -> list[NDArray[np.int64]]:
    known = np.unique(np.concatenate([ids for ids, _ in frames]))
    return [np.searchsorted(known, ids) for ids, _ in frames]


def _number(frames: list[NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(frames)))
