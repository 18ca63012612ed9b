"""`mediaml render`: what is drawn, what is refused, and what an interrupted rendering leaves."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mediaml.core.frame import Frame
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.work import Failure, FrameAnswer, Source, Task, TaskResult
from mediaml.ledger.encoding import record_of
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.media.reader import open_reader
from scripts.paths import REPOSITORY
from tests.support.media.annotated_clips import pictures_of
from tests.support.media.noisy_square import detail, found_square, square_box, write_noisy_clip
from tests.support.output_folder import House

SLICE_S = 20.0


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path, write_noisy_clip(tmp_path / "clip.mp4"), SLICE_S)
    made.answer(made.model("yolo"), two_scores)
    yield made
    made.ledger.close()


def two_scores(frame: Frame) -> Prediction:
    (person,) = found_square(frame).detections
    return Prediction(detections=(person, Detection(Label("dog", 0.4), Box(120, 90, 150, 120))))


def photo_with_exif(path: Path) -> Path:
    """A photo with a thumbnail, a place and a name in its metadata."""
    thumbnail = io.BytesIO()
    Image.effect_noise((40, 30), 90).convert("RGB").save(thumbnail, "JPEG")
    exif = Image.Exif()
    exif[0x013B] = "Anna"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    Image.effect_noise((160, 120), 90).convert("RGB").save(path, exif=exif, comment=b"Anna", quality=95)
    return path


def add_image(house: House, path: Path) -> int:
    """The image as another source, in which all models have found a person."""
    status = path.stat()
    given = Source(path, path.name, path.name, status.st_size, status.st_mtime_ns, named=True)
    number = house.ledger.add_source(given, Kind.IMAGE)
    said = Prediction(detections=(Detection(Label("person", 0.9), Box(40, 30, 100, 90)),))
    info = MediaInfo(str(path), Kind.IMAGE, 160, 120)
    task = Task(number, house.model("yolo"), 0)
    house.ledger.commit([record_of(TaskResult(task, (FrameAnswer(0, 0.0, 0.0, said),), info=info))])
    return number


def changed(house: House, target: Path, place: tuple[int, int]) -> bool:
    before, after = pictures_of(house.given.path)[0], pictures_of(target)[0]
    return bool(abs(after[place[1], place[0]].astype(int) - before[place[1], place[0]]).max() > 60)


def test_another_threshold_other_classes_and_colours_need_no_model(mediaml, house, tmp_path):
    said = mediaml("render", "out")
    assert (said.code, said.err) == (0, f"1 file in {Path('out/rendered')}\n")
    both = tmp_path / "out/rendered/clip.boxes.mp4"
    assert changed(house, both, (150, 105)) or changed(house, both, (149, 105))
    mediaml("render", "out", "--conf", 0.5, "-o", "sure")
    assert not changed(house, tmp_path / "sure/clip.boxes.mp4", (149, 105))
    (tmp_path / "colours.toml").write_text('dog = "#ffffff"\n')
    mediaml("render", "out", "--classes", "DOG", "--colours", "colours.toml", "--thickness", 6, "-o", "dogs")
    image = pictures_of(tmp_path / "dogs/clip.boxes.mp4")[0]
    assert image[105, 121:125].min() > 200


def test_a_file_that_exists_is_replaced_only_on_demand(mediaml, house, tmp_path):
    assert mediaml("render", "out", "-o", "to").code == 0
    target = tmp_path / "to/clip.boxes.mp4"
    before = target.read_bytes()
    said = mediaml("render", "out", "-o", "to", "--conf", 0.99)
    assert said.code == 2 and "clip.boxes.mp4 exists already" in said.err and "--overwrite" in said.err
    assert target.read_bytes() == before
    assert mediaml("render", "out", "-o", "to", "--conf", 0.99, "--overwrite").code == 0
    assert target.read_bytes() != before
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["clip.boxes.mp4"]


def test_blur_hides_the_class_and_no_metadata_of_a_photo_is_left(mediaml, house, tmp_path):
    photo = photo_with_exif(tmp_path / "photo.jpg")
    add_image(house, photo)
    assert b"Anna" in photo.read_bytes()
    assert mediaml("render", "out", "--style", "blur", "--classes", "person", "-o", "to").code == 0
    before, after = pictures_of(tmp_path / "clip.mp4"), pictures_of(tmp_path / "to/clip.blur.mp4")
    for index, (one, other) in enumerate(zip(before, after, strict=True)):
        assert detail(other, square_box(index)) < 0.1 * detail(one, square_box(index))
    data = (tmp_path / "to/photo.blur.jpg").read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert not image.getexif() and "exif" not in image.info
    assert b"Anna" not in data and b"Exif" not in data and data.count(b"\xff\xd8\xff") == 1


def test_every_frame_of_an_animation_is_hidden(mediaml, house, tmp_path):
    frames = [Image.effect_noise((160, 120), 90).convert("RGB") for _ in range(4)]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    status = path.stat()
    given = Source(path, path.name, path.name, status.st_size, status.st_mtime_ns, named=True)
    boxes = [Box(8 + 20 * number, 30, 68 + 20 * number, 90) for number in range(4)]
    answers = []
    with open_reader(path, Kind.IMAGE) as reader:
        info = reader.info
        for frame in reader.frames():
            found = (Detection(Label("person", 0.9), boxes[frame.index]),)
            said = Prediction(detections=found if frame.index != 2 else ())
            answers.append(FrameAnswer(frame.index, frame.time_s, frame.duration_s, said))
    task = Task(house.ledger.add_source(given, Kind.IMAGE), house.model("yolo"), 0)
    house.ledger.commit([record_of(TaskResult(task, tuple(answers), info=info))])
    assert mediaml("render", "out", "--style", "blur", "--source", "*.gif", "-o", "to").code == 0
    with Image.open(path) as before, Image.open(tmp_path / "to/moving.blur.gif") as after:
        assert after.n_frames == 4
        for number, box in enumerate(boxes):
            before.seek(number)
            after.seek(number)
            shown = [np.asarray(image.convert("RGB")) for image in (before, after)]
            # 256 colours leave some grain.
            assert detail(shown[1], box) < 0.3 * detail(shown[0], box)
            assert detail(shown[1], Box(0, 95, 160, 120)) > 0.7 * detail(shown[0], Box(0, 95, 160, 120))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("half", "yolo has not come to its end"),
        ("failed", "yolo failed on it"),
        ("damaged", "1 part of it could not be read"),
        ("unseen", "faces has not looked at it"),
        ("cut", "yolo found more down to a score of 0 than were kept"),
    ],
)
def test_what_is_not_known_whole_is_refused_by_name_and_the_rest_is_written(
    mediaml, house, tmp_path, spoil, why
):
    number = add_image(house, photo_with_exif(tmp_path / "photo.jpg"))
    bad = add_image(house, photo_with_exif(tmp_path / "bad.jpg"))
    model, ledger = house.model("yolo"), house.ledger
    ledger.supersede(bad, model, restart=True)
    answers = (FrameAnswer(0, 0.0, 0.0, Prediction()),)
    info = MediaInfo(str(tmp_path / "bad.jpg"), Kind.IMAGE, 160, 120)
    task = Task(bad, model, 0)
    if spoil == "half":
        ledger.commit([record_of(TaskResult(task, answers, last=False, info=info))])
    elif spoil == "failed":
        ledger.commit([record_of(TaskResult(task, failure=Failure("decode", "X", "y"), info=info))])
    else:
        accounts = DecodeAccounts(corrupt=int(spoil == "damaged"))
        left = (replace(answers[0], cut=0.3),) if spoil == "cut" else answers
        ledger.commit([record_of(TaskResult(task, left, accounts=accounts, info=info))])
    if spoil == "unseen":
        faces = house.model("faces")
        house.answer(faces)
        ledger.commit([record_of(TaskResult(Task(number, faces, 0), answers, info=info))])
    said = mediaml("render", "out", "--style", "pixelate", "-o", "to")
    assert said.code == 1
    assert f"bad.jpg is not rendered: {why}" in said.err
    assert ("run it again with -O yolo.conf=0" in said.err) == (spoil == "cut")
    names = {path.name for path in (tmp_path / "to").iterdir()}
    assert names == {"clip.pixelate.mp4", "photo.pixelate.jpg"}


def test_moved_and_changed_sources(mediaml, house, tmp_path):
    (tmp_path / "new").mkdir()
    source = house.given.path.rename(tmp_path / "new/clip.mp4")
    said = mediaml("render", "out", "-o", "to")
    assert said.code == 1 and "clip.mp4 is not at" in said.err and "--root" in said.err
    assert mediaml("render", "out", "-o", "to", "--root", "new").code == 0
    assert (tmp_path / "to/clip.boxes.mp4").exists()
    said = mediaml("render", "out", "-o", "to2", "--root", "nowhere")
    assert said.code == 2 and "--root nowhere is not a folder" in said.err
    with source.open("ab") as file:
        file.write(b"\0" * 8)
    said = mediaml("render", "out", "-o", "to3", "--root", "new")
    assert said.code == 1 and "has changed since it was read" in said.err
    assert not list((tmp_path / "to3").rglob("*.mp4"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--classes", "persn"], "Did you mean 'person'?"),
        (["--model", "yolp"], "Did you mean 'yolo'?"),
        (["--source", "*.avi"], "no source that matches '*.avi'"),
        (["--style", "trails"], "Run `mediaml track out` first"),
        (["--style", "blurr"], "blur"),
        (["-o", "copy.mp4"], "names a file"),
        (["--style", "blur", "--crops"], "--crops would show what --style blur hides"),
        (["--colours", "none.toml"], "none.toml cannot be read"),
        (["--colours", "bad.json"], "'dog' has no colour: 'red'"),
    ],
)
def test_bad_input_is_named_with_what_to_do(mediaml, house, tmp_path, arguments, text):
    (tmp_path / "bad.json").write_text(json.dumps({"dog": "red"}))
    said = mediaml("render", "out", *arguments)
    assert said.code == 2 and text in said.err
    assert not (tmp_path / "out/rendered").exists()


def test_no_ledger_and_nothing_that_can_be_hidden(mediaml, house, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no ledger" in mediaml("render", "empty").err
    house.answer(house.model("clip", "classify"))
    said = mediaml("render", "out", "--style", "blur", "--model", "clip")
    assert said.code == 2 and "holds no detections" in said.err


def test_a_killed_rendering_goes_on_and_ends_with_the_same_bytes(mediaml, house, tmp_path):
    for number in range(6):
        add_image(house, photo_with_exif(tmp_path / f"photo{number}.jpg"))
    command = ["render", "out", "--style", "blur", "--style", "labels"]
    assert mediaml(*command, "-o", "whole").code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "mediaml", *command, "-o", "to"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not list((tmp_path / "to").glob(".rendering/*.done")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for part in (tmp_path / "to").rglob("*.part"):
        part.unlink()
    assert mediaml(*command, "-o", "to").code == 0
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()} == whole
    assert len(whole) == 7


def test_crops_frames_and_clips_come_with_an_index(mediaml, house, tmp_path):
    said = mediaml(
        *("render", "out", "--crops", "--frames", "--clips", "--every", 0.4, "--classes", "dog", "-o", "to")
    )
    assert said.code == 0
    lines = [json.loads(line) for line in (tmp_path / "to/crops/index.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [0, 10, 20, 30]
    assert {(line["label"], line["score"]) for line in lines} == {("dog", 0.4)}
    for line in lines:
        assert line["file"] == f"clip.mp4/{line['frame']:06}-dog-0.40-0.jpg"
        with Image.open(tmp_path / "to/crops" / line["file"]) as image:
            assert image.size == (30, 30)
    frames = sorted(path.name for path in (tmp_path / "to/frames/clip.mp4").iterdir())
    assert frames == ["000000.jpg", "000010.jpg", "000020.jpg", "000030.jpg"]
    (clip,) = (tmp_path / "to/clips/clip.mp4").iterdir()
    assert clip.name == "00000.00-00001.60.mp4" and len(pictures_of(clip)) == 40
    (tmp_path / "to/crops/mine.txt").write_text("kept")
    assert "exists already" in mediaml("render", "out", "--crops", "-o", "to").err
    assert mediaml("render", "out", "--crops", "-o", "to", "--overwrite", "--every", 1).code == 0
    assert (tmp_path / "to/crops/mine.txt").read_text() == "kept"
    assert len(list((tmp_path / "to/crops").rglob("*.jpg"))) == 4


def test_heat_maps_are_pictures_of_the_whole(mediaml, house, tmp_path):
    for name in ("one.jpg", "two.jpg"):
        add_image(house, photo_with_exif(tmp_path / name))
    assert mediaml("render", "out", "--heatmaps", "--classes", "person", "-o", "to").code == 0
    folder = tmp_path / "to/heatmaps"
    lines = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert [(line["file"], line["sources"]) for line in lines] == [
        ("clip.mp4.jpg", 1),
        ("all-160x120.jpg", 2),
    ]
    with Image.open(folder / "clip.mp4.jpg") as image:
        heated = np.asarray(image).astype(int)
    # Of the 40 frames, this is the one behind the colours; far from the square it is as it was.
    plain = pictures_of(house.given.path)[20].astype(int)
    colored = (abs(heated - plain).max(axis=2) > 60).any(axis=0)
    reached = [square_box(frame) for frame in range(40)]
    left, right = min(box.left for box in reached), max(box.right for box in reached)
    assert colored[int(left) : int(right)].mean() > 0.9
    assert not colored[int(right) + 12 :].any() and not colored[: max(0, int(left) - 12)].any()
    with Image.open(folder / "all-160x120.jpg") as image:
        red, _, blue = np.asarray(image).astype(int)[60, 70]
    assert red > blue + 40  # the most of all, where both photos have the box
    assert is_annotated_copy(folder / "all-160x120.jpg")


def test_a_run_can_take_pieces_too(mediaml, square_finder, tmp_path):
    from tests.support.media.files import write_square_video

    write_square_video(tmp_path / "clip.mp4", frames=5)
    run = ("run", "-p", "yolo", "-m", square_finder, "clip.mp4", "--no-annotate", "--crops")
    for _ in range(2):
        assert mediaml(*run).code == 0
        assert len(list((tmp_path / "mediaml-out/rendered/crops/clip.mp4").iterdir())) == 5


def test_a_contact_sheet_shows_each_object_once_per_second(mediaml, house, tmp_path):
    add_image(house, photo_with_exif(tmp_path / "photo.jpg"))
    said = mediaml("montage", "out", "--classes", "dog", "--tile", 100, "-o", "sheet.png")
    assert (said.code, said.err) == (0, "2 tiles in sheet.png\n")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size[0] == 2 * 108 + 8
    assert is_annotated_copy(tmp_path / "sheet.png"), "a later run leaves it out"
    assert "exists already" in mediaml("montage", "out", "-o", "sheet.png").err
    assert mediaml("montage", "out", "--frames", "-o", "sheet.png", "--overwrite").err.startswith("3 tiles")
    assert "neither JPEG nor PNG" in mediaml("montage", "out", "-o", "sheet.gif").err
    assert mediaml("montage", "out", "--conf", 1, "-o", "none.jpg").code == 5


def test_the_examples_of_the_document_run(mediaml, house, tmp_path):
    """Every command of docs/render.md, in order, on a clip with a person and a dog."""
    text = (REPOSITORY / "docs" / "render.md").read_text(encoding="utf-8")
    commands = re.findall(r"^mediaml (.+?)(?:\s+#.*)?$", text, flags=re.MULTILINE)
    assert len(commands) == 13
    (tmp_path / "out").rename(tmp_path / "mediaml-out")
    (tmp_path / "colours.toml").write_text('person = "#ff0080"\n')
    (tmp_path / "moved").mkdir()
    for command in commands:
        if "--root moved" in command:
            house.given.path.rename(tmp_path / "moved/clip.mp4")
            assert mediaml(*shlex.split(command)).code == 0
            (tmp_path / "moved/clip.mp4").rename(house.given.path)
        else:
            said = mediaml(*shlex.split(command))
            assert said.code == 0, (command, said.err)
    assert (tmp_path / "hidden/clip.blur.mp4").exists() and (tmp_path / "sheet.jpg").exists()
