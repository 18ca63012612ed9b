"""Against a real server: fetched, resumed, refused or cut off, and only the right bytes ever stay."""

from __future__ import annotations

import pytest

from mediaml.core.errors import ChecksumError, ModelError
from tests.support.model_store import entry, left, store
from tests.support.server import BODY


def fetched(folder) -> bytes:
    return (folder / "models/net/net.onnx").read_bytes()


def test_a_file_is_fetched_once_and_proven(site, tmp_path):
    here = store(tmp_path, entry(site.url("a")))
    here.obtain("net")
    here.obtain("net")
    assert fetched(tmp_path) == BODY
    assert left(tmp_path) == ["net.onnx"]
    assert len(site.asked) == 1
    assert site.asked[0][1]["accept-encoding"] == "identity"
    assert "fetching 0.2 MB (net.onnx)" in here.watcher.said[0]
    assert here.watcher.bytes[-1] == len(BODY)


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [
        (["half", "well"], [None, "bytes=100000-"]),
        (["stalled", "well"], [None, "bytes=5000-"]),
        (["half", "deaf"], [None, "bytes=100000-"]),
        (["503", "well"], [None, None]),
        (["429", "500", "well"], [None, None]),
        (["half", "otherpart", "well"], [None, "bytes=100000-", None]),
        (["half", "416", "well"], [None, "bytes=100000-", None]),
        (["moved"], [None, None]),
    ],
)
def test_what_breaks_off_goes_on(site, tmp_path, behaviour, requests):
    site.behaviour["a"] = list(behaviour)
    if behaviour == ["429", "500", "well"]:
        with pytest.raises(ModelError, match="it answers 500"):
            store(tmp_path, entry(site.url("a"))).obtain("net")
    store(tmp_path, entry(site.url("a"))).obtain("net")
    assert fetched(tmp_path) == BODY
    assert left(tmp_path) == ["net.onnx"]
    assert site.ranges()[: len(requests)] == requests


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("404", "it answers 404"),
        ("403", "it answers 403"),
        ("503", "it answers 503"),
        ("circle", "redirects more than"),
        ("tofile", "redirects to file:"),
        ("short", "a file of 1000 bytes, not of 200000"),
        ("long", "a file of 200001 bytes, not of 200000"),
        ("endless", "more than the expected 200000 bytes"),
        ("packed", "compressed"),
        ("otherpart", "another part"),
        ("stalled", "stopped answering"),
        ("wrong", "another checksum"),
    ],
)
def test_a_bad_mirror_is_named_and_the_next_one_asked(site, tmp_path, behaviour, says):
    site.behaviour["bad"] = [behaviour]
    with pytest.raises(ModelError, match=says) as caught:
        store(tmp_path / "alone", entry(site.url("bad"))).obtain("net")
    assert "models pull net --from" in caught.value.hint
    assert isinstance(caught.value, ChecksumError) == (behaviour == "wrong")
    assert "net.onnx" not in left(tmp_path / "alone")
    store(tmp_path, entry(site.url("bad"), site.url("good"))).obtain("net")
    assert fetched(tmp_path) == BODY
    assert left(tmp_path) == ["net.onnx"]


def test_nobody_listens(site, tmp_path):
    with pytest.raises(ModelError, match=r"127\.0\.0\.1: it cannot be reached"):
        store(tmp_path, entry("http://127.0.0.1:9/a")).obtain("net")


def test_wrong_bytes_never_stay(site, tmp_path):
    site.behaviour["a"] = ["wrong"]
    with pytest.raises(ChecksumError, match="another checksum"):
        store(tmp_path, entry(site.url("a"))).obtain("net")
    assert left(tmp_path) == []


def test_a_rotten_half_is_thrown_away_and_the_mirror_asked_again(site, tmp_path):
    here = store(tmp_path, entry(site.url("a")))
    part = here.cache.part(entry(), entry().files[0])
    part.begin("http://other.example/a", '"v0"')
    part.path.write_bytes(b"rot" * 100)
    here.obtain("net")
    assert fetched(tmp_path) == BODY
    assert site.ranges() == ["bytes=300-", None]


def test_a_part_of_the_same_address_is_completed_only_if_the_tag_is_the_same(site, tmp_path):
    here = store(tmp_path, entry(site.url("a"), sha256="", size=None))
    part = here.cache.part(entry(), entry().files[0])
    part.begin(site.url("a"), '"v0"')
    part.path.write_bytes(b"of an older version")
    here.pull("net", trust=True)
    assert site.asked[0][1]["if-range"] == '"v0"'
    assert fetched(tmp_path) == BODY


def test_without_a_checksum_nothing_of_another_origin_is_completed(site, tmp_path):
    here = store(tmp_path, entry(site.url("a"), sha256="", size=None))
    part = here.cache.part(entry(), entry().files[0])
    part.begin(site.url("b"), 'W/"weak"')
    part.path.write_bytes(b"of another origin")
    here.pull("net", trust=True)
    assert site.ranges() == [None]
    assert fetched(tmp_path) == BODY


def test_without_a_promised_size_the_announced_one_must_come(site, tmp_path):
    site.behaviour["a"] = ["half", "well"]
    store(tmp_path, entry(site.url("a"), size=None)).obtain("net")
    assert fetched(tmp_path) == BODY


def test_a_proxy_of_the_environment_is_asked(site, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", site.address)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    site.behaviour["http://models.example/a"] = ["well"]
    store(tmp_path, entry("http://models.example/a")).obtain("net")
    assert site.asked[0][0] == "http://models.example/a"
    monkeypatch.setenv("HTTP_PROXY", "nonsense://x")
    with pytest.raises(ModelError, match="proxy"):
        store(tmp_path / "other", entry("http://models.example/a")).obtain("net")


def test_a_full_disk_is_told_before_the_transfer(site, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(ModelError, match="needs 0 MB"):
        store(tmp_path, entry(site.url("a"))).obtain("net")
    assert not site.asked


def test_the_mirror_of_the_environment_is_asked_first(site, tmp_path):
    site.behaviour["mirror/net/net.onnx"] = ["404"]
    store(tmp_path, entry(site.url("a")), mirror=site.url("mirror/")).obtain("net")
    assert [path for path, _ in site.asked] == ["mirror/net/net.onnx", "a"]
