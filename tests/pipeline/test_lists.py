"""Lists of files, and the order of their names."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.pipeline.patterns import natural_key
from mediaml.pipeline.typed_paths import read_list


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"a b.jpg\n\n c.jpg\r\n", ("a b.jpg", " c.jpg")),
        (b"\xef\xbb\xbfa.jpg\r\n \t\r\n# b.jpg\r\n  # c\r\n./#d.jpg", ("a.jpg", "./#d.jpg")),
        (b"new\nline.jpg\0#x.jpg\0 \0", ("new\nline.jpg", "#x.jpg", " ")),
        ("\ufeffä.jpg\r\n汉.jpg\r\n".encode("utf-16-le"), ("ä.jpg", "汉.jpg")),
        (b"bad\xff.jpg\n\x0bx\x0c.jpg", (os.fsdecode(b"bad\xff.jpg"), "\x0bx\x0c.jpg")),
        (b"", ()),
    ],
)
def test_lists_are_read_as_programs_write_them(data, paths):
    assert read_list(data) == paths


@given(st.lists(st.text(), max_size=20))
def test_the_natural_order_is_total_and_stable(names):
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_key) == sorted(names, key=natural_key)


def test_numbers_count_as_numbers():
    assert sorted(["f10", "f9", "F1", "f09"], key=natural_key) == ["F1", "f09", "f9", "f10"]
