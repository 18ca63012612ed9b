"""From arguments to files: order, filters, links, odd names."""

from __future__ import annotations

import glob
import inspect
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mediaml.core.errors import NoInputsError, UsageError
from mediaml.ledger.ledger import Ledger
from mediaml.media.annotated_mark import mark_image
from mediaml.pipeline.inputs import Selection, scan
from tests.support.scans import left_out, problems, shown


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


@pytest.mark.parametrize(
    "pattern",
    ["c", "c/", "c/**", "./p/c", "p/c/", "**/c", "p/*/../c", "c*", "*/c/**", "../{name}/p/c", "{abs}/p/c/"],
)
def test_an_excluded_folder_is_not_entered(tree, monkeypatch, pattern):
    (tree / "p/b/cc").mkdir()
    (tree / "p/b/cc/z.jpg").write_bytes(b"x")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(os.fspath(path)) or scandir(path))
    found = shown("p", exclude=(pattern.format(abs=tree, name=tree.name),))
    assert "p/b/2.jpg" in found and not any(name.startswith("p/c/") for name in found)
    assert str(tree / "p/c") not in listed


def test_an_excluded_name_holds_at_any_depth_and_a_slash_means_folders(tree):
    (tree / "p/b/c").mkdir()
    (tree / "p/b/c/z.jpg").write_bytes(b"x")
    (tree / "p/b/d").mkdir()
    (tree / "p/b/d/c").write_bytes(b"x")
    assert shown("p", exclude=("c", "*.txt")) == ["p/a.jpg", "p/b/2.jpg", "p/b/10.jpg"]
    assert shown("p", exclude=("c/", "*.txt")) == ["p/a.jpg", "p/b/2.jpg", "p/b/10.jpg", "p/b/d/c"]
    assert shown("p", exclude=("p/c",)) == shown("p", exclude=(str(tree / "p/c"),))
    assert "p/b/c/z.jpg" in shown("p", exclude=("p/c",))
    assert shown("p", "p/a.jpg", exclude=("b", "c", "a.jpg", "*.txt")) == ["p/a.jpg"]  # it is named
    assert shown("p/a.jpg", "p/b", "p/c", exclude=("p/b/", "p/c")) == ["p/a.jpg"]
    (tree / "q").symlink_to("p")
    (tree / "p/again").symlink_to("c")
    assert not [name for name in shown("q", exclude=("p/c",)) if "deep" in name]
    assert shown("p/**/*.jpg", exclude=("b", "deep")) == ["p/a.jpg"]
    assert shown("p", include=("**/*.jpg",), exclude=("b/**", "deep/", "", "/", "~no-user/x")) == ["p/a.jpg"]


@pytest.mark.parametrize(
    "pattern", ["p/**/*.jpg", "**/*.jpg", "p/**", "*/**/[!n]*", "p/**/", "./p/**/?*.jp[g]", "**"]
)
def test_two_stars_mean_what_glob_says(tree, pattern):
    (tree / "p/.hid.jpg").write_bytes(b"x")
    matches = [Path(match) for match in glob.glob(pattern, recursive=True)]  # noqa: PTH207  a judge from outside
    below = [path for match in matches for path in match.rglob("*")]
    wanted = {str(path) for path in [*matches, *below] if path.is_file() and "/." not in str(path)}
    assert set(shown(pattern)) == wanted


def test_hidden_files_are_met_by_patterns_that_name_them(tree):
    assert shown("p/**/.hidden/*.jpg") == shown("p/.hidden/*.jpg") == ["p/.hidden/x.jpg"]


@pytest.fixture
def outputs(tree):
    """An output folder of an earlier run in `p`, and copies that were moved."""
    out = tree / "p/out"
    out.mkdir()
    with Ledger(out):
        pass
    pixel = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (out / "old.annotated.png").write_bytes(pixel)  # of mediaml 0.1.0, which wrote no mark
    for name in ("out/new.annotated.png", "moved.annotated.png", "b/renamed.png"):
        (tree / "p" / name).write_bytes(mark_image(pixel))
    (tree / "p/mine.annotated.png").write_bytes(pixel)
    return tree


def test_what_mediaml_wrote_is_no_input_unless_it_is_named(outputs):
    names = shown("p", exclude=("c", "*.txt"))
    # A renamed copy is left to the planner, which opens every new file anyway.
    assert names == ["p/a.jpg", "p/mine.annotated.png", "p/b/2.jpg", "p/b/10.jpg", "p/b/renamed.png"]
    assert left_out("p") == [
        "skipped p/moved.annotated.png: it is an annotated copy that mediaml wrote",
        "skipped p/out/: it is a mediaml output folder",
    ]
    assert shown("p/*.png") == shown("p/**/m*.png") == ["p/mine.annotated.png"]
    assert shown("p/moved.annotated.png") == ["p/moved.annotated.png"]
    with pytest.raises(NoInputsError, match="p/o"):
        shown("p/o*")
    (outputs / "p/out/new.png").write_bytes(b"x")
    assert {name for name in shown("p/out") if name.endswith(".png")} == {"p/out/new.png"}


