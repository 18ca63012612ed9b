"""A file that is replaced while its copy is drawn: no boxes of one film on another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediaml.core.errors import ChangedError
from mediaml.core.media import Kind
from mediaml.core.work import Source
from mediaml.media.files import FileWatch
from mediaml.media.limits import Limits
from mediaml.outputs.render.annotator import draw_copy
from tests.support.media.annotated_clips import write_clip
from tests.support.media.files import write_image
from tests.support.output_folder import House


def replace(house: House) -> None:
    """Put another film in the place of the source, as a recorder or a sync program does."""
    path = house.given.path
    assert isinstance(path, Path)
    other = write_clip(path.with_name("other.mkv"), ticks=range(8))
    other.replace(path)


def test_replaced_before_it_is_drawn(house: House) -> None:
    house.answer(house.model("one"))
    replace(house)
    with house.artist() as artist:
        drawn = draw_copy(artist, house.ledger.folder, house.row, house.target, Limits())
    assert drawn.failure is not None
    assert drawn.failure.type == ChangedError.__name__
    assert str(house.given.path) in drawn.failure.message
    assert not house.target.exists()
    assert not house.segments


@pytest.mark.parametrize("frames", [1, 15, 39, 45])
def test_replaced_while_it_is_drawn_or_joined(house: House, frames: int) -> None:
    house.answer(house.model("one"))
    seen = 0

    def stopped() -> bool:
        nonlocal seen
        seen += 1
        if seen == frames:
            replace(house)
        return False

    with house.artist(stopped) as artist, pytest.raises(ChangedError, match="has changed since"):
        artist.finish(house.row, house.target)
    assert not house.target.exists()


def test_an_image_that_was_replaced(house: House, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    write_image(image, 40, 30)
    status = image.stat()
    source = Source(image, "a.png", "a.png", status.st_size, status.st_mtime_ns, True)
    house.id = house.ledger.add_source(source, Kind.IMAGE)
    write_image(image, 60, 30)
    with house.artist() as artist:
        drawn = draw_copy(artist, house.ledger.folder, house.row, tmp_path / "copy.png", Limits())
    assert drawn.failure is not None
    assert drawn.failure.type == ChangedError.__name__
    assert not (tmp_path / "copy.png").exists()


def test_the_same_bytes_in_another_file_are_another_file(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"abc")
    watch = FileWatch(path)
    watch.check()
    other.write_bytes(b"abc")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.replace(path)
    with pytest.raises(ChangedError):
        watch.check()
