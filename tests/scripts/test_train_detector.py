"""The detector's training, piece by piece: what needs no PyTorch first."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.training.detector import augment, card, golden
from scripts.training.detector.data import Photo, halve, hold_out, load_photos


def _photo(name: str = "a.png", *, boxes: Sequence[Sequence[float]] = (), complete: bool = True) -> Photo:
    """A smooth 96 x 64 picture, so that resampling has one right answer."""
    y, x = np.mgrid[:64, :96]
    pixels = np.stack((x * 2, y * 3, x + y), -1).astype(np.uint8)
    table = np.array(boxes, np.float32).reshape(-1, 4)
    kinds = np.zeros(len(table), np.int64)
    return Photo(name, (pixels, halve(pixels)), table, kinds, np.ones(len(table), np.float32), complete)


def test_photos_are_read_with_their_boxes(tmp_path: Path) -> None:
    photo = _photo()
    with tarfile.open(tmp_path / "train-1.tar", "w") as tar:
        content = cv2.imencode(".png", photo.levels[0][:, :, ::-1])[1].tobytes()
        member = tarfile.TarInfo("a.png")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    boxes = [{"bbox": [10, 20, 30, 40], "iscrowd": 0}, {"bbox": [0, 0, 96, 64], "iscrowd": 1}]
    index = {
        "images": [{"id": 5, "file_name": "a.png", "source": "voc2012"}],
        "annotations": [{"image_id": 5, "category_id": 7, **entry} for entry in boxes],
    }
    (tmp_path / "train.json").write_text(json.dumps(index), encoding="utf-8")
    (read,) = load_photos(tmp_path, "train")
    assert np.array_equal(read.levels[0], photo.levels[0])
    assert read.boxes.tolist() == [[10, 20, 40, 60]]
    assert read.classes.tolist() == [7]
    assert not read.complete


def test_only_complete_photos_are_held_out_and_always_the_same() -> None:
    photos = [_photo(f"{number}", complete=number % 2 == 0) for number in range(10)]
    kept, watched = hold_out(photos, 3, seed=0)
    assert len(watched) == 3
    assert all(photo.complete for photo in watched)
    assert {photo.name for photo in kept}.isdisjoint(photo.name for photo in watched)
    assert [photo.name for photo in hold_out(photos, 3, seed=0)[1]] == [photo.name for photo in watched]


def test_rendering_at_scale_one_copies_the_photo() -> None:
    photo = _photo()
    shifted = augment.Tile(0, 1.0, 1.0, -8.0, -4.0, (0, 0, 32, 32))
    assert np.array_equal(augment.render([photo], (shifted,), 32), photo.levels[0][4:36, 8:40])
    mirrored = augment.Tile(0, -1.0, 1.0, 96.0, 0.0, (0, 0, 96, 64))
    canvas = augment.render([photo], (mirrored,), 96)
    assert np.array_equal(canvas[:64], photo.levels[0][:, ::-1])
    assert (canvas[64:] == augment.FILL).all()


@pytest.mark.parametrize("scale", [0.5, 0.65, 0.8, 1.5])
def test_both_levels_and_all_scales_put_pixels_where_boxes_go(scale: float) -> None:
    tile = augment.Tile(0, scale, scale, 3.25, 2.5, (0, 0, 64, 64))
    canvas = augment.render([_photo()], (tile,), 64).astype(float)
    column, row = 20, 14
    # The centre of sample pixel (20, 14) is photo position ((20.5 - shift) / scale) - 0.5 in pixel centres.
    x, y = (column + 0.5 - 3.25) / scale - 0.5, (row + 0.5 - 2.5) / scale - 0.5
    assert canvas[row, column] == pytest.approx([2 * x, 3 * y, x + y], abs=1.5)


def test_boxes_follow_the_picture_and_stay_in_their_tile() -> None:
    photos = [_photo(boxes=[[10, 10, 30, 30], [80, 10, 90, 20]])]
    tile = augment.Tile(0, -1.0, 1.0, 40.0, 0.0, (0, 0, 32, 32))
    rows = augment.place_boxes(photos, [(), (tile,)])
    # Mirrored about 40: 10..30 becomes 10..30, its bottom 30 fits; 80..90 becomes -50..-40, out of the tile.
    assert rows.tolist() == [[1, 0, 10, 10, 30, 30, 1]]


def test_a_box_cut_to_a_sliver_is_left_to_the_teacher() -> None:
    photos = [_photo(boxes=[[0, 0, 40, 20]])]
    kept = augment.Tile(0, 1.0, 1.0, -20.0, 0.0, (0, 0, 64, 64))
    cut = augment.Tile(0, 1.0, 1.0, -30.0, 0.0, (0, 0, 64, 64))
    assert len(augment.place_boxes(photos, [(kept,)])) == 1
    assert len(augment.place_boxes(photos, [(cut,)])) == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([64, 160, 256]))
def test_every_plan_covers_the_sample_and_renders(seed: int, size: int) -> None:
    photos = [_photo(boxes=[[10, 10, 60, 50]]), _photo()]
    rng = np.random.default_rng(seed)
    sample = augment.plan_sample(rng, photos, augment.draw_chances(photos), size, augment.Recipe())
    covered = sum((r - left) * (b - top) for left, top, r, b in (tile.area for tile in sample))
    assert covered == size * size
    with ThreadPoolExecutor(1) as pool:
        assert augment.render_batch(photos, [sample], size, pool).shape == (1, size, size, 3)
    rows = augment.place_boxes(photos, [sample])
    assert ((rows[:, 2:6] >= 0) & (rows[:, 2:6] <= size)).all()


def test_rare_classes_are_drawn_more_often() -> None:
    common = [_photo(boxes=[[0, 0, 9, 9]]) for _ in range(99)]
    rare = _photo(boxes=[[0, 0, 9, 9]])
    rare.classes[:] = 5
    chances = np.diff(augment.draw_chances([*common, rare], often=0.04), prepend=0.0)
    assert chances[-1] / chances[0] == pytest.approx(2.0)  # sqrt(.04 / .01)
    assert chances.sum() == pytest.approx(1.0)


def test_golden_pictures_are_the_same_every_time() -> None:
    pictures = golden.draw_pictures()
    assert pictures.shape == (2, 96, 128, 3)
    assert np.array_equal(pictures, golden.draw_pictures())


def test_the_card_says_what_is_missed_and_by_how_much() -> None:
    goals = card.goals({"ap50": 0.1}, 8_000_000, 1_100_000_000)
    assert [goal["met"] for goal in goals] == [False, False, True, True]
    assert goals[0]["figure"] == "AP50 0.100, 0.050 short"
    assert goals[1]["figure"] == "AP50 0.100, 0.235 short"


def test_the_card_counts_photos_by_source() -> None:
    counted = card.count_items(["coco_train2017_1.jpg", "voc2012_2.jpg", "coco_val2017_3.jpg", "x.jpg"])
    assert [entry["items"] for entry in counted] == [2, 1, 0]
