"""From arguments to files: order, filters, links, odd names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import NoInputsError, UsageError
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.patterns import natural_key
from mediaml.pipeline.typed_paths import read_list


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of files; the working directory is above it."""
    for name in ("p/b/2.jpg", "p/b/10.jpg", "p/a.jpg", "p/c/deep/é 汉.jpg", "p/notes.txt", "p/.hidden/x.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*arguments: str, **fields: object) -> list[str]:
    return [source.shown for source in scan(Selection(arguments, **fields))]


def test_folders_are_entered_in_natural_order(tree):
    everything = ["p/a.jpg", "p/notes.txt", "p/b/2.jpg", "p/b/10.jpg", "p/c/deep/é 汉.jpg"]
    assert shown("p") == everything
    assert shown(str(tree / "p")) == [str(tree / name) for name in everything]
    assert shown("p", recursive=False) == ["p/a.jpg", "p/notes.txt"]


def test_filters_and_patterns(tree):
    assert shown("p", include=("*.jpg",), exclude=("b/*",)) == ["p/a.jpg", "p/c/deep/é 汉.jpg"]
    assert shown("p/**/*.jpg") == ["p/a.jpg", "p/b/2.jpg", "p/b/10.jpg", "p/c/deep/é 汉.jpg"]
    assert shown("p", omit=Path("p/b")) == ["p/a.jpg", "p/notes.txt", "p/c/deep/é 汉.jpg"]


def test_a_file_comes_once_and_keeps_its_place(tree):
    assert shown("p/b/10.jpg", "p", str(tree / "p/a.jpg"))[:3] == ["p/b/10.jpg", "p/a.jpg", "p/notes.txt"]
    names = [source.name for source in scan(Selection(("p/b/10.jpg", "p")))]
    assert names[:3] == ["10.jpg", "p/a.jpg", "p/notes.txt"]


def test_a_loop_of_links_ends(tree):
    (tree / "p/b/up").symlink_to(tree / "p")
    assert len(shown("p")) == 5


def test_a_missing_file_goes_on_by_name_beside_others_and_ends_the_run_alone(tree):
    found = list(scan(Selection(("missing.mp4", "p/a.jpg"))))
    assert [(source.shown, source.size) for source in found] == [("missing.mp4", 0), ("p/a.jpg", 1)]
    with pytest.raises(NoInputsError, match=r"missing\.mp4"):
        shown("missing.mp4")
    with pytest.raises(NoInputsError, match=r"\*\.gif"):
        shown("p/*.gif")
    with pytest.raises(UsageError):
        shown("a\0b")


def test_names_that_would_break_a_terminal_or_json_are_escaped(tree):
    (tree / "p/b/new\nline\x1b.jpg").write_bytes(b"x")
    Path(os.fsdecode(b"p/b/bad\xff.jpg")).write_bytes(b"x")
    names = shown("p/b")
    assert r"p/b/new\x0aline\x1b.jpg" in names
    assert r"p/b/bad\xff.jpg" in names


def test_a_name_with_pattern_characters_is_a_file_when_it_exists(tree):
    (tree / "p/[1].jpg").write_bytes(b"x")
    assert shown("p/[1].jpg") == ["p/[1].jpg"]


def test_lists_hold_one_path_a_line():
    assert read_list(b"a b.jpg\n\n c.jpg\r\n") == ("a b.jpg", " c.jpg")


@given(st.lists(st.text(), max_size=20))
def test_the_natural_order_is_total_and_stable(names):
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_key) == sorted(names, key=natural_key)


def test_numbers_count_as_numbers():
    assert sorted(["f10", "f9", "F1", "f09"], key=natural_key) == ["F1", "f09", "f9", "f10"]