def test_the_output_folder_may_be_the_input_or_around_it(outputs):
    assert "p/a.jpg" in shown("p", omit=Path("p"))
    assert shown("p/b", omit=Path("p"))[:2] == ["p/b/2.jpg", "p/b/10.jpg"]
    assert not [name for name in shown("p", omit=Path("p/b")) if name.startswith("p/b/")]
    assert "skipped p/b/: it is a mediaml output folder" in left_out("p", omit=Path("p/b"))
    (outputs / "x").write_bytes(b"x")
    assert shown(".", omit=Path("p")) == ["x"]


def test_a_pattern_without_a_match_is_said_beside_others(tree):
    assert left_out("p/a.jpg", "p/*.gif", "p/**/*.gif") == [
        "no file matches p/*.gif",
        "no file matches p/**/*.gif",
    ]
    with pytest.raises(NoInputsError, match=r"no file matches p/\*\.gif, p/\*\*/\*\.gif\."):
        shown("p/*.gif", "p/**/*.gif")


def test_two_urls_that_look_alike_without_their_secrets_are_not_mixed_up(tree):
    urls = ("http://h/a?code=1", "http://h/a?code=1", "http://h/a?code=2")
    assert shown(*urls) == ["http://h/a?code=***"]
    (said,) = left_out(*urls)
    assert said.startswith("skipped http://h/a?code=***: it differs")


def test_a_home_that_the_shell_has_not_filled_in_is(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree / "p"))
    assert shown("~/a.jpg", "~/b/*.jpg", "~") == [
        str(tree / "p" / name) for name in ("a.jpg", "b/2.jpg", "b/10.jpg", "notes.txt", "c/deep/é 汉.jpg")
    ]
    (tree / "~").mkdir()
    (tree / "~/a.jpg").write_bytes(b"x")
    assert shown("~/a.jpg") == ["~/a.jpg"]


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        (r"C:\clips\a.mp4", "Windows path"),
        (r"\\server\share\a.mp4", "Windows path"),
        (r"p\b\2.jpg", "Did you mean p/b/2.jpg?"),
        ("p/a.jpg ", "Did you mean p/a.jpg?"),
        ("~no-such-user/a.jpg", "no user ~no-such-user"),
        ("p/none.jpg", "Check the path."),
    ],
)
def test_a_path_that_leads_nowhere_gets_a_hint(tree, argument, hint):
    with pytest.raises(NoInputsError) as raised:
        shown(argument)
    assert hint in str(raised.value)
    assert hint in problems(argument, "p/a.jpg")[argument]


def test_missing_files_that_are_named_twice_do_not_hide_the_others(tree):
    assert shown("missing", "./missing", "p/a.jpg") == ["missing", "p/a.jpg"]


def test_a_tree_deeper_than_the_stack_of_python_is_read(tree):
    deep = Path("/".join("d" * 300))
    deep.mkdir(parents=True)
    (deep / "x.jpg").write_bytes(b"x")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        assert shown("d") == [f"{deep}/x.jpg"]
    finally:
        sys.setrecursionlimit(limit)


def test_a_missing_file_goes_on_by_name_beside_others_and_ends_the_run_alone(tree):
    found = list(scan(Selection(("missing.mp4", "p/a.jpg"))))
    assert [(source.shown, source.size) for source in found] == [("missing.mp4", 0), ("p/a.jpg", 1)]
    with pytest.raises(NoInputsError, match=r"missing\.mp4"):
        shown("missing.mp4")
    with pytest.raises(NoInputsError, match=r"\*\.gif"):
        shown("p/*.gif")
    for wrong in ("a\0b", ""):
        with pytest.raises(UsageError):
            shown("p", wrong)


def test_names_that_would_break_a_terminal_or_json_are_escaped(tree):
    (tree / "p/b/new\nline\x1b.jpg").write_bytes(b"x")
    Path(os.fsdecode(b"p/b/bad\xff.jpg")).write_bytes(b"x")
    names = shown("p/b")
    assert r"p/b/new\x0aline\x1b.jpg" in names
    assert r"p/b/bad\xff.jpg" in names


def test_a_name_with_pattern_characters_is_a_file_when_it_exists(tree):
    (tree / "p/[1].jpg").write_bytes(b"x")
    assert shown("p/[1].jpg") == ["p/[1].jpg"]
    assert "no such file" in problems("p/[2].jpg", "p/a.jpg")["p/[2].jpg"]
    assert shown("p/[ab].jpg") == ["p/a.jpg"]
