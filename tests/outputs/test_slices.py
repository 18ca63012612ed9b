"""AnnotatedMedia drawn slice by slice from a ledger: what is missing or stale is drawn, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.core.prediction import Label, Picture, Prediction
from mediaml.core.work import FrameAnswer, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.media.video.reader import VideoReader
from mediaml.ops.palette import color_of
from mediaml.outputs.render.artist import StoppedError, remove_segments, segments_folder
from tests.support.media.annotated_clips import box_of, pictures_of, square_at
from tests.support.output_folder import FRAMES, SLICE_S, House


def check_boxes(target: Path) -> None:
    pictures = pictures_of(target)
    assert len(pictures) == FRAMES
    for index, image in enumerate(pictures):
        assert abs(box_of(image)[0] - (square_at(index)[0] - 8)) <= 1, index


def test_slices_are_drawn_as_they_come_and_joined_in_the_end(house: House) -> None:
    model = house.model("one")
    with house.artist() as artist:
        for number in range(4):
            house.answer(model, only=number)
            assert artist.draw(house.row, number) == (number + 1 if number < 3 else None)
        before = house.segments
        assert sorted(before) == [f"{number:06}.{kind}" for number in range(4) for kind in ("h264", "json")]
        assert artist.draw(house.row, 2) == 3
        assert house.segments == before
        assert artist.finish(house.row, house.target) == ()
    check_boxes(house.target)
    assert house.segments == before
    assert not list(house.ledger.folder.rglob("*.part"))
    remove_segments(house.ledger.folder, [house.id])
    assert not (house.ledger.folder / ".segments").exists()


def test_a_second_artist_draws_only_what_is_missing_and_ends_with_the_same_bytes(house: House) -> None:
    house.answer(house.model("one"))
    with house.artist() as artist:
        artist.finish(house.row, house.target)
    undisturbed = house.target.read_bytes()
    house.target.unlink()
    remove_segments(house.ledger.folder, [house.id])
    with house.artist() as first:
        first.draw(house.row, 0)
        first.draw(house.row, 1)
    before = house.segments
    with house.artist() as second:
        second.draw(house.row, 2)
        assert {name: house.segments[name] for name in before} == before
        second.finish(house.row, house.target)
    assert house.target.read_bytes() == undisturbed


def test_a_slice_is_drawn_anew_where_what_is_drawn_has_changed(house: House) -> None:
    one, two = house.model("one"), house.model("two")
    house.answer(one)

    def late(frame: Frame) -> Prediction:
        found = frame.time_s >= 3 * SLICE_S
        return Prediction(labels=(Label("late", 0.9),)) if found else Prediction()

    with house.artist() as artist:
        for number in range(4):
            artist.draw(house.row, number)
        before = house.segments
        house.answer(two, late)
        for number in range(4):
            artist.draw(house.row, number)
        changed = {name for name, when in house.segments.items() if when != before[name]}
        assert changed == {"000003.h264", "000003.json"}
    os.utime(str(house.given.path), ns=(7, 7))
    house.ledger.add_source(replace(house.given, mtime_ns=7), Kind.VIDEO)
    house.answer(one)
    before = house.segments
    with house.artist() as artist:
        artist.draw(house.row, 1)
    assert {name for name, when in house.segments.items() if when != before[name]} == {
        "000001.h264",
        "000001.json",
    }


def test_pictures_that_come_late_change_the_slices_before_them(house: House) -> None:
    one, two = house.model("one"), house.model("two")
    house.answer(one)
    with house.artist() as artist:
        artist.draw(house.row, 0)
        before = house.segments

        def negative(frame: Frame) -> Prediction:
            return Prediction(picture=Picture(255 - frame.image)) if frame.time_s > 0.9 else Prediction()

        house.answer(two, negative)
        artist.draw(house.row, 2)
        artist.draw(house.row, 0)
        assert all(house.segments[name] != when for name, when in before.items())
        artist.finish(house.row, house.target)
    pictures = pictures_of(house.target)
    assert pictures[0][70, 150].mean() == pytest.approx(90, abs=8)
    assert pictures[-1][70, 150].mean() == pytest.approx(165, abs=8)


def test_windows_of_sound_are_drawn_on_no_frame(house: House) -> None:
    heard = house.model("heard", "classify")
    answers = tuple(
        FrameAnswer(index, index * 0.2, 1.5, Prediction(labels=(Label("seven", 0.9),))) for index in range(8)
    )
    house.answer(house.model("one"))
    with house.artist() as artist:
        artist.draw(house.row, 0)
        before = house.segments
        house.ledger.commit([record_of(TaskResult(Task(house.id, heard, 0), answers))])
        artist.draw(house.row, 0)
        assert house.segments == before


def test_a_source_that_nobody_answered_in_full_is_copied_whole(house: House) -> None:
    house.answer(house.model("one"), only=1)
    with house.artist() as artist:
        artist.finish(house.row, house.target)
    assert len(pictures_of(house.target)) == FRAMES


def test_a_spoilt_segment_is_drawn_again(house: House) -> None:
    house.answer(house.model("one"))
    with house.artist() as artist:
        for number in range(4):
            artist.draw(house.row, number)
        stream = segments_folder(house.ledger.folder, house.id) / "000001.h264"
        data = stream.read_bytes()
        stream.write_bytes(data[:-9] + bytes(9))
        artist.finish(house.row, house.target)
    check_boxes(house.target)


def test_frames_of_a_seek_that_nobody_answered_are_read_from_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a seek into a damaged file a decoder may give other frames than it gave to the models."""
    house.answer(house.model("one"))
    with house.artist() as artist:
        artist.finish(house.row, house.target)
    undisturbed = house.target.read_bytes()
    remove_segments(house.ledger.folder, [house.id])
    whole = VideoReader.frames
    starts: list[float] = []

    def damaged(reader: VideoReader, start_s: float = 0.0, **rest: bool) -> Iterator[Frame]:
        starts.append(start_s)
        for frame in whole(reader, start_s, **rest):
            if not start_s or round(frame.time_s * 25) != 25:
                yield frame

    monkeypatch.setattr(VideoReader, "frames", damaged)
    with house.artist() as artist:
        artist.draw(house.row, 2)
        assert [start > 0 for start in starts] == [True, False]
        artist.draw(house.row, 3)
        assert len(starts) == 2
        artist.finish(house.row, house.target)
    assert house.target.read_bytes() == undisturbed


