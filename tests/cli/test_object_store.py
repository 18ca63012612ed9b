"""`mediaml run s3://…`: the answers of local files, few bytes, and failures by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command_line import results
from tests.support.media.files import write_image, write_square_video
from tests.support.object_store import BUCKET, CUT, SECRET, ObjectStore, object_store


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as running:
        yield running


@pytest.fixture
def films(store, tmp_path) -> Path:
    """A folder of two clips, an image, a damaged image and a text, in the bucket as well."""
    folder = tmp_path / "films"
    (folder / "inner").mkdir(parents=True)
    write_square_video(folder / "clip2.mp4", frames=8)
    write_square_video(folder / "inner/clip10.mp4", frames=5)
    write_image(folder / "a.jpg", 40, 40)
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no image")
    (folder / "notes.txt").write_text("no media")
    for path in folder.rglob("*.*"):
        store.put(path.relative_to(folder).as_posix(), path)
    store.traffic.sent.clear()
    store.traffic.fault = lambda _method, _path: None
    return folder


@pytest.fixture
def run(mediaml, square_finder):
    return lambda *arguments: mediaml(
        *("run", "-p", "yolo", "-m", square_finder, "--device", "cpu", *arguments)
    )


def frames(folder: Path) -> list[dict[str, object]]:
    """The lines of frames, with sources named as in a local folder of the bucket's name."""
    lines = [line for line in results(folder)[1:] if "failure" not in line]
    return [{**line, "source": str(line["source"]).removeprefix("s3://")} for line in lines]


def failures(folder: Path) -> dict[str, str]:
    lines = (folder / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["source"]: line["message"] for line in map(json.loads, lines)}


def test_a_bucket_is_read_as_a_folder_is(run, films, store, tmp_path):
    assert run("films", "-o", "local", "--no-annotate").code == 1
    done = run(f"s3://{BUCKET}", "-o", "out")
    assert done.code == 1, done.err
    assert frames(tmp_path / "out") == frames(tmp_path / "local")
    assert list(failures(tmp_path / "out")) == [f"s3://{BUCKET}/bad.jpg"]
    copies = {path.name for path in (tmp_path / "out").rglob("*.annotated.*")}
    assert copies == {"clip2.annotated.mp4", "clip10.annotated.mp4", "a.annotated.jpg"}
    again = run(f"s3://{BUCKET}/", "-o", "out")
    assert "0 frames" in again.err


def test_patterns_filters_and_single_objects(run, films, store, tmp_path):
    assert run(f"s3://{BUCKET}/**/*.mp4", "-o", "a", "--no-annotate").code == 0
    names = [f"{BUCKET}/clip2.mp4", f"{BUCKET}/inner/clip10.mp4"]
    assert list(dict.fromkeys(line["source"] for line in frames(tmp_path / "a"))) == names
    done = run(f"s3://{BUCKET}", "-o", "b", "--exclude", "inner/", "--include", "*.mp4", "--no-annotate")
    assert done.code == 0
    assert {line["source"] for line in frames(tmp_path / "b")} == {names[0]}
    assert run(f"s3://{BUCKET}/inner/clip10.mp4", "-o", "c", "--no-annotate").code == 0
    assert len(frames(tmp_path / "c")) == 5
    assert run(f"s3://{BUCKET}", "-o", "d", "--no-recursive", "--kind", "video", "--no-annotate").code == 1
    assert {line["source"] for line in frames(tmp_path / "d")} == {names[0]}


def test_few_more_bytes_are_read_than_decoding_needs(run, films, store, tmp_path, long_clip):
    url = store.put("long.mp4", long_clip)
    store.traffic.sent.clear()
    assert run(url, "-o", "out", "--no-annotate").code == 0
    assert store.traffic.read("long.mp4") <= 1.2 * long_clip.stat().st_size


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory) -> Path:
    """A clip of noise, about 12 MB."""
    from tests.support.media.ffmpeg import ffmpeg

    path = tmp_path_factory.mktemp("long") / "long.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=640x360:d=3,noise=alls=60:allf=t", "-c:v", "mpeg4", "-q:v", "2", path
    )
    assert path.stat().st_size > 8 << 20
    return path


def test_an_object_that_was_replaced_is_read_again(run, films, store, tmp_path):
    assert run(f"s3://{BUCKET}/clip2.mp4", "-o", "out", "--no-annotate").code == 0
    store.put("clip2.mp4", films / "inner/clip10.mp4")
    assert run(f"s3://{BUCKET}/clip2.mp4", "-o", "out", "--no-annotate").code == 0
    assert len(frames(tmp_path / "out")) == 5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (403, "denies permission"),
        (404, "no such object"),
        (503, "its store failed"),
        (CUT, "its store failed"),
    ],
)
def test_a_store_that_fails_costs_the_object_by_name(run, films, store, tmp_path, fault, said):
    key = "/films/clip2.mp4"
    always = fault in (403, 404)
    store.traffic.fault = lambda method, path: fault if path == key and (always or method == "GET") else None
    done = run(f"s3://{BUCKET}/clip2.mp4", f"s3://{BUCKET}/inner/clip10.mp4", "-o", "out", "--no-annotate")
    assert done.code == 1
    (failure,) = failures(tmp_path / "out").items()
    assert failure[0] == f"s3://{BUCKET}/clip2.mp4"
    assert said in failure[1]
    assert (
        len([line for line in frames(tmp_path / "out") if line["source"] == f"{BUCKET}/inner/clip10.mp4"])
        == 5
    )


def test_what_is_not_there_is_said(run, store):
    missing = run("s3://nowhere/a.mp4", "-o", "out")
    assert missing.code in (1, 5)
    assert "no such object or bucket" in missing.err
    nothing = run(f"s3://{BUCKET}/**/*.mkv", "-o", "out")
    assert "no such object" in nothing.err


def test_credentials_stay_out_of_everything(run, films, store, tmp_path):
    done = run(f"s3://{BUCKET}", "-o", "out", "-v", "--debug")
    assert SECRET not in done.err
    with closing(sqlite3.connect(tmp_path / "out/ledger.sqlite")) as db:
        assert SECRET not in "\n".join(db.iterdump())
    assert SECRET not in (tmp_path / "out/results.jsonl").read_text()


def test_a_package_that_is_not_installed_is_named(run, store):
    done = run("gs://bucket/a.mp4", "-o", "out")
    assert done.code in (1, 5)
    assert 'pip install "mediaml[cloud]"' in done.err
