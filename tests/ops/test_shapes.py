"""Outlines and keypoints are drawn where they are, on RGB pixels and on the planes of a video frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mediaml.core.prediction import Box, Detection, Keypoint, Label
from mediaml.ops.drawing import Overlay, Painter
from mediaml.ops.palette import color_of
from mediaml.ops.shapes import stroke_of
from mediaml.ops.surface import RgbSurface, YuvSurface
from mediaml.ops.yuv import BT709, planes_of, yuv_of

DIAMOND = ((50.0, 10.0), (90.0, 50.0), (50.0, 90.0), (10.0, 50.0))


def drawn(found: Detection, size: int = 128) -> np.ndarray:
    image = np.zeros((size, size, 3), np.uint8)
    Painter(size, size).draw(RgbSurface(image), Overlay(detections=(found,)))
    return image


def diamond(**more: object) -> Detection:
    return Detection(Label("kite", 0.9), Box(10, 10, 90, 90), outline=(DIAMOND,), **more)  # type: ignore[arg-type]


def test_an_outline_lies_where_pillow_draws_it() -> None:
    stroke = stroke_of(diamond(), 3, 128, 128)
    assert stroke is not None
    ours = np.zeros((128, 128), bool)
    height, width = stroke.pixels.shape
    ours[stroke.top : stroke.top + height, stroke.left : stroke.left + width] = stroke.pixels
    canvas = Image.new("L", (128, 128))
    for start, end in pairwise((*DIAMOND, DIAMOND[0])):
        ImageDraw.Draw(canvas).line([start, end], fill=255, width=3)
    theirs = np.asarray(canvas) > 0
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.75
    rows, columns = np.nonzero(ours)
    assert rows.min() >= 7 and rows.max() <= 93 and columns.min() >= 7 and columns.max() <= 93


def test_an_outline_takes_the_place_of_the_box() -> None:
    image = drawn(diamond())
    assert tuple(image[89, 50]) == color_of("kite")
    assert not image[89, 12].any() and not image[89, 88].any(), "corners of the box"


def test_keypoints_are_drawn_beside_the_box_and_weak_ones_are_not() -> None:
    points = (Keypoint(40, 60, 0.9), Keypoint(70, 60, 0.1))
    image = drawn(Detection(Label("cat", 0.9), Box(10, 30, 90, 90), keypoints=points))
    assert tuple(image[60, 40]) == color_of("cat") == tuple(image[89, 50])
    assert not image[60, 70].any()


def test_a_person_has_a_skeleton() -> None:
    points = tuple(Keypoint(64, 64, 0.0) for _ in range(5))
    arms = (Keypoint(30, 40), Keypoint(90, 40), *(Keypoint(64, 64, 0.0) for _ in range(10)))
    image = drawn(Detection(Label("person", 0.9), Box(20, 20, 100, 120), keypoints=(*points, *arms)))
    assert tuple(image[40, 60]) == color_of("person"), "between the shoulders"


def test_planes_are_coloured_as_rgb_pixels_are() -> None:
    found = diamond()
    planes = planes_of(np.zeros((128, 128, 3), np.uint8), BT709)
    surface = YuvSurface(planes, BT709)
    stroke = stroke_of(found, 3, 128, 128)
    assert stroke is not None
    surface.paint(stroke, (255, 0, 0))
    mask = np.zeros((128, 128), bool)
    height, width = stroke.pixels.shape
    mask[stroke.top : stroke.top + height, stroke.left : stroke.left + width] = stroke.pixels
    y, u, v = yuv_of((255, 0, 0), BT709)
    assert ((planes.y == y) == mask).all()
    assert ((planes.u == u) == mask.reshape(64, 2, 64, 2).any(axis=(1, 3))).all() and (planes.v == v).any()


@pytest.mark.parametrize("far", [-1e9, 1e9])
def test_what_is_beyond_the_image_is_left_out(far: float) -> None:
    outside = tuple((x + far, y + far) for x, y in DIAMOND)
    assert stroke_of(Detection(Label("kite", 0.9), Box(0, 0, 1, 1), outline=(outside,)), 3, 64, 64) is None
    partly = ((10.0, 10.0), (far, 10.0), (10.0, 60.0))
    stroke = stroke_of(Detection(Label("kite", 0.9), Box(0, 0, 1, 1), outline=(partly,)), 3, 64, 64)
    assert stroke is not None and stroke.pixels.any()


def test_a_shape_moves_with_its_box() -> None:
    found = diamond(keypoints=(Keypoint(50, 50, 0.5),)).placed(2, 0.5, 10, 20)
    assert found.box.corners == (30, 25, 190, 65)
    assert found.outline[0][0] == (110, 25) and found.keypoints == (Keypoint(110, 45, 0.5),)


def test_boxes_of_other_models_move_too() -> None:
    first = Overlay.of_models([])
    assert first.placed(1, 1, 5, 5) == first
