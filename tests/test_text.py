"""Names from outside reach the terminal as text that moves nothing."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import MediaError
from mediaml.core.text import escape_control

LINE = "a\n\tb\x1b"
# What changes the direction of the text around it: Unicode Standard Annex #9, table 4, and its marks.
DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Ñandú 漢字 кошка.jpg", "Ñandú 漢字 кошка.jpg"),
        ("می\u200cخواهم 👨\u200d👩.jpg", "می\u200cخواهم 👨\u200d👩.jpg"),
        ("10.15.30\u202fAM\u3000\xa0.png", "10.15.30\u202fAM\u3000\xa0.png"),
        ("\x1b[31m\r\n\x9b\x7f", r"\x1b[31m\x0d\x0a\x9b\x7f"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\u2028b\ufeff\u200b", r"a\u2028b\ufeff\u200b"),
        ("\U000e0041", r"\U000e0041"),
        (os.fsdecode(b"bad\xff.jpg"), r"bad\xff.jpg"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_drives_a_terminal_is_escaped_and_letters_stay(name: str, shown: str) -> None:
    assert escape_control(name) == shown


def test_what_is_to_be_kept_is_kept() -> None:
    assert escape_control(LINE, keep="\n\t") == "a\n\tb\\x1b"


@given(st.text() | st.text(DIRECTIONS))
def test_nothing_that_controls_or_reorders_is_left(text: str) -> None:
    shown = escape_control(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    assert not set(shown) & set(DIRECTIONS)
    assert shown.encode().decode() == shown  # no surrogates
    assert escape_control(shown) == shown


def test_an_error_about_a_file_has_its_name_on_one_line() -> None:
    assert str(MediaError("new\nline.png is empty.", "Copy it.")) == "new\\x0aline.png is empty.\nCopy it."
