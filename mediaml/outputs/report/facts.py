"""The facts of a report as plain values for the page's script: models, runs, sources, failures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mediaml import __version__
from mediaml.core.prediction import COCO_SKELETON
from mediaml.core.text import counted, escape_control
from mediaml.ledger.encoding import view_record
from mediaml.ledger.result_rows import FailureRow
from mediaml.ops.palette import color_of
from mediaml.ops.yuv import Rgb
from mediaml.outputs.report.contents import Bounds, Contents, Item
from mediaml.outputs.report.findings import FULL, SCORE_STEPS
from mediaml.outputs.report.pictures import Pictures
from mediaml.outputs.report.places import href

_MISSING = {
    "missing": "The file is not where it was; --root says where it is now.",
    "changed": "The file has changed since it was read; it is not shown.",
    "url": "Read from a URL; not shown.",
}


def facts(
    contents: Contents,
    pictures: Mapping[int, Pictures],
    page_folder: Path,
    chosen_score: float | None,
) -> dict[str, Any]:
    """All facts, as values that JSON has."""
    header = contents.header
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "folder": _text(contents.folder.absolute().name),
        "units": {"score": SCORE_STEPS, "edge": FULL},
        "skeleton": COCO_SKELETON,
        "threshold": chosen_score,
        "tracks": contents.findings.has_tracks,
        "counts": contents.counts,
        "classes": [{"name": _text(name), "color": _hex(color_of(name))} for name in contents.classes],
        "models": _models(contents, header),
        "runs": [
            {
                "started": run.started_at,
                "finished": run.finished_at,
                "frames": run.frames,
                "seconds": run.seconds,
            }
            for run in contents.runs
        ],
        "versions": {key: _text(str(value)) for key, value in header.get("versions", {}).items()},
        "series": [
            [one.source, one.model, one.first, one.count, one.audio] for one in contents.findings.series
        ],
        "sources": [
            _source(item, pictures.get(item.row.id, Pictures()), page_folder) for item in contents.items
        ],
        "notes": _notes(contents.bounds, contents.findings.points_left_out),
    }


def _text(text: str) -> str:
    """Text that is safe to show: no control characters, nothing that turns the direction of writing."""
    return escape_control(text)


def _hex(color: Rgb) -> str:
    return f"#{bytes(color).hex()}"


def _models(contents: Contents, header: Mapping[str, Any]) -> list[dict[str, Any]]:
    devices, precisions = header.get("devices", {}), header.get("weight_precisions", {})
    return [
        {
            "name": _text(model.name),
            "task": model.identity.task,
            "plugin": _text(f"{model.identity.distribution} {model.identity.version}"),
            "weights": _text(model.identity.weights),
            "sha256": model.identity.weights_sha256,
            "options": {_text(name): _text(str(value)) for name, value in model.options.items()},
            "view": {name: _text(str(value)) for name, value in view_record(model.view).items()},
            "devices": [_text(str(device)) for device in devices.get(model.name, ())],
            "precision": _text(str(precisions.get(model.name, ""))),
            "least": model.view.min_score,
        }
        for model in contents.models
    ]


def _source(item: Item, pictures: Pictures, page_folder: Path) -> dict[str, Any]:
    info, place = item.row.info, item.place
    record: dict[str, Any] = {
        "name": _text(item.row.shown),
        "kind": item.row.kind,
        "state": place.state,
        "bytes": item.stamp.size,
        "end": round(item.end_s, 4),
        "notes": _source_notes(item, pictures),
    }
    if place.path is not None and place.state == "here":
        record["href"] = href(place.path, page_folder)
    if info is not None:
        optional = {"width": info.width, "height": info.height, "codec": info.codec, "rate": _rate(item)}
        record |= {name: value for name, value in optional.items() if value is not None}
    if pictures.frames:
        record["thumbs"] = [[round(time_s, 4), url] for time_s, url in pictures.frames]
        times = [abs(time_s - item.best) for time_s, _ in pictures.frames]
        record["poster"] = times.index(min(times))
    if pictures.strip:
        record["strip"] = pictures.strip
    if item.failures:
        record["failures"] = list(map(_failure, item.failures))
    return record


def _rate(item: Item) -> float | None:
    rate = item.row.info.frame_rate if item.row.info else None
    return None if rate is None else round(float(rate), 3)


def _failure(row: FailureRow) -> dict[str, Any]:
    message, _, hint = row.failure.message.partition("\n")
    # Most messages begin with the file's path; the page shows its name beside them.
    message = _text(message).removeprefix(_text(str(row.source.path))).lstrip(": ")
    return {
        "part": _text(row.part),
        "stage": row.failure.stage,
        "type": _text(row.failure.type),
        "message": message,
        "hint": _text(hint.replace("\n", " ")),
    }


def _source_notes(item: Item, pictures: Pictures) -> list[str]:
    notes = [_MISSING[item.place.state]] if item.place.state in _MISSING else []
    if item.damage is not None:
        parts = counted(item.damage.corrupt, "damaged part")
        notes.append(f"{parts}; {counted(item.damage.decoded, 'frame')} could be decoded.")
    if pictures.problem:
        notes.append(f"No thumbnail: {_text(pictures.problem)}")
    return notes


def _notes(bounds: Bounds, shapes: int) -> list[str]:
    """What is left out of the page, one sentence each."""
    notes = []
    if bounds.floor > 0:
        below = f"{bounds.floor:.2f}" if bounds.floor < 1 else "the threshold of the run"
        notes.append(f"There is much to show: scores below {below} are left out.")
    if bounds.every > 1:
        notes.append(f"Of videos and audio, 1 of {bounds.every} frames is here.")
    if shapes:
        notes.append(f"{counted(shapes, 'outline')} left out; boxes stand for them.")
    return notes
