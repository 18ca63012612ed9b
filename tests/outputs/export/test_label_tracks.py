"""Label tracks, read back by webvtt-py, srt, and crowsetta, which reads files of Audacity and Raven."""

from __future__ import annotations

import csv
import html

import pytest
import srt
import webvtt
from crowsetta.formats.bbox import Raven
from crowsetta.formats.seq import AudSeq

import mediaml
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Label, Prediction
from mediaml.core.view import View
from mediaml.ops.intervals import Merging
from tests.support.export_folder import SPOKEN, ExportFolder

TALK = [(0.0, 2.0, "yes"), (3.0, 4.0, "yes"), (4.0, 7.0, "no"), (7.0, 8.0, "yes"), (2.0, 3.0, "no")]
WALK = [(0.0, 1.0, "person"), (0.4, 0.7, "traffic light")]


def rounded(start, end, label):
    return round(float(start), 3), round(float(end), 3), label


def read_srt(path):
    subtitles = list(srt.parse(path.read_text(encoding="utf-8"), ignore_errors=False))
    assert [one.index for one in subtitles] == list(range(1, len(subtitles) + 1))
    return [rounded(one.start.total_seconds(), one.end.total_seconds(), one.content) for one in subtitles]


def read_audacity(path):
    segments = AudSeq.from_file(path).to_seq().segments
    return [rounded(one.onset_s, one.offset_s, one.label) for one in segments]


def read_raven(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["Selection"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert {row["Channel"] for row in rows} <= {"1"}
    plain = [rounded(row["Begin Time (s)"], row["End Time (s)"], row["Annotation"]) for row in rows]
    if "Low Freq (Hz)" in rows[0]:  # as in every table of audio
        boxes = Raven.from_file(path, annot_col="Annotation").to_annot().bboxes
        assert [rounded(one.onset, one.offset, one.label) for one in boxes] == plain
    return plain


READERS = {
    "srt": (".srt", read_srt),
    "audacity": (".txt", read_audacity),
    "raven": (".selections.txt", read_raven),
}


@pytest.mark.parametrize("name", READERS)
def test_labels_and_detections_become_intervals(made, tmp_path, name):
    suffix, read = READERS[name]
    folder = mediaml.export(made.folder, name, tmp_path / name, merging=Merging(gap_s=0.0))
    assert read(folder / f"in/walk.yolo{suffix}") == WALK
    found = read(folder / f"talk.spoken{suffix}")
    assert sorted(found) == sorted(TALK)
    assert found == sorted(found)
    assert not (folder / f"in/photo.yolo{suffix}").exists()


def test_webvtt_has_a_cue_per_interval(made, tmp_path):
    folder = mediaml.export(made.folder, "vtt", tmp_path / "vtt", models=["yolo"])
    cues = list(webvtt.read(str(folder / "in/walk.vtt")))
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [
        ("00:00:00.000", "00:00:01.000", "person"),
        ("00:00:00.400", "00:00:00.700", "traffic light"),
    ]


def test_hysteresis_gaps_padding_and_short_ones(made, tmp_path):
    def spans(number, **merging):
        folder = mediaml.export(
            made.folder,
            "audacity",
            tmp_path / str(number),
            models=["spoken"],
            classes=["yes"],
            merging=Merging(**merging),
        )
        return [(start, end) for start, end, _ in read_audacity(folder / "talk.txt")]

    assert spans(1, gap_s=0.0) == [(0, 2), (3, 4), (7, 8)]
    assert spans(2, gap_s=0.0, release=0.4) == [(0, 4), (7, 8)]
    assert spans(3, gap_s=1.0) == [(0, 4), (7, 8)]
    assert spans(4, gap_s=0.0, pad_s=0.25) == [(0, 2.25), (2.75, 4.25), (6.75, 8)]
    assert spans(5, gap_s=0.0, least_s=1.5) == [(0, 2)]


def test_a_raven_selection_spans_the_band_of_the_file(made, tmp_path):
    folder = mediaml.export(made.folder, "raven", tmp_path / "raven", models=["spoken"])
    with (folder / "talk.selections.txt").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {(row["Low Freq (Hz)"], row["High Freq (Hz)"]) for row in rows} == {("0.0", "8000.0")}
    assert max(float(row["Score"]) for row in rows) == pytest.approx(0.9, abs=1e-5)


def test_labels_cannot_break_a_format(tmp_path):
    odd = "a --> <b>&c\n\n2\x00\td"
    folder = ExportFolder(tmp_path / "out")
    model = folder.ledger.add_model(SPOKEN, View(0.5), (odd,))
    folder.add("talk.wav", Kind.AUDIO, [Prediction((Label(odd, 0.9),))] * 2, 1.0, model)
    folder.ledger.close()
    shown = r"a --> <b>&c 2\x00 d"
    for name, (suffix, read) in READERS.items():
        path = mediaml.export(tmp_path / "out", name) / f"talk{suffix}"
        assert read(path) == [(0.0, 2.0, shown)]
    (cue,) = webvtt.read(str(mediaml.export(tmp_path / "out", "vtt") / "talk.vtt"))
    assert html.unescape(cue.text) == shown


def test_images_alone_are_refused(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    folder.add("a.jpg", Kind.IMAGE, [Prediction((Label("person", 0.9),))])
    folder.ledger.close()
    with pytest.raises(OutputError, match="holds no results of video or audio"):
        mediaml.export(tmp_path / "out", "vtt")


def test_files_that_differ_by_suffix_keep_their_own_tracks(tmp_path):
    folder = ExportFolder(tmp_path / "out")
    for name in ("a.mp4", "a.mkv"):
        folder.add(name, Kind.VIDEO, [Prediction((Label("person", 0.9),))], 1.0)
    folder.ledger.close()
    written = mediaml.export(tmp_path / "out", "srt")
    assert {path.name for path in written.glob("*.srt")} == {"a.srt", "a~2.srt"}
