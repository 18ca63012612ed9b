"""Quantises a model with frames of the user, and compares it with what it was before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.app.choose import choose_models
from mediaml.core.errors import ModelError, NoInputsError
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.core.prediction import Prediction
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_kind
from mediaml.onnx.providers import parse_device
from mediaml.onnx.quantize import Feeds, quantize, recording
from mediaml.onnx.session import Session, open_session
from mediaml.onnx.trial import times_in_turns
from mediaml.ops.matching import match_boxes
from mediaml.pipeline.direct import predict_frames
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import load_model, resolve_model
from mediaml.registry.entry_points import Offer

_EVERY_S = 1.0
_MIN_IOU = 0.5
_CPU = parse_device("cpu")


@dataclass(frozen=True, slots=True)
class Quantized:
    """The outcome.

    Attributes:
        frames: that calibrated. compared: frames that did not, on which both were compared.
        heads: nodes that stay in float.
        measure: what `agreement` is. agreement: with the answers before, 0..1.
        ms, before_ms: shortest time of one batch on the CPU, milliseconds.
        bytes, before_bytes: of the files.
    """

    frames: int
    compared: int
    heads: int
    measure: str
    agreement: float
    ms: float
    before_ms: float
    bytes: int
    before_bytes: int


def quantize_model(
    offer: Offer,
    weights: str | None,
    folder: Path,
    target: Path,
    *,
    frames: int,
    obtain: Callable[[str], Path],
    say: Callable[[str], None],
) -> Quantized:
    """Calibrate on every other frame of a folder, write the int8 file, and compare both on the others.

    Args:
        offer: the model whose plugin prepares frames. weights: as after `-m`.
        folder: of images and videos. frames: the most that are read.
        target: the ONNX file to write. obtain: see `resolve_model`. say: shows one line.

    Raises:
        NoInputsError: the folder holds fewer than two frames that can be read.
        ModelError: the model has several graphs, or one that cannot be quantised.
    """
    chosen = choose_models([offer], [] if weights is None else [weights])[0]
    resolved = resolve_model(chosen, obtain)
    found = sample_frames(folder, frames, offer.spec.kinds)
    calibrating, held = found[::2], found[1::2]
    if not held:
        raise NoInputsError(
            f"{folder} holds {len(found)} frames that can be read.", "Name a folder with more."
        )
    kept: list[Feeds] = []
    paths: list[Path] = []

    def recorded(path: Path) -> Session:
        paths.append(path)
        return recording(open_session(path, _CPU), kept)

    before = load_model(resolved, _CPU, warn=say, opener=recorded)
    say(f"calibrating on {len(calibrating)} frames")
    predict_frames(before, calibrating)
    if len(set(paths)) != 1 or not kept:
        raise ModelError(f"{offer.spec.name} runs {len(set(paths))} graphs; only one can be quantised.")
    feeds, source = list(kept), paths[0]
    heads = quantize(source, target, feeds)
    say(f"comparing on {len(held)} frames")
    expected = predict_frames(before, held)
    after = load_model(resolved, _CPU, warn=say, opener=lambda _: open_session(target, _CPU))
    measure, agreement = agreement_of(predict_frames(after, held), expected)
    ms, before_ms = _times(target, source, feeds[0])
    sizes = target.stat().st_size, source.stat().st_size
    return Quantized(len(calibrating), len(held), heads, measure, agreement, ms, before_ms, *sizes)


def sample_frames(folder: Path, most: int, kinds: frozenset[Kind]) -> list[Frame]:
    """The first frame of every image, and one frame a second of videos, spread over all files."""
    found: list[list[Frame]] = []
    for source in scan(Selection((str(folder),))):
        kind = None if source.problem or not isinstance(source.path, Path) else _kind(source.path)
        if kind in kinds and kind in (Kind.IMAGE, Kind.VIDEO):
            frames = _frames(source.path, kind, most)
            found += [frames] if frames else []
    # One of each file, then the second of each, ...
    turns = [row[at] for at in range(most) for row in found if at < len(row)]
    return turns[:most]


def _kind(path: Path) -> Kind | None:
    try:
        return sniff_kind(path)
    except Exception:  # noqa: BLE001  a file that cannot be read calibrates nothing
        return None


def _frames(path: Any, kind: Kind, most: int) -> list[Frame]:
    frames: list[Frame] = []
    try:
        with open_reader(path, kind) as reader:
            for frame in reader.frames():
                if not frames or frame.time_s >= frames[-1].time_s + _EVERY_S:
                    frames.append(frame)
                if kind is Kind.IMAGE or len(frames) == most:
                    break
    except Exception:  # noqa: BLE001  what was read of it counts
        return frames
    return frames


def agreement_of(found: Sequence[Prediction], expected: Sequence[Prediction]) -> tuple[str, float]:
    """How far answers agree with earlier ones, and what that is.

    Boxes: twice the pairs of one class with an overlap of at least a half, by the number of boxes. Labels:
    the share of frames with the same first label. Vectors: their mean cosine.
    """
    if any(one.embedding is not None for one in expected):
        cosines = [
            float(np.dot(now.embedding.vector, then.embedding.vector))
            / float(np.linalg.norm(now.embedding.vector) * np.linalg.norm(then.embedding.vector))
            for now, then in zip(found, expected, strict=True)
            if now.embedding is not None and then.embedding is not None
        ]
        return "mean cosine of the vectors", float(np.mean(cosines))
    if any(one.labels for one in expected):
        same = [_first(now) == _first(then) for now, then in zip(found, expected, strict=True)]
        return "same first label", float(np.mean(same))
    pairs = sum(_pairs(now, then) for now, then in zip(found, expected, strict=True))
    boxes = sum(len(one.detections) for one in (*found, *expected))
    return "same boxes", 2 * pairs / boxes if boxes else 1.0


def _first(prediction: Prediction) -> str:
    return max(prediction.labels, key=lambda label: label.score).name if prediction.labels else ""


def _pairs(found: Prediction, expected: Prediction) -> int:
    if not found.detections or not expected.detections:
        return 0
    names = sorted({one.label.name for one in (*found.detections, *expected.detections)})
    sides = [
        (
            np.array([one.box.corners for one in side.detections], np.float32),
            np.array([names.index(one.label.name) for one in side.detections], np.int64),
        )
        for side in (found, expected)
    ]
    return len(match_boxes(sides[0][0], sides[1][0], _MIN_IOU, (sides[0][1], sides[1][1])).left)


def _times(one: Path, other: Path, feeds: Feeds) -> tuple[float, float]:
    """Shortest times of two graphs on the CPU, in turns, milliseconds."""
    first, second = (open_session(path, _CPU) for path in (one, other))
    return times_in_turns(lambda: first.run(feeds), lambda: second.run(feeds))
