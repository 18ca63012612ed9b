"""What is a URL, and what of it is shown."""

from __future__ import annotations

import pickle
from pathlib import Path, PurePosixPath
from urllib.parse import quote

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
        ("https://h/a?X-Amz-Signature=secret#x", "https://h/a?X-Amz-Signature=***#***"),
        ("https://h/a.mp4#secret", "https://h/a.mp4#***"),
        ("https://h/file/x1#se/cret-2", "https://h/file/x1#***"),
        ("https://h/a?user=bob&password=secret", "https://h/a?user=bob&password=***"),
        ("https://h/a?keyword=cats&monkey=1", "https://h/a?keyword=cats&monkey=1"),
        ("https://h/cb?code=secret&state=ca", "https://h/cb?code=***&state=ca"),
        (
            "https://h/a#access_token=secret&token_type=bearer",
            "https://h/a#access_token=***&token_type=bearer",
        ),
        ("https://h/#/player?token=secret", "https://h/#/player?token=***"),
        ("https://h/a;jsessionid=secret?x=1", "https://h/a;jsessionid=***?x=1"),
        ("https://h/hdnts=exp=1~hmac=secret/i.m3u8", "https://h/hdnts=***~hmac=***/i.m3u8"),
        ("https://h/i.m3u8?u=exp=1~acl=/x~hmac=secret", "https://h/i.m3u8?u=exp=1~acl=/x~hmac=***"),
        ("rtsp://h/user=admin_password=secret_channel=1.sdp?live", "rtsp://h/user=admin_password=***?live"),
        ("https://h/p?url=https%3A%2F%2Fh%2F%3Ftoken%3Dsecret&w=3", "https://h/p?url=***&w=3"),
        ("https://h/p?url=http://user:secret@h/x&w=3", "https://h/p?url=http://***@h/x&w=3"),
        ("https://h/a?token[]=secret&%74oken=secret", "https://h/a?token[]=***&%74oken=***"),
        ("https://h/a?sig=se/cr%3Det==&x=1", "https://h/a?sig=***&x=1"),
        ("https://h/a?password=se;cret;x=1", "https://h/a?password=***;x=1"),
        ("https://h/eyJhbGci.eyJzdWIi.secret/i.m3u8", "https://h/***/i.m3u8"),
        (
            "https://b/a.mp4?sv=2024-11-04&se=2026-01-01T00%3A00Z&sr=b&sp=r&sig=secret",
            "https://b/a.mp4?sv=2024-11-04&se=2026-01-01T00%3A00Z&sr=b&sp=r&sig=***",
        ),
        (
            "https://s/a?X-Amz-Credential=secret&X-Amz-Date=20260101&X-Amz-SignedHeaders=host",
            "https://s/a?X-Amz-Credential=***&X-Amz-Date=20260101&X-Amz-SignedHeaders=host",
        ),
    ],
)
def test_secrets_are_not_shown(typed: str, shown: str) -> None:
    url = Url(typed)
    assert str(url) == shown
    assert repr(url) == f"Url({shown!r})"
    assert url.text == typed
    assert str(Url(shown)) == shown  # as the ledger gives it back
    assert pickle.loads(pickle.dumps(url)) == url


SECRET_NAMES = (
    *(
        "token",
        "access_token",
        "accessToken",
        "accesstoken",
        "jwt",
        "code",
        "sessionid",
        "sessionId",
        "session_id",
    ),
    *(
        "PHPSESSID",
        "sid",
        "sig",
        "Signature",
        "X-Goog-Signature",
        "X-Amz-Security-Token",
        "client_secret",
        "apiKey",
    ),
    *(
        "api_key",
        "auth",
        "authorization",
        "pwd",
        "passwd",
        "Password",
        "ticket",
        "hdnea",
        "hmac",
        "SAMLResponse",
    ),
)
HARMLESS_NAMES = (
    *("t", "v", "id", "keyword", "monkey", "zipcode", "encode", "codec", "expires", "Expires", "Key-Pair-Id"),
    *(
        "token_type",
        "X-Amz-Algorithm",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "se",
        "sp",
        "sr",
        "sv",
        "page",
        "design",
    ),
)
VALUES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789-._~+/=", min_size=12, max_size=40)


@given(st.sampled_from(SECRET_NAMES), VALUES, st.sampled_from(HARMLESS_NAMES), st.integers(0, 10**6))
def test_secrets_are_hidden_wherever_they_are_and_the_rest_is_readable(name, secret, other, number) -> None:
    for begin, end in (("?", ""), ("#", ""), ("?a=1&", f"&{other}={number}"), ("?x;", "#end=1")):
        shown = str(Url(f"https://h/a.mp4{begin}{name}={secret}{end}"))
        assert shown == f"https://h/a.mp4{begin}{name}=***{end}"
    assert (
        str(Url(f"https://h/a.mp4?{other}={number}#{other}=x"))
        == f"https://h/a.mp4?{other}={number}#{other}=x"
    )
    assert secret not in str(Url(f"https://h/?{other}={quote(f'https://h/?{name}={secret}', safe='')}"))


@given(
    st.lists(
        st.sampled_from([*"ab=&;#?/~@:% ", "token=", "eyJhb.", "://", "***", "%3D", "u:p@"]), max_size=20
    )
)
def test_what_is_shown_stays_as_it_is_when_the_ledger_gives_it_back(parts) -> None:
    shown = str(Url("http://" + "".join(parts)))
    assert str(Url(shown)) == shown


@pytest.mark.parametrize("part", ["a=", "a;", "eyJ.", "a=b://", "a=%25253D", "x=http%3A//h/%3F", "eyJ", "@"])
def test_a_long_url_is_shown_at_once(part: str) -> None:
    assert len(str(Url(f"http://h/?{part * 20_000}"))) < 200_000


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
