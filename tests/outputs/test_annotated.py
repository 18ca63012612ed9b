"""The thread that draws copies: ahead of the end, in the end, and not at all where a source has failed."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.annotator import Annotator
from mediaml.outputs.render.artist import Artist
from tests.support.media.annotated_clips import pictures_of
from tests.support.output_folder import FRAMES, SLICE_S, House


@pytest.fixture
def settled() -> queue.Queue[Rendered]:
    return queue.Queue()


@pytest.fixture
def annotator(house: House, settled: queue.Queue[Rendered]) -> Iterator[Annotator]:
    made = Annotator(
        house.ledger.folder,
        Limits(),
        slice_s=SLICE_S,
        began=lambda source: None,
        settled=settled.put,
        step=lambda: None,
    )
    yield made
    made.close()
    made.close()


def wait_for_segment(house: House, number: int) -> None:
    until = time.monotonic() + 30
    while f"{number:06}.json" not in house.segments:
        assert time.monotonic() < until, f"segment {number} was not drawn within 30 s"
        time.sleep(0.01)


def test_slices_are_drawn_ahead_as_far_as_they_are_answered(
    house: House, annotator: Annotator, settled: queue.Queue[Rendered]
) -> None:
    model = house.model("one")
    house.answer(model, only=0)
    annotator.advance(house.row, 0)
    wait_for_segment(house, 0)
    for number in (1, 2):
        house.answer(model, only=number)
    annotator.advance(house.row, 1)
    annotator.advance(house.row, 2)
    wait_for_segment(house, 2)
    assert len(house.segments) == 6
    house.answer(model, only=3)
    annotator.submit(house.row, house.target)
    drawn = settled.get(timeout=30)
    assert drawn == Rendered(house.row, house.target)
    assert len(pictures_of(house.target)) == FRAMES
    annotator.drop([house.id], wait=True)
    assert not house.segments


def test_what_fails_ahead_is_told_in_the_end(
    house: House, annotator: Annotator, settled: queue.Queue[Rendered]
) -> None:
    house.answer(house.model("one"))
    house.given.path.unlink()
    annotator.advance(house.row, 0)
    annotator.advance(house.row, 1)
    annotator.submit(house.row, house.target)
    failure = settled.get(timeout=30).failure
    assert failure and failure.stage == "write" and "clip.mkv" in failure.message


def test_a_source_that_failed_is_dropped_at_once(
    house: House, annotator: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.answer(house.model("one"))
    asked: list[int] = []
    draw = Artist.draw

    def slowly(artist: Artist, source: object, number: int) -> int | None:
        asked.append(number)
        time.sleep(0.3)
        return draw(artist, source, number)  # type: ignore[arg-type]

    monkeypatch.setattr(Artist, "draw", slowly)
    annotator.advance(house.row, 3)
    while not asked:
        time.sleep(0.01)
    annotator.drop([house.id], wait=True)
    annotator.advance(house.row, 3)
    annotator.drop([house.id], wait=True)
    assert asked == [0] and not house.segments
    assert not (house.ledger.folder / ".segments").exists()


def test_a_run_that_ends_keeps_what_is_whole(
    house: House, annotator: Annotator, settled: queue.Queue[Rendered]
) -> None:
    house.answer(house.model("one"))
    annotator.advance(house.row, 3)
    wait_for_segment(house, 1)
    annotator.submit(house.row, house.target)
    annotator.close()
    kept = house.segments
    assert "000001.json" in kept
    assert all(name.endswith((".h264", ".json")) for name in kept)
    assert house.row.kind is Kind.VIDEO
