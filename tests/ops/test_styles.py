"""Styles: each changes what it is for, on RGB and on planes alike, and leaves all other pixels alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.drawing import Painter
from mediaml.ops.heat import HeatMap
from mediaml.ops.look import STYLES, Look
from mediaml.ops.overlay import Overlay, Trail
from mediaml.ops.palette import color_of
from mediaml.ops.surface import RgbSurface, YuvSurface
from mediaml.ops.yuv import BT709, Planes, planes_of

WIDTH, HEIGHT = 320, 240
BOX = Box(101, 91, 221, 171)
FOUND = Detection(Label("person", 0.9), BOX, track=3)
HEAT = HeatMap(WIDTH, HEIGHT)
HEAT.add([BOX], 1.0)
OVERLAY = Overlay(
    detections=(FOUND,),
    trails=(Trail("person", 3, ((30, 200), (60, 160), (161, 131))),),
    heat=HEAT.levels(HEAT.most()),
)
INNER = np.s_[100:160, 110:210]


def noise() -> UInt8Array:
    return np.random.default_rng(0).integers(16, 236, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def drawn(style: str, overlay: Overlay = OVERLAY, **look: object) -> UInt8Array:
    image = noise()
    Painter(WIDTH, HEIGHT, Look((style,), **look)).draw(RgbSurface(image), overlay)  # type: ignore[arg-type]
    return image


def copied(planes: Planes) -> Planes:
    return Planes(planes.y.copy(), planes.u.copy(), planes.v.copy())


@pytest.mark.parametrize("style", sorted(STYLES))
def test_planes_change_where_rgb_does_and_nowhere_else(style: str) -> None:
    before = planes_of(noise(), BT709)
    after = copied(before)
    Painter(WIDTH, HEIGHT, Look((style,))).draw(YuvSurface(after, BT709), OVERLAY)
    changed = (drawn(style) != noise()).any(axis=2)
    assert 0 < changed.mean() < 1
    # A pixel that shares its chroma sample with a changed one may change with it.
    near = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3))) > 0
    assert not (after.y != before.y)[~near].any()
    quarter = near.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).any(axis=(1, 3))
    assert not (after.u != before.u)[~quarter].any() and not (after.v != before.v)[~quarter].any()
    assert (after.y != before.y).any()


@pytest.mark.parametrize("style", ["blur", "pixelate"])
def test_hidden_pixels_hold_no_more_than_a_few_blocks(style: str) -> None:
    image = drawn(style)
    assert image[INNER].std() < noise()[INNER].std() / 4
    assert (image[:70] == noise()[:70]).all()
    if style == "pixelate":
        # The box grows to at most 146 x 106 pixels; its blocks are a sixth of its shorter side.
        assert len(np.unique(image[80:182, 90:232].reshape(-1, 3), axis=0)) <= 11 * 8


def test_what_is_held_is_hidden_but_not_named() -> None:
    held = Overlay(held=(FOUND,))
    assert (drawn("blur", held)[INNER] != noise()[INNER]).any()
    assert (drawn("boxes", held) == noise()).all()


def test_the_margin_is_hidden_too() -> None:
    narrow, wide = drawn("blur", margin=0.0), drawn("blur", margin=0.5)
    assert (narrow[:, :96] == noise()[:, :96]).all()
    assert (wide[100:160, 46:96] != noise()[100:160, 46:96]).any(axis=2).mean() > 0.9


def test_dim_darkens_all_but_the_box() -> None:
    image = drawn("dim")
    assert (image[INNER] == noise()[INNER]).all()
    assert np.abs(image[:80].astype(int) - 0.35 * noise()[:80]).max() <= 0.5
    planes = planes_of(noise(), BT709)
    Painter(WIDTH, HEIGHT, Look(("dim",))).draw(YuvSurface(planes, BT709), OVERLAY)
    assert np.abs(planes.y[:80].astype(int) - planes_of(image, BT709).y[:80]).max() <= 1


def test_heat_is_laid_over_the_image_as_alpha_says() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    image = grey.copy()
    Painter(WIDTH, HEIGHT, Look(("heatmap",))).draw(RgbSurface(image), OVERLAY)
    red = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), cv2.COLORMAP_TURBO)[0, 0, ::-1]
    assert np.abs(image[131, 161] - (0.4 * 100 + 0.6 * red)).max() <= 3
    assert (image[:60] == 100).all()
    planes = planes_of(grey, BT709)
    Painter(WIDTH, HEIGHT, Look(("heatmap",))).draw(YuvSurface(planes, BT709), OVERLAY)
    assert np.abs(planes.y.astype(int) - planes_of(image, BT709).y).max() <= 2


def test_a_trail_leads_to_the_object_in_its_colour() -> None:
    image = drawn("trails")
    assert (image[131, 161] == color_of("person")).all()
    assert (image[180, 45] == color_of("person")).all()
    assert (drawn("trails", Overlay(detections=(FOUND,))) == noise()).all()


def test_sizes_and_colours_can_be_chosen() -> None:
    image = drawn("boxes", thickness=7, font_size=30, colors=(("Person", (1, 2, 3)),))
    assert (image[130, 101:108] == (1, 2, 3)).all() and (image[130, 109] == noise()[130, 109]).all()
    small = drawn("labels", font_size=12, colors=(("person", (1, 2, 3)),))
    assert (image == (1, 2, 3)).all(axis=2)[:91].sum() > 3 * (small == (1, 2, 3)).all(axis=2)[:91].sum()


def test_corners_leave_the_middle_of_the_sides_open() -> None:
    image = drawn("corners")
    assert (image[91, 101] == color_of("person")).all()
    assert (image[131, 101] == noise()[131, 101]).all()


@pytest.mark.parametrize(
    "wrong", [{"styles": ("blurr",)}, {"styles": ()}, {"margin": -1.0}, {"thickness": 0}]
)
def test_a_look_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"style|must"):
        Look(**wrong)  # type: ignore[arg-type]
