"""Label tracks: what is present when, one file per video or audio file and model.

WebVTT (https://www.w3.org/TR/webvtt1/) and SubRip subtitles, label files of Audacity
(https://manual.audacityteam.org/man/importing_and_exporting_labels.html) and selection tables of Raven.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.text import escape_control
from mediaml.core.view import least_score
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.ops.intervals import Merging, intervals
from mediaml.outputs.export.images import Names
from mediaml.outputs.export.options import ExportOptions


@dataclass(frozen=True, slots=True)
class TimedLabel:
    """A class and when it is present, seconds; the highest score within."""

    start_s: float
    end_s: float
    label: str
    score: float


@dataclass(slots=True)
class _Seen:
    """The frames in which a class was seen."""

    starts: array[float] = field(default_factory=lambda: array("d"))
    ends: array[float] = field(default_factory=lambda: array("d"))
    scores: array[float] = field(default_factory=lambda: array("d"))


Track = Callable[[Sequence[TimedLabel], SourceRow], str]
"""Makes the text of a file."""


def write_tracks(suffix: str, track: Track, results: Results, target: Path, options: ExportOptions) -> None:
    """Write a file per source and model into the folder `target`.

    Args:
        suffix: of the files. track: makes their text.

    Raises:
        OutputError: there is no video or audio, or the files cannot be written.
    """
    models = [row for row in results.models() if row.identity.task not in ("embed", "transform")]
    several, names, written = len({row.name for row in models}) > 1, Names(), 0
    for source in results.sources():
        if source.kind not in (Kind.VIDEO, Kind.AUDIO):
            continue
        of_source = {row.id for row in results.models_of(source.id)}
        stem = names.of(source.name)
        for model in models:
            if model.id in of_source:
                found = timed_labels(results, source, model, options.merging)
                path = target / _file_name(stem, model.name if several else "", suffix)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(track(found, source), encoding="utf-8", newline="")
                written += 1
    if not written:
        raise OutputError(
            f"{results.folder} holds no results of video or audio, and label tracks are spans of time.",
            "Images have none; export them as csv, for instance.",
        )


def _file_name(source_name: str, model: str, suffix: str) -> str:
    """`a/b.vtt`, or `a/b.yolo.vtt` where several models have results."""
    stem = str(PurePosixPath(source_name).with_suffix(""))
    return f"{stem}{f'.{model}' if model else ''}{suffix}"


def timed_labels(results: Results, source: SourceRow, model: ModelRow, merging: Merging) -> list[TimedLabel]:
    """When each class is present in one source, by start and class.

    A class is present in a frame with the highest score of its labels and detections there. Between the
    score of `merging.release` and that of the model's view an interval goes on, but does not begin.
    """
    threshold = model.view.min_score
    lowest = threshold if merging.release is None else min(merging.release, threshold)
    seen: dict[str, _Seen] = {}
    for frame in results.frames(model, source, replace(model.view, min_score=lowest)):
        best: dict[str, float] = {}
        found = frame.prediction
        for label in (*found.labels, *(one.label for one in found.detections)):
            best[label.name] = max(label.score, best.get(label.name, 0.0))
        for name, score in best.items():
            one = seen.setdefault(name, _Seen())
            one.starts.append(frame.time_s)
            one.ends.append(frame.time_s + frame.duration_s)
            one.scores.append(score)
    end_s = source.info.duration_s if source.info else None
    merging = replace(merging, release=least_score(lowest))
    timed = [
        TimedLabel(span.start_s, span.end_s, name, span.score)
        for name, one in seen.items()
        for span in intervals(one.starts, one.ends, one.scores, least_score(threshold), merging, end_s)
    ]
    return sorted(timed, key=lambda one: (one.start_s, one.end_s, one.label))


def vtt(labels: Sequence[TimedLabel], _: SourceRow) -> str:
    """A WebVTT file: a cue per interval."""
    cues = [
        f"{times}\n{_one_line(one.label).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}\n\n"
        for times, one in _cue_times(labels, ".")
    ]
    return "WEBVTT\n\n" + "".join(cues)


def srt(labels: Sequence[TimedLabel], _: SourceRow) -> str:
    """A SubRip file: a numbered subtitle per interval."""
    cues = [
        f"{number}\n{times}\n{_one_line(one.label)}\n\n"
        for number, (times, one) in enumerate(_cue_times(labels, ","), 1)
    ]
    return "".join(cues)


def audacity(labels: Sequence[TimedLabel], _: SourceRow) -> str:
    """A label file of Audacity: start, end and label, separated by tabs."""
    return "".join(f"{one.start_s:.6f}\t{one.end_s:.6f}\t{_one_line(one.label)}\n" for one in labels)


def raven(labels: Sequence[TimedLabel], source: SourceRow) -> str:
    """A selection table of Raven; a selection spans all frequencies of the file."""
    rate = source.info.sample_rate if source.info else None
    columns = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"]
    band = [] if rate is None else ["0.0", f"{rate / 2:.1f}"]
    columns += ["Low Freq (Hz)", "High Freq (Hz)"] if band else []
    lines = ["\t".join([*columns, "Annotation", "Score"])]
    for number, one in enumerate(labels, 1):
        times = [f"{one.start_s:.6f}", f"{one.end_s:.6f}"]
        cells = [str(number), "Spectrogram 1", "1", *times, *band, _one_line(one.label), f"{one.score:.5f}"]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


write_vtt = partial(write_tracks, ".vtt", vtt)
write_srt = partial(write_tracks, ".srt", srt)
write_audacity = partial(write_tracks, ".txt", audacity)
write_raven = partial(write_tracks, ".selections.txt", raven)


def _one_line(label: str) -> str:
    return " ".join(escape_control(label, "\n\t").split()) or "-"


def _cue_times(labels: Sequence[TimedLabel], mark: str) -> Iterator[tuple[str, TimedLabel]]:
    """`00:00:01.000 --> 00:00:02.500`, at least a millisecond long."""
    for one in labels:
        start = round(one.start_s * 1000)
        end = max(round(one.end_s * 1000), start + 1)
        yield f"{_clock(start, mark)} --> {_clock(end, mark)}", one


def _clock(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{rest:03d}"