def test_a_stop_keeps_whole_slices_only(house: House) -> None:
    house.answer(house.model("one"))
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 25

    with house.artist(stopped) as artist, pytest.raises(StoppedError):
        artist.finish(house.row, house.target)
    assert set(house.segments) == {f"{number:06}.{kind}" for number in (0, 1) for kind in ("h264", "json")}
    assert not house.target.exists()


def test_a_source_that_is_gone_is_told(house: House) -> None:
    house.answer(house.model("one"))
    house.given.path.unlink()
    with house.artist() as artist, pytest.raises(MediaError, match=r"clip\.mkv"):
        artist.finish(house.row, house.target)


def test_segments_of_other_sources_stay(tmp_path: Path) -> None:
    for source in (1, 2, 3):
        segments_folder(tmp_path, source).mkdir(parents=True)
    remove_segments(tmp_path, [1, 3, 4])
    assert [path.name for path in (tmp_path / ".segments").iterdir()] == ["2"]
    remove_segments(tmp_path, [2])
    remove_segments(tmp_path, [2])
    assert not (tmp_path / ".segments").exists()


def test_the_boxes_of_a_second_detector_are_dashed_where_the_first_finds_nothing_too(house: House) -> None:
    house.answer(house.model("first"), lambda frame: Prediction())
    house.answer(house.model("second"))
    with house.artist() as artist:
        artist.finish(house.row, house.target)
    x, y = square_at(0)
    side = pictures_of(house.target)[0][y - 8 : y + 32, x - 8 : x - 6].astype(int)
    drawn = np.abs(side - np.array(color_of("target"))).sum(axis=2).max(axis=1) < 120
    assert 0.3 < drawn.mean() < 0.8
    assert drawn[:6].all()
