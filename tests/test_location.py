"""What is a URL, and what of it is shown."""

from __future__ import annotations

import pickle
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.location import Url, is_url, location_of


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("http://host/a.mp4", "http://host/a.mp4"),
        ("rtsp://user:secret@cam:554/live", "rtsp://***@cam:554/live"),
        ("rtsp://secret@cam/live", "rtsp://***@cam/live"),
        ("http://user:se/cr#et@host/a.mp4", "http://***@host/a.mp4"),
        ("http://user:12/secret@host/a.mp4", "http://user:12/secret@host/a.mp4"),  # a port and a path
        ("http://host:8080/@handle/a.mp4", "http://host:8080/@handle/a.mp4"),
        ("https://h/a.mp4?token=secret&t=5", "https://h/a.mp4?token=***&t=5"),
        ("https://h/a?X-Amz-Signature=secret#x", "https://h/a?X-Amz-Signature=***#x"),
        ("https://h/a?user=bob&password=secret", "https://h/a?user=bob&password=***"),
        ("https://h/a?keyword=cats&monkey=1", "https://h/a?keyword=cats&monkey=1"),
    ],
)
def test_secrets_are_not_shown(typed: str, shown: str) -> None:
    url = Url(typed)
    assert str(url) == shown
    assert repr(url) == f"Url({shown!r})"
    assert url.text == typed
    assert str(Url(shown)) == shown  # as the ledger gives it back
    assert pickle.loads(pickle.dumps(url)) == url


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("http://h/a", True),
        ("RTSP://h", True),
        ("file:///etc/passwd", True),
        ("s3://bucket/a", True),
        ("http:a.mp4", False),
        ("./http://h/a", False),
        ("C://a.mp4", False),
        ("a/b.mp4", False),
        ("", False),
    ],
)
def test_what_is_a_url(text: str, remote: bool) -> None:
    assert is_url(text) is remote
    assert isinstance(location_of(text), Url if remote else Path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://u:p@host:80/x/../../etc/a b.mp4?t=1#f", "host_80/x/etc/a_b.mp4"),
        ("rtsp://cam", "cam"),
        ("http://..", "url"),
        ("http://h/..\\..\\a.mp4", "h/a.mp4"),
        ("http://h/a\n\x1b[31m.mp4", "h/a_31m.mp4"),
    ],
)
def test_the_name_of_its_outputs_is_a_relative_path(url: str, name: str) -> None:
    assert Url(url).name == name


@given(st.text(max_size=40))
def test_no_url_names_a_place_outside(rest: str) -> None:
    parts = PurePosixPath(Url(f"http://{rest}").name).parts
    assert parts and parts[0] != "/" and not {"", ".", ".."} & set(parts)
