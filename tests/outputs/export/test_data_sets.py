"""YOLO, Pascal VOC, CVAT and FiftyOne, read back by what their documentation says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

import mediaml
from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.core.prediction import Keypoint, Prediction
from tests.support.export_folder import HEIGHT, WIDTH, ExportFolder, found

SQUARE = ((10.0, 20.0), (60.0, 20.0), (60.0, 80.0), (10.0, 80.0))
SMALL = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0))


def read_yolo(folder):
    """By image stem, the lines of a data set: Ultralytics finds labels by replacing `images` in the path."""
    facts = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    labels = folder / facts["train"].replace("images", "labels")
    lines = {
        str(path.relative_to(labels).with_suffix("")): [
            [float(value) for value in line.split()] for line in path.read_text().splitlines()
        ]
        for path in labels.rglob("*.txt")
    }
    return facts, lines


def one_image(folder, *detections, name="a.jpg", path=None):
    made = ExportFolder(folder)
    made.add(name, Kind.IMAGE, [Prediction(detections=detections)], path=path)
    made.ledger.close()
    return folder


def test_yolo_boxes_are_centres_and_sizes_as_shares(made, tmp_path):
    facts, lines = read_yolo(mediaml.export(made.folder, "yolo", tmp_path / "set"))
    assert facts["names"] == {0: "person", 1: "traffic light", 2: 'a "b", c', 3: "=1+1"}
    assert facts["val"] == "images"
    assert "kpt_shape" not in facts
    class_, x, y, width, height = lines["in/photo"][0]
    assert class_ == 0
    assert (x * WIDTH, y * HEIGHT, width * WIDTH, height * HEIGHT) == pytest.approx(
        (35, 50, 50, 60), abs=1e-3
    )
    assert len(lines) == 16
    assert [line[0] for line in lines["in/walk.mp4/000005"]] == [0, 1]
    assert lines["in/walk.mp4/000014"] == []
    assert all(0 <= value <= 1 for found_ in lines.values() for line in found_ for value in line[1:])


def test_yolo_outlines_are_polygons(tmp_path):
    shaped = found("person", 0.9, (0, 0, 60, 80), outline=(SMALL, SQUARE))
    folder = one_image(tmp_path / "out", shaped, found("=1+1", 0.9, (0, 0, 100, 50)))
    _, lines = read_yolo(mediaml.export(folder, "yolo"))
    first, second = lines["a"]
    assert first == pytest.approx([0, 0.05, 0.2, 0.3, 0.2, 0.3, 0.8, 0.05, 0.8])
    assert second == pytest.approx([3, 0, 0, 0.5, 0, 0.5, 0.5, 0, 0.5])


def test_yolo_keypoints_follow_the_box(tmp_path):
    points = (Keypoint(20, 50), Keypoint(100, 25, 0.0))
    folder = one_image(tmp_path / "out", found("person", 0.9, (0, 0, 100, 50), keypoints=points))
    facts, lines = read_yolo(mediaml.export(folder, "yolo"))
    assert facts["kpt_shape"] == [2, 3]
    assert lines["a"][0] == pytest.approx([0, 0.25, 0.25, 0.5, 0.5, 0.1, 0.5, 2, 0, 0, 0])


@pytest.mark.parametrize(("media", "is_link"), [("link", True), ("copy", False)])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("coco", "images"),
        ("yolo", "images"),
        ("voc", "JPEGImages"),
        ("cvat", "images"),
        ("fiftyone", "data"),
    ],
)
def test_images_are_linked_or_copied(tmp_path, media, is_link, name, place):
    photo = tmp_path / "real.jpg"
    photo.write_bytes(b"pixels")
    one_image(tmp_path / "out", found("person", 0.9, (0, 0, 9, 9)), name="in/a.jpg", path=photo)
    placed = mediaml.export(tmp_path / "out", name, media=media) / place / "in/a.jpg"
    assert placed.read_bytes() == b"pixels"
    assert placed.is_symlink() == is_link


def test_an_image_that_is_gone_is_said_and_nothing_is_left(tmp_path):
    folder = one_image(tmp_path / "out", found("person", 0.9, (0, 0, 9, 9)), path=tmp_path / "gone.jpg")
    with pytest.raises(OutputError, match=r"gone\.jpg is gone.*\nAdd --media none"):
        mediaml.export(folder, "yolo", media="copy")
    assert {path.name for path in folder.iterdir()} <= {"ledger.sqlite", ".lock"}


def test_images_whose_names_differ_by_suffix_only_keep_their_own_labels(tmp_path):
    made = ExportFolder(tmp_path / "out")
    for name, score in (("a.jpg", 0.9), ("a.png", 0.8), ("A.webp", 0.7)):
        made.add(name, Kind.IMAGE, [Prediction(detections=(found("person", score, (0, 0, 9, 9)),))])
    made.ledger.close()
    _, lines = read_yolo(mediaml.export(tmp_path / "out", "yolo"))
    assert set(lines) == {"a", "a~2", "A~3"}


def test_voc_boxes_count_pixels_from_one(made, tmp_path):
    folder = mediaml.export(made.folder, "voc", tmp_path / "set", min_score=0.1)
    root = ET.parse(folder / "Annotations/in/photo.xml").getroot()
    assert root.findtext("filename") == "in/photo.jpg"
    size = [root.findtext(f"size/{tag}") for tag in ("width", "height", "depth")]
    assert size == [str(WIDTH), str(HEIGHT), "3"]
    boxes = {
        entry.findtext("name"): [int(child.text) for child in entry.find("bndbox")]
        for entry in root.iter("object")
    }
    assert boxes["person"] == [11, 21, 60, 80]
    assert boxes["traffic light"] == [151, 1, 200, 34]
    assert set(boxes) == {"person", "traffic light", 'a "b", c', "=1+1"}
    listed = (folder / "ImageSets/Main/trainval.txt").read_text(encoding="utf-8").splitlines()
    files = {str(path.relative_to(folder / "Annotations").with_suffix("")) for path in folder.rglob("*.xml")}
    assert len(files) == 16
    assert set(listed) == files


def test_control_characters_do_not_break_xml(tmp_path):
    made = ExportFolder(tmp_path / "out")
    odd = "a\x01<b>&\x1b[0m"
    made.add("a.jpg", Kind.IMAGE, [Prediction(detections=(found(odd, 0.9, (0, 0, 9, 9)),))])
    made.ledger.close()
    voc = ET.parse(mediaml.export(tmp_path / "out", "voc") / "Annotations/a.xml").getroot()
    assert voc.findtext("object/name") == r"a\x01<b>&\x1b[0m"
    cvat = ET.parse(mediaml.export(tmp_path / "out", "cvat") / "images.xml").getroot()
    assert cvat.find("image/box").get("label") == r"a\x01<b>&\x1b[0m"


def test_cvat_images_have_boxes_and_polygons(tmp_path):
    shaped = found("person", 0.9, (10, 20, 60, 80), outline=(SQUARE,))
    folder = one_image(tmp_path / "out", shaped, found("=1+1", 0.9, (0, 0, 100, 50.5)))
    path = mediaml.export(folder, "cvat")
    assert {file.name for file in path.iterdir()} == {"images.xml", ".mediaml-export"}
    root = ET.parse(path / "images.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/labels/label/name") == "person"
    (image,) = root.iterfind("image")
    assert image.attrib == {"id": "0", "name": "a.jpg", "width": str(WIDTH), "height": str(HEIGHT)}
    assert image.find("polygon").get("points") == "10.00,20.00;60.00,20.00;60.00,80.00;10.00,80.00"
    box = image.find("box")
    edges = [float(box.get(name)) for name in ("xtl", "ytl", "xbr", "ybr")]
    assert (box.get("label"), edges) == ("=1+1", [0, 0, 100, 50.5])


def test_cvat_videos_have_tracks_that_end(made, tmp_path):
    root = ET.parse(mediaml.export(made.folder, "cvat", tmp_path / "set") / "in/walk.mp4.xml").getroot()
    assert root.findtext("meta/task/mode") == "interpolation"
    assert root.findtext("meta/task/original_size/width") == str(WIDTH)
    tracks = {int(track.get("id")): track for track in root.iterfind("track")}
    assert [track.get("label") for track in tracks.values()] == ["traffic light"] * 3 + ["person"]
    for number, light in list(tracks.items())[:3]:
        shown = [(int(box.get("frame")), box.get("outside")) for box in light]
        assert shown == [(4 + number, "0"), (5 + number, "1")]
    person = tracks[3].findall("box")
    assert [int(box.get("frame")) for box in person] == list(range(11))
    assert [box.get("outside") for box in person] == ["0"] * 10 + ["1"]
    assert [float(box.get("xtl")) for box in person[:10]] == [index * 5.0 for index in range(10)]


def test_cvat_tracks_do_not_end_after_the_video(tmp_path):
    made = ExportFolder(tmp_path / "out")
    there = (found("person", 0.9, (0, 0, 9, 9), 1), found("traffic light", 0.9, (0, 0, 9, 9)))
    made.add("a.mp4", Kind.VIDEO, [Prediction(detections=there)] * 2, 0.1)
    made.ledger.close()
    root = ET.parse(mediaml.export(tmp_path / "out", "cvat") / "a.mp4.xml").getroot()
    shown = [[(box.get("frame"), box.get("outside")) for box in track] for track in root.iterfind("track")]
    assert shown == [[("0", "0"), ("1", "1")], [("1", "0")], [("0", "0"), ("1", "0")]]


def test_fiftyone_boxes_are_corner_and_size_as_shares(made, tmp_path):
    folder = mediaml.export(made.folder, "fiftyone", tmp_path / "set")
    written = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    (person, light, other) = written["labels"]["in/photo"]
    assert written["classes"][person["label"]] == "person"
    assert person["bounding_box"] == [0.05, 0.2, 0.25, 0.6]
    assert person["confidence"] == pytest.approx(0.9, abs=1e-5)
    assert light["bounding_box"][0] == pytest.approx(150.25 / WIDTH, abs=1e-6)
    assert written["classes"][other["label"]] == 'a "b", c'
    assert written["labels"]["in/walk.mp4/000000"][0]["attributes"] == {"index": 1}
    files = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert files.keys() == written["labels"].keys()
    assert files["in/photo"] == str(Path("/media/in/photo.jpg"))
