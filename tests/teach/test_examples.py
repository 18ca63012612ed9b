"""The examples of a training: folders, tables, and what cannot be learned from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaml.core.errors import UsageError
from mediaml.core.media import Kind
from mediaml.teach.examples import collect, refuse_contradictions
from tests.support.media.files import write_sound
from tests.support.trained import write_classes, write_colour


def test_a_folder_per_class(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", 3)
    write_colour(tmp_path / "set" / "red" / "deep" / "down.png", "red", 9)
    (tmp_path / "set" / "red" / "notes.txt").write_text("not a picture")
    write_colour(tmp_path / "set" / "loose.png", "red", 10)
    found = collect(tmp_path / "set")
    assert found.classes == ("green", "red")
    assert found.counts == {"green": 3, "red": 4}
    assert found.kind is Kind.IMAGE
    assert any("1 file left out: no readable" in note for note in found.notes)
    assert any("not in the folder of a class" in note for note in found.notes)


def test_a_table_with_names_that_no_folder_can_have(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", 2)
    lines = ["path,label", "set/red/0.png,a/b", "set/red/1.png,a/b", 'set/green/0.png,"c, d"']
    (tmp_path / "labels.csv").write_text("\n".join([*lines, 'set/green/1.png,"c, d"']), encoding="utf-8-sig")
    found = collect(tmp_path / "labels.csv")
    assert found.classes == ("a/b", "c, d")
    assert [item.path for item in found.items] == sorted(tmp_path.glob("set/*/*.png"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,kind", "a,b"], "no columns path and label"),
        (["path,label"], "no rows"),
        (["path,label", "a.png,"], "line 2: no label"),
        (["path,label", "missing.png,x"], r"line 2: there is no file .*missing\.png"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, lines: list[str], said: str) -> None:
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=said):
        collect(tmp_path / "labels.csv")


def test_what_cannot_be_learned_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder or CSV file"):
        collect(tmp_path / "nothing")
    with pytest.raises(UsageError, match="holds no folders"):
        collect(tmp_path)
    write_classes(tmp_path / "one", 2, ("red",))
    with pytest.raises(UsageError, match="one class, 'red'; two are needed"):
        collect(tmp_path / "one")
    write_classes(tmp_path / "pair", 1)
    with pytest.raises(UsageError, match="class 'green' has one file"):
        collect(tmp_path / "pair")
    write_classes(tmp_path / "empty", 2)
    (tmp_path / "empty" / "zero").mkdir()
    with pytest.raises(UsageError, match="class 'zero' is empty"):
        collect(tmp_path / "empty")
    (tmp_path / "empty" / "zero" / "a.txt").write_text("text")
    with pytest.raises(UsageError, match="class 'zero' has no image"):
        collect(tmp_path / "empty")


def test_images_and_audio_do_not_mix(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", 2)
    write_sound(tmp_path / "set" / "red" / "tone.wav", seconds=1)
    with pytest.raises(UsageError, match=r"mixed: .*png, .*tone\.wav"):
        collect(tmp_path / "set")


def test_the_same_file_in_two_classes(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", 2)
    (tmp_path / "set" / "green" / "again.png").write_bytes((tmp_path / "set/red/1.png").read_bytes())
    with pytest.raises(UsageError, match=r"1 file in two classes: .*again\.png and .*red/1\.png"):
        refuse_contradictions(collect(tmp_path / "set").items)


def test_too_many_are_thinned_evenly_and_the_same_ones_every_time(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", 12)
    found = collect(tmp_path / "set", most=8, seed=3)
    assert found.counts == {"green": 4, "red": 4}
    assert found == collect(tmp_path / "set", most=8, seed=3)
    assert found.items != collect(tmp_path / "set", most=8, seed=4).items
    assert found.notes == ("8 of 24 files are used, the same share of each class (--most 0: all)",)
