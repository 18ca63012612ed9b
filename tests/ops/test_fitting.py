"""Geometry and pixels of fitting, against Pillow and the published CLIP preprocessing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Fit, Resample
from mediaml.ops.fitting import Fitting, fit_image, letterbox_shape, place
from mediaml.ops.resampling import resample_window

PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
TOLERANCE = {"bilinear": 1, "bicubic": 0}
SIDES = st.integers(1, 5000)
FITS = st.sampled_from(["stretch", "letterbox", "letterbox-top-left", "crop"])


def picture(width: int, height: int, seed: int = 0) -> UInt8Array:
    """Hard black and white blocks of many sizes over noise: what resampling gets wrong first."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 2, (height // 5 + 1, width // 7 + 1, 3), dtype=np.uint8) * 255
    image = blocks.repeat(5, axis=0).repeat(7, axis=1)[:height, :width]
    image[:, : width // 2] = random.integers(0, 256, (height, width // 2, 3), dtype=np.uint8)
    return image


def pillow_resize(image: UInt8Array, width: int, height: int, resample: Resample) -> UInt8Array:
    """Pillow's resize, columns first, whatever order its version would take."""
    columns_first = Image.fromarray(image).resize((width, image.shape[0]), PILLOW[resample])
    return np.asarray(columns_first.resize((width, height), PILLOW[resample]))


def largest_difference(a: UInt8Array, b: UInt8Array) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("resample", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((640, 480), (416, 312)),
        ((1280, 720), (224, 126)),
        ((37, 53), (224, 321)),
        ((300, 40), (100, 200)),
        ((1, 1), (32, 32)),
        ((2000, 3), (16, 1)),
        ((64, 64), (64, 10)),
        ((64, 64), (10, 64)),
    ],
)
def test_resampling_equals_pillow(
    source: tuple[int, int], target: tuple[int, int], resample: Resample
) -> None:
    image = picture(*source)
    ours = fit_image(image, *target, "stretch", resample=resample)
    assert ours.shape == (target[1], target[0], 3)
    assert ours.dtype == np.uint8
    assert largest_difference(ours, pillow_resize(image, *target, resample)) <= TOLERANCE[resample]


@settings(max_examples=40, deadline=None)
@given(
    source=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    target=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    resample=st.sampled_from(["bilinear", "bicubic"]),
)
def test_resampling_equals_pillow_at_any_size(
    source: tuple[int, int], target: tuple[int, int], resample: Resample
) -> None:
    image = picture(*source)
    ours = fit_image(image, *target, "stretch", resample=resample)
    assert largest_difference(ours, pillow_resize(image, *target, resample)) <= TOLERANCE[resample]


@settings(max_examples=60, deadline=None)
@given(
    source=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    target=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_opencv_linear_is_opencvs(source: tuple[int, int], target: tuple[int, int]) -> None:
    image = picture(*source)
    expected = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(fit_image(image, *target, "stretch", resample="opencv-linear"), expected)
    window = slice(target[0] // 3, target[0] // 3 + 1), slice(target[1] // 2, target[1] // 2 + 1)
    part = resample_window(image, target, *window, "opencv-linear")
    assert largest_difference(part, expected[window[1], window[0]]) <= 1


def test_a_letterbox_top_left_is_yolox() -> None:
    # YOLOX's `preproc`: grey 114 right and below, int(side * ratio), cv2.INTER_LINEAR.
    image = picture(854, 481)
    ratio = min(416 / 481, 416 / 854)
    expected = np.full((416, 416, 3), 114, np.uint8)
    resized = cv2.resize(image, (int(854 * ratio), int(481 * ratio)), interpolation=cv2.INTER_LINEAR)
    expected[: resized.shape[0], : resized.shape[1]] = resized
    ours = fit_image(image, 416, 416, "letterbox-top-left", resample="opencv-linear")
    assert np.array_equal(ours, expected)


def test_clip_preprocessing_equals_the_published_one(assets: Path) -> None:
    folder = assets / "models" / "clip"
    facts = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
    with Image.open(folder / "franz-kafka.jpg") as photo:
        image = np.asarray(photo.convert("RGB"))
    ours = fit_image(image, 224, 224, "crop", resample="bicubic") / 255.0
    published = np.load(folder / "lakera_expected_preprocessed_image.npy")[0].transpose(1, 2, 0)
    unnormalised = published * np.array(facts["image_std"]) + np.array(facts["image_mean"])
    assert np.abs(ours - unnormalised).max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (101, 100), (7, 900)])
def test_crop_cuts_the_centre_of_the_scaled_picture(width: int, height: int) -> None:
    image = picture(width, height)
    fitting = Fitting.of(width, height, 64, 64, "crop")
    whole = fit_image(image, fitting.content_width, fitting.content_height, "stretch")
    assert np.array_equal(fit_image(image, 64, 64, "crop"), place(whole, fitting, 0))


@pytest.mark.parametrize("margin", range(8))
def test_a_crop_rounds_its_margin_as_torchvision_does(margin: int) -> None:
    # torchvision.transforms.functional.center_crop: int(round((image_width - crop_width) / 2.0))
    left = [0, 0, 1, 2, 2, 2, 3, 4][margin]
    assert Fitting.of(64 + margin, 64, 64, 64, "crop").offset_x == -left
    assert Fitting.of(64, 64 + margin, 64, 64, "crop").offset_y == -left
    larger = Fitting.of(67 + margin, 67, 67, 67, "crop")
    left_of_both = [2, 2, 2, 3, 4, 4, 4, 5][margin]
    assert larger.middle(64, 64) == (larger.offset_x + left_of_both, 2)


