"""The store: what is here stays, what is wrong never loads, and without network one is told what to do."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import ChecksumError, ModelError, UsageError
from mediaml.store.cache import Cache, FileState
from mediaml.store.digest import digest_of, digest_with
from mediaml.store.network import Network
from scripts.paths import REPOSITORY
from tests.support.model_store import SHA256, entry, left, store
from tests.support.server import BODY

OTHER = b"the labels"
PAIR = CatalogueEntry(
    "net",
    "a net in two files",
    "MIT",
    (
        CatalogueFile("onnx/net.onnx", (), SHA256, len(BODY)),
        CatalogueFile("labels.txt", (), hashlib.sha256(OTHER).hexdigest(), len(OTHER)),
    ),
    recipe="folder",
)
PULLER = """
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from tests.support.model_store import entry, store
from mediaml.store.network import TransferPolicy
here = store(Path(sys.argv[1]), entry(sys.argv[2]), policy=TransferPolicy(silence_s=10, pause_s=0.05))
here.obtain("net")
print("waited" if any("waiting" in said for said in here.watcher.said) else "fetched")
"""


def puller(folder, url) -> subprocess.Popen[str]:
    code = PULLER.format(repository=str(REPOSITORY))
    return subprocess.Popen([sys.executable, "-c", code, folder, url], stdout=subprocess.PIPE, text=True)


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_processes_at_once_fetch_it_once(site, tmp_path):
    site.behaviour["a"] = ["slow"]
    both = [puller(tmp_path, site.url("a")) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said in (["fetched", "waited"], ["fetched", "fetched"])  # a late second one finds it there
    assert len(site.asked) == 1
    assert left(tmp_path) == ["net.onnx"]


def test_a_killed_pull_leaves_the_cache_sound_and_the_next_one_goes_on(site, tmp_path):
    site.behaviour["a"] = ["halts", "well"]
    process = puller(tmp_path, site.url("a"))
    part = tmp_path / "models/net/net.onnx.part"
    until(lambda: part.exists() and part.stat().st_size == len(BODY) // 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    here = store(tmp_path, entry(site.url("a")))
    assert not here.cache.has(entry())
    here.obtain("net")
    assert site.ranges() == [None, f"bytes={len(BODY) // 2}-"]
    assert (tmp_path / "models/net/net.onnx").read_bytes() == BODY
    assert left(tmp_path) == ["net.onnx"]


def test_a_file_that_rotted_in_the_cache_is_fetched_again_and_never_loads(site, tmp_path):
    here = store(tmp_path, entry(site.url("a")))
    here.obtain("net")
    (tmp_path / "models/net/net.onnx").write_bytes(BODY[:-1] + b"?")
    assert here.file_states(entry()) == {"net.onnx": FileState.WRONG}
    here.obtain("net")
    assert here.file_states(entry()) == {"net.onnx": FileState.HERE}
    (tmp_path / "models/net/net.onnx").write_bytes(b"rot")
    with pytest.raises(ModelError, match="network is off"):
        store(tmp_path, entry(site.url("a")), offline=True).obtain("net")
    assert left(tmp_path) == []


def test_offline_touches_nothing_and_says_what_to_bring(site, tmp_path):
    with pytest.raises(ModelError) as caught:
        store(tmp_path, entry(site.url("a")), offline=True).obtain("net")
    assert "net.onnx (0.2 MB)" in caught.value.message
    assert site.url("a") in caught.value.hint
    assert "mediaml models pull net --from" in caught.value.hint
    assert not site.asked


def test_what_is_here_needs_neither_network_nor_lock(site, tmp_path):
    store(tmp_path, entry(site.url("a"))).obtain("net")
    here = store(tmp_path, entry(site.url("a")), offline=True)
    with here.cache.lock("net", lambda: None):
        here.obtain("net")
    assert here.watcher.said == []


@pytest.mark.parametrize("name", ["net.onnx", "download(1)"])
def test_a_file_that_was_brought_is_copied_and_proven(tmp_path, name):
    (tmp_path / name).write_bytes(BODY)
    here = store(tmp_path, entry(), offline=True)
    here.pull("net", origin=str(tmp_path / name))
    assert left(tmp_path) == ["net.onnx"]
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("brought", [b"short", BODY[::-1]])
def test_another_file_is_refused_and_not_kept(tmp_path, brought):
    (tmp_path / "net.onnx").write_bytes(brought)
    with pytest.raises(ChecksumError, match=r"is not net\.onnx of net"):
        store(tmp_path, entry()).pull("net", origin=str(tmp_path / "net.onnx"))
    assert left(tmp_path) == []


@pytest.mark.parametrize("layout", ["net/onnx/net.onnx", "onnx/net.onnx", "net.onnx"])
def test_a_folder_that_was_brought(tmp_path, layout):
    (tmp_path / "stick" / layout).parent.mkdir(parents=True)
    (tmp_path / "stick" / layout).write_bytes(BODY)
    here = store(tmp_path, PAIR, offline=True)
    with pytest.raises(ModelError, match=r"labels\.txt not in"):
        here.pull("net", origin=str(tmp_path / "stick"))
    (tmp_path / "anything.txt").write_bytes(OTHER)
    here.pull("net", origin=str(tmp_path / "anything.txt"))  # told by its checksum
    assert left(tmp_path) == ["labels.txt", "onnx/net.onnx"]
    here.obtain("net")


def test_a_mirror_folder_serves_what_a_cache_holds(site, tmp_path):
    store(tmp_path / "one", entry(site.url("a"))).obtain("net")
    network = Network.of({"MEDIAML_MODELS": str(tmp_path / "one/models"), "MEDIAML_OFFLINE": "1"})
    assert network.offline
    here = store(tmp_path / "two", entry())
    replace(here, network=network).obtain("net")
    assert left(tmp_path / "two") == ["net.onnx"]


def test_from_an_address_asks_nothing_else(site, tmp_path):
    here = store(tmp_path, entry(site.url("official")))
    here.pull("net", origin=site.url("mirror/"))
    assert [path for path, _ in site.asked] == ["mirror/net/net.onnx"]
    here.cache.remove("net")
    here.pull("net", origin=site.url("any.onnx?token=1"))
    assert site.asked[-1][0] == "any.onnx?token=1"


@pytest.mark.parametrize("origin", ["file:///etc/passwd", "ftp://x/y", "nowhere/at.all"])
def test_other_origins_are_refused(tmp_path, origin):
    with pytest.raises(UsageError):
        store(tmp_path, entry()).pull("net", origin=origin)
    with pytest.raises(UsageError):
        Network.of({"MEDIAML_MODELS": origin})


def test_what_nobody_vouches_for_needs_trust_and_is_held_to_it(site, tmp_path):
    unproven = entry(site.url("a"), sha256="", size=None)
    here = store(tmp_path, unproven)
    with pytest.raises(ModelError, match="no checksum is known") as caught:
        here.obtain("net")
    assert "--trust" in caught.value.hint
    assert not site.asked
    here.pull("net", trust=True)
    assert any(SHA256 in said for said in here.watcher.said)
    here.obtain("net")
    assert len(site.asked) == 1
    (tmp_path / "models/net/net.onnx").write_bytes(b"swapped")
    site.behaviour["a"] = ["wrong"]
    with pytest.raises(ChecksumError):
        here.obtain("net")
    assert left(tmp_path) == ["trusted.json"]


def test_disk_usage_and_removal(site, tmp_path):
    here = store(tmp_path, entry(site.url("a")))
    here.obtain("net")
    assert list(here.cache.models()) == ["net"]
    assert here.cache.used("net") == len(BODY)
    assert here.cache.remove("net") == len(BODY)
    assert list(here.cache.models()) == []
    assert here.cache.remove("net") == 0


def test_where_the_cache_lies(tmp_path):
    assert Cache.of({"MEDIAML_CACHE": str(tmp_path)}).folder == tmp_path / "models"
    assert Cache.of({}).folder.parts[-2:] == ("mediaml", "models")


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match="MEDIAML_CACHE"):
        store(tmp_path, entry("http://127.0.0.1:9/a")).obtain("net")


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_environment_says_offline(value, offline):
    assert Network.of({"MEDIAML_OFFLINE": value}).offline is offline


def test_the_digest_of_a_folder_is_that_of_its_proven_files(tmp_path):
    (tmp_path / "a/onnx").mkdir(parents=True)
    (tmp_path / "a/onnx/x.onnx").write_bytes(b"x")
    before = digest_of(tmp_path / "a")
    (tmp_path / "a/x.onnx.part").write_bytes(b"half")
    (tmp_path / "a/.hidden").write_bytes(b"")
    assert digest_of(tmp_path / "a") == before
    (tmp_path / "a/onnx/x.onnx").write_bytes(b"y")
    assert digest_of(tmp_path / "a") != before
    assert digest_of(tmp_path / "a/onnx/x.onnx") == hashlib.sha256(b"y").hexdigest()


def test_the_digest_of_a_file_with_others_beside_it_knows_them_all(tmp_path):
    model, labels = tmp_path / "m.onnx", tmp_path / "labels.txt"
    model.write_bytes(b"graph")
    labels.write_text("cat")
    before = digest_with(model, [labels])
    assert before == digest_with(model, [labels]) and before not in {digest_of(model), digest_with(model, [])}
    labels.write_text("dog")
    changed = digest_with(model, [labels])
    labels.rename(tmp_path / "names.txt")
    assert len({before, changed, digest_with(model, [tmp_path / "names.txt"])}) == 3
