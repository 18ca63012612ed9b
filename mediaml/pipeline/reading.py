"""How files are read, as far as it changes what a model sees: part of the model's identity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from mediaml.core.media import Kind
from mediaml.core.sampling import ALL_FRAMES, RECORD_NAMES, Sampling
from mediaml.core.slices import SLICE_S
from mediaml.core.track import TrackChoice
from mediaml.media.limits import Limits
from mediaml.onnx.providers import Precision
from mediaml.registry.spec import ModelSpec

MARK = "@"
"""What the names of these facts begin with, beside the model's own options, whose names are identifiers."""

_PRECISION = f"{MARK}precision"


@dataclass(frozen=True, slots=True)
class ReadingChoice:
    """How the sources of a run are read.

    Attributes:
        slice_s: length of the time slices, seconds.
        track: which audio track is read.
        sampling: which frames are looked at.
    """

    slice_s: float = SLICE_S
    track: TrackChoice = field(default_factory=TrackChoice)
    sampling: Sampling = ALL_FRAMES


def reading_record(
    spec: ModelSpec, limits: Limits, track: TrackChoice, sampling: Sampling = ALL_FRAMES
) -> dict[str, Any]:
    """What differs from the defaults, as plain JSON values; empty for a run that reads files as usual."""
    record: dict[str, Any] = {}
    if Kind.AUDIO in spec.kinds and track != TrackChoice():
        record[f"{MARK}audio_track"] = str(track)
    names = ["image_frames"] if spec.kinds & {Kind.IMAGE, Kind.VIDEO} else []
    names += ["tone_map", "deinterlace"] if Kind.VIDEO in spec.kinds else []
    usual = Limits()
    for name in names:
        value = getattr(limits, name)
        if value != getattr(usual, name):
            record[f"{MARK}{name}"] = value
    applied = sampling if names else sampling.range
    return record | {f"{MARK}{name}": value for name, value in applied.record().items()}


SAMPLING_NAMES = frozenset(f"{MARK}{name}" for name in RECORD_NAMES)
"""The names of the facts that are a sampling's."""


def sampling_of(record: dict[str, Any]) -> Sampling:
    """The sampling in a ledger's record of options."""
    own = {name.removeprefix(MARK): value for name, value in record.items() if name in SAMPLING_NAMES}
    return Sampling.of_record(own)


def precision_record(precision: Precision) -> dict[str, Any]:
    """What is part of a model's identity of its precision; nothing for `exact`."""
    return {} if precision == "exact" else {_PRECISION: precision}


def recorded_precision(options: str) -> Precision:
    """The precision in an identity's record of options."""
    record = msgspec.json.decode(options, type=dict[str, Any])
    return "fast" if record.get(_PRECISION) == "fast" else "exact"


def split_reading(record: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A ledger's record of options as the model's own, and how files were read."""
    reading = {name: value for name, value in record.items() if name.startswith(MARK)}
    return {name: value for name, value in record.items() if name not in reading}, reading