def test_crop_of_a_thin_picture_computes_only_what_shows() -> None:
    image = picture(20_000, 2)
    assert Fitting.of(20_000, 2, 224, 224, "crop").content_width == 2_240_000
    assert fit_image(image, 224, 224, "crop", resample="bicubic").shape == (224, 224, 3)


def test_letterbox_pads_around_the_picture() -> None:
    image = np.full((50, 100, 3), 200, np.uint8)
    fitted = fit_image(image, 64, 64, "letterbox", pad=7)
    assert (fitted[16:48] == 200).all()
    assert (fitted[:16] == 7).all()
    assert (fitted[48:] == 7).all()


def test_place_lays_scaled_pixels_as_fit_image_does() -> None:
    image = picture(90, 60)
    for fit in get_args(Fit):
        fitting = Fitting.of(90, 60, 48, 64, fit)
        content = fit_image(image, fitting.content_width, fitting.content_height, "stretch")
        assert np.array_equal(place(content, fitting, 114), fit_image(image, 48, 64, fit))


@given(SIDES, SIDES, SIDES, SIDES)
def test_letterbox_content_is_inside_and_touches_two_edges(sw: int, sh: int, w: int, h: int) -> None:
    fitting = Fitting.of(sw, sh, w, h, "letterbox")
    assert 1 <= fitting.content_width <= w
    assert 1 <= fitting.content_height <= h
    assert fitting.content_width == w or fitting.content_height == h
    assert 0 <= fitting.offset_x <= w - fitting.content_width
    assert abs(2 * fitting.offset_x + fitting.content_width - w) <= 1
    assert abs(2 * fitting.offset_y + fitting.content_height - h) <= 1


@given(SIDES, SIDES, SIDES, SIDES)
def test_crop_content_covers_the_target(sw: int, sh: int, w: int, h: int) -> None:
    fitting = Fitting.of(sw, sh, w, h, "crop")
    assert fitting.content_width >= w
    assert fitting.content_height >= h
    assert fitting.content_width == w or fitting.content_height == h
    assert fitting.offset_x <= 0 <= fitting.offset_x + fitting.content_width - w
    assert fitting.offset_y <= 0 <= fitting.offset_y + fitting.content_height - h


@given(
    st.integers(1, 4000),
    st.integers(1, 4000),
    st.integers(32, 1280),
    st.integers(32, 1280),
    FITS,
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_boxes_come_back(sw: int, sh: int, w: int, h: int, fit: Fit, share: list[float]) -> None:
    fitting = Fitting.of(sw, sh, w, h, fit)
    boxes = np.array([share], np.float32) * np.array([sw, sh, sw, sh], np.float32)
    back = fitting.to_source(fitting.to_target(boxes))
    assert back.dtype == np.float32
    # float32 carries 24 bits; the offset of a crop or of bars can be far larger than the box.
    shrink = max(sw / fitting.content_width, sh / fitting.content_height)
    reach = max(fitting.content_width, fitting.content_height, w, h)
    np.testing.assert_allclose(back, boxes, atol=4e-7 * reach * max(shrink, 1.0), rtol=1e-6)


@given(SIDES, SIDES, FITS)
def test_the_whole_picture_is_the_whole_content(sw: int, sh: int, fit: Fit) -> None:
    fitting = Fitting.of(sw, sh, 320, 256, fit)
    corners = fitting.to_target(np.array([[0, 0, sw, sh]], np.float32))[0]
    x, y = fitting.offset_x, fitting.offset_y
    expected = [x, y, x + fitting.content_width, y + fitting.content_height]
    # Rounded down to whole pixels, and boxes scaled by the ratio: YOLOX's own arithmetic.
    off = (
        1.0 if fit == "letterbox-top-left" and min(fitting.content_width, fitting.content_height) > 1 else 0.0
    )
    if fit != "letterbox-top-left" or off:
        np.testing.assert_allclose(corners, expected, rtol=1e-5, atol=off)


@given(SIDES, SIDES, st.integers(1, 40), st.sampled_from([1, 8, 32, 64]))
def test_letterbox_shape_is_the_smallest_rectangle(sw: int, sh: int, cells: int, stride: int) -> None:
    size = cells * stride
    width, height = letterbox_shape(sw, sh, size, stride)
    assert width % stride == 0 == height % stride
    assert max(width, height) == size
    fitting = Fitting.of(sw, sh, width, height, "letterbox")
    assert max(fitting.content_width, fitting.content_height) == size
    for side, exact in ((width, sw * size / max(sw, sh)), (height, sh * size / max(sw, sh))):
        assert exact - 1e-6 <= side < exact + stride


def test_known_letterbox() -> None:
    assert letterbox_shape(768, 576, 416, 32) == (416, 320)
    fitting = Fitting.of(768, 576, 416, 320, "letterbox")
    assert (fitting.content_width, fitting.content_height) == (416, 312)
    assert (fitting.offset_x, fitting.offset_y) == (0, 4)


def test_nonsense_is_refused() -> None:
    image = picture(8, 8)
    with pytest.raises(ValueError, match="positive"):
        Fitting.of(8, 8, 0, 8, "crop")
    with pytest.raises(ValueError, match="unknown fit"):
        Fitting.of(8, 8, 8, 8, "cover")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        letterbox_shape(8, 8, 32, 0)
    with pytest.raises(ValueError, match=r"\[H, W, 3\]"):
        fit_image(image[:, :, 0], 8, 8, "crop")
    with pytest.raises(ValueError, match="positive"):
        fit_image(image[:0], 8, 8, "crop")
    with pytest.raises(ValueError, match="shape"):
        place(image, Fitting.of(8, 8, 4, 4, "stretch"), 0)
    with pytest.raises(ValueError, match="window"):
        resample_window(image, (4, 4), slice(0, 5), slice(0, 4), "bilinear")
