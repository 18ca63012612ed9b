"""`mediaml run -p clip`, `search` and `duplicates` from the command line, on small towers."""

from __future__ import annotations

import sys

import cv2
import pytest

import mediaml.onnx.session as mediaml_session
from mediaml.cli.clock import clock
from scripts.clip_towers import SMALL, image_tower
from tests.support.command_line import results
from tests.support.media.files import write_square_video
from tests.support.plugins.clip import picture, small_clip, write

NAMES = ("0.png", "1.png", "2.png", "3.png", "copy.png")


@pytest.fixture(scope="module")
def clip(tmp_path_factory, assets):
    return small_clip(tmp_path_factory.mktemp("clip"), assets)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Four pictures of noise, and a copy of the first."""
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        cv2.imwrite(str(folder / name), picture(number % 4).image[:, :, ::-1])
    return folder


@pytest.fixture
def searched(mediaml, photos, clip):
    """An output folder with the embeddings of the photos and of a clip."""
    write_square_video(photos / "square.mp4", frames=5)
    said = mediaml("run", "-p", "clip", "-m", clip, photos, "-o", "out")
    assert said.code == 0, said.err
    return "out"


def rows(said) -> list[list[str]]:
    assert said.code == 0, said.err
    return [line.split() for line in said.out.splitlines()[1:]]


def test_prompts_label_every_frame(mediaml, photos, clip, tmp_path):
    (tmp_path / "more.txt").write_text("# what else\n\na cat, asleep\n", encoding="utf-8")
    said = mediaml(
        "run", "-p", "clip", "-m", clip, "--prompt", "a dog", "--prompts", "more.txt", photos, "-o", "out"
    )
    assert said.code == 0, said.err
    head, *lines = results(tmp_path / "out")
    assert head["run"]["models"][0]["options"]["prompts"] == ["a dog", "a cat, asleep"]
    assert len(lines) == len(NAMES)
    for line in lines:
        assert {label["label"] for label in line["labels"]} == {"a dog", "a cat, asleep"}
        assert sum(label["score"] for label in line["labels"]) == pytest.approx(1, abs=1e-4)


def test_prompts_without_a_taker_or_without_words_are_refused(mediaml, photos, clip, tmp_path):
    (tmp_path / "none.txt").write_text("# nothing\n")
    run = ("run", "-m", clip, photos, "-p")
    for arguments, says in (
        ((*run, "clip", "--prompt", " "), "prompt is empty"),
        ((*run, "clip", "--prompts", "none.txt"), "holds no prompt"),
        ((*run, "clip", "--prompts", "absent.txt"), "cannot be read"),
        (("run", photos, "-p", "digits", "--prompt", "a dog"), "Add -p clip"),
    ):
        said = mediaml(*arguments)
        assert said.code == 2 and says in said.err, said.err


def test_a_picture_finds_itself_and_its_copy_is_merged(mediaml, searched, clip, photos):
    best, *others = rows(
        mediaml("search", searched, "--image", photos / "0.png", "-m", clip, "--alike", 0.9999)
    )
    assert best == ["1.000", "0:00:00.00", "photos/0.png", "+1"] or best[2].endswith("0.png")
    assert float(best[0]) == 1.0 and best[-1] == "+1"
    assert not any(row[2].endswith("copy.png") for row in others)
    scores = [float(row[0]) for row in others]
    assert scores == sorted(scores, reverse=True)


def test_words_find_moments_with_their_time(mediaml, searched, clip):
    found = rows(mediaml("search", searched, "a white square", "-m", clip, "--alike", 1, "-k", 100))
    moments = {row[1] for row in found if row[2].endswith("square.mp4")}
    assert "0:00:00.00" in moments and moments <= {
        f"0:00:00.{hundredth:02d}" for hundredth in (0, 4, 8, 12, 16)
    }
    assert len(rows(mediaml("search", searched, "a white square", "-m", clip, "-k", 2, "--alike", 1))) == 2


def test_words_open_no_image_tower_and_known_words_no_tower(mediaml, searched, clip, monkeypatch):
    opened: list[str] = []
    genuine = mediaml_session.open_session

    def watched(path, *arguments, **named):
        opened.append(path.name)
        return genuine(path, *arguments, **named)

    monkeypatch.setattr(mediaml_session, "open_session", watched)
    ask = ("search", searched, "a white square", "-m", clip)
    assert rows(mediaml(*ask)) and opened == ["text_model.onnx"]
    assert rows(mediaml(*ask)) and opened == ["text_model.onnx"]


def test_the_index_finds_what_exact_search_finds(mediaml, searched, clip, tmp_path, monkeypatch):
    ask = ("search", searched, "a white square", "-m", clip, "--alike", 1, "-k", 3)
    assert rows(mediaml(*ask, "--index")) == rows(mediaml(*ask))
    assert list((tmp_path / searched).glob("vectors-*.usearch"))
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    said = mediaml(*ask, "--index")
    assert said.code == 2 and "pip install 'mediaml[index]'" in said.err


def test_the_image_tower_alone_searches_by_picture(mediaml, photos, tmp_path):
    towers = write(tmp_path / "half", vision_model=image_tower(SMALL))
    assert mediaml("run", "-p", "clip", "-m", towers, photos, "-o", "out").code == 0
    assert rows(mediaml("search", "out", "--image", photos / "2.png", "-m", towers))
    said = mediaml("search", "out", "a dog", "-m", towers)
    assert said.code == 4 and "no text tower" in said.err


def test_search_says_what_is_wrong(mediaml, searched, clip, photos, tmp_path):
    other = write(tmp_path / "other", vision_model=image_tower(SMALL, seed=5))
    (tmp_path / "words.txt").write_text("words")
    for arguments, code, says in (
        (("out",), 2, "no query"),
        (("out", " "), 2, "no query"),
        (("absent", "a dog"), 2, "holds no ledger"),
        (("out", "a dog", "-p", "yolo"), 2, "no embeddings of 'yolo'"),
        (("out", "a dog", "-m", other), 4, "did not make these embeddings"),
        (("out", "a dog", "-m", "absent.onnx"), 4, "does not exist"),
        (("out", "--image", "absent.png", "-m", clip), 1, "does not exist"),
        (("out", "--image", "words.txt", "-m", clip), 1, "not a readable image"),
        (("out", "a dog", "--offline"), 4, "clip-vit-b32"),
    ):
        said = mediaml("search", *arguments)
        assert said.code == code and says in said.err, said.err
        assert len(said.err.splitlines()) <= 3, said.err


def test_a_catalogue_model_is_looked_for_by_its_name(mediaml, photos, tmp_path):
    towers = write(tmp_path / "models" / "clip-vit-b32-int8", vision_model=image_tower(SMALL))
    assert mediaml("run", "-p", "clip", "-m", towers, photos, "-o", "out").code == 0
    said = mediaml("search", "out", "a dog", "--offline")
    assert said.code == 4 and "clip-vit-b32-int8 is not downloaded" in said.err


def test_the_best_answer_is_opened(mediaml, searched, clip, photos, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("click.launch", opened.append)
    mediaml("search", searched, "--image", photos / "3.png", "-m", clip, "--open")
    assert opened == [str(photos / "3.png")]


def test_duplicates_are_grouped(mediaml, searched):
    said = mediaml("duplicates", searched, "--alike", 0.9999)
    assert said.code == 0
    head, *members = said.out.splitlines()
    assert head.startswith("2 images, cosine 1.000")
    assert [line.rpartition("/")[2] for line in members] == ["0.png", "copy.png"]
    assert "1 group, 2 of 5 images" in said.err


def test_a_ledger_without_embeddings_is_named(mediaml, photos):
    assert mediaml("run", "-p", "digits", photos / "0.png", "-o", "out").code == 0
    for command in (("duplicates", "out"), ("search", "out", "a dog")):
        said = mediaml(*command)
        assert said.code == 2 and "mediaml run -p clip" in said.err


@pytest.mark.parametrize(
    ("time_s", "shown"),
    [(0, "0:00:00.00"), (61.239, "0:01:01.24"), (59.999, "0:01:00.00"), (7325.5, "2:02:05.50")],
)
def test_times_are_shown_as_a_clock(time_s, shown):
    assert clock(time_s, 2) == shown
