"""Drawing: stable colours, legible tags, boxes on the right pixels, on RGB and on YUV planes alike."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.core.arrays import UInt8Array
from mediaml.core.prediction import Box, Detection, Label
from mediaml.ops.drawing import ModelOverlay, Overlay, Painter, Sizes
from mediaml.ops.lettering import StrokeFont, drawable_text, font_of, ink_on, tag
from mediaml.ops.palette import color_of
from mediaml.ops.surface import RgbSurface, YuvSurface
from mediaml.ops.yuv import BT601, BT709, Planes, planes_of, yuv_of

COLORS = st.tuples(*[st.integers(0, 255)] * 3)


def detection(name: str, left: float, top: float, right: float, bottom: float) -> Detection:
    return Detection(Label(name, 0.5), Box(left, top, right, bottom))


def drawn(width: int, height: int, overlay: Overlay) -> UInt8Array:
    image = np.zeros((height, width, 3), np.uint8)
    Painter(width, height).draw(RgbSurface(image), overlay)
    return image


def luminance(color: tuple[int, int, int]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@settings(deadline=None)
@given(COLORS)
def test_text_on_any_tag_has_the_contrast_that_wcag_asks_for(paper: tuple[int, int, int]) -> None:
    dark, bright = sorted((luminance(paper), luminance(ink_on(paper))))
    assert (bright + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(("matrix", "space"), [(BT601, "ITU601"), (BT709, "ITU709")])
@settings(max_examples=30, deadline=None)
@given(color=COLORS)
def test_planes_agree_with_swscale(matrix: object, space: str, color: tuple[int, int, int]) -> None:
    image = np.full((16, 16, 3), color, np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    expected = frame.reformat(format="yuv420p", dst_colorspace=space, dst_color_range="MPEG").to_ndarray()
    planes = planes_of(image, matrix)  # type: ignore[arg-type]
    assert abs(int(planes.y[4, 4]) - int(expected[4, 4])) <= 1
    assert np.abs(planes.u.ravel().astype(int)[0] - expected[16:20].astype(int)).max() <= 1
    assert np.abs(planes.v.ravel().astype(int)[0] - expected[20:24].astype(int)).max() <= 1


def test_chroma_of_the_wrong_shape_is_refused() -> None:
    y = np.zeros((5, 7), np.uint8)
    assert Planes(y, np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.uint8)).width == 7
    with pytest.raises(ValueError, match="chroma"):
        Planes(y, np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))


def test_a_box_is_drawn_on_the_pixels_just_inside_its_edges() -> None:
    image = drawn(320, 240, Overlay(detections=(detection("dog", 100.4, 120.0, 201.0, 199.6),)))
    line = Sizes.of(320, 240).line
    rows, columns = np.nonzero((image == color_of("dog")).all(axis=2)[120:])
    assert (columns.min(), columns.max()) == (100, 200)
    assert rows.max() == 199 - 120
    assert not image[120 + line : 200 - line, 100 + line : 201 - line].any()


def test_planes_show_the_same_marks_as_rgb() -> None:
    overlay = Overlay(
        (Label("street", 0.7),), (detection("car", 51, 70, 150, 131), detection("café 汉字", 200, 2, 318, 99))
    )
    rgb = drawn(320, 180, overlay)
    planes = planes_of(np.zeros((180, 320, 3), np.uint8), BT709)
    Painter(320, 180).draw(YuvSurface(planes, BT709), overlay)
    expected = planes_of(rgb, BT709)
    assert np.abs(planes.y.astype(int) - expected.y).max() <= 1
    # Lines at odd places color a whole chroma sample rather than half of one.
    assert np.mean(np.abs(planes.u.astype(int) - expected.u) > 1) < 0.03


def test_a_line_has_its_color_in_every_plane() -> None:
    planes = planes_of(np.zeros((100, 100, 3), np.uint8), BT601)
    Painter(100, 100).draw(YuvSurface(planes, BT601), Overlay(detections=(detection("cat", 31, 41, 81, 91),)))
    color = yuv_of(color_of("cat"), BT601)
    assert (planes.y[60, 31], planes.u[30, 15], planes.v[30, 15]) == color
    assert (planes.y[90, 60], planes.u[45, 30], planes.v[45, 30]) == color


def marker_of(name: str, tail: str, width: int, height: int) -> UInt8Array:
    letters = Sizes.of(width, height).letters
    return tag(name, tail, font_of(letters), letters, color_of(name), width).image


def place_of(marker: UInt8Array, image: UInt8Array) -> tuple[int, int]:
    """Left and top of a tag that is wholly visible in an image."""
    found = cv2.matchTemplate(image, marker, cv2.TM_SQDIFF)
    top, left = map(int, np.unravel_index(found.argmin(), found.shape))
    height, width = marker.shape[:2]
    assert (image[top : top + height, left : left + width] == marker).all()
    return left, top


@pytest.mark.parametrize(
    ("box", "side"),
    [
        ((100, 120, 200, 200), "above"),
        ((100, 0, 250, 200), "below"),
        ((0, 0, 320, 240), "within"),
        ((0, 0, 20, 20), "below"),
        ((300, 0, 320, 30), "below"),
        ((0, 0, 160, 240), "right"),
        ((160, 0, 320, 240), "left"),
        ((310, 230, 320, 240), "above"),
        ((-50, 100, 5, 500), "above"),
    ],
)
def test_a_tag_is_by_its_box_and_inside_the_image(box: tuple[float, float, float, float], side: str) -> None:
    marker = marker_of("bicycle", " 0.50", 320, 240)
    height, width = marker.shape[:2]
    x, y = place_of(marker, drawn(320, 240, Overlay(detections=(detection("bicycle", *box),))))
    left, top, right, bottom = box
    assert {
        "above": top - height - 1 <= y <= top - height,
        "below": y == bottom,
        "within": (x, y) == (left, top),
        "right": (x, y) == (right, 0),
        "left": left - 1 <= x + width <= left and y == 0,
    }[side]


@pytest.mark.parametrize(("width", "height"), [(320, 240), (1920, 1080), (3840, 2160)])
def test_tags_of_boxes_on_one_another_are_all_legible(width: int, height: int) -> None:
    corners = (0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height)
    names = ("car", "truck", "bus", "person", "dog", "cat")
    image = drawn(width, height, Overlay(detections=tuple(detection(name, *corners) for name in names)))
    for name in names:
        place_of(marker_of(name, " 0.50", width, height), image)


def test_tags_keep_clear_of_the_labels_of_the_image() -> None:
    overlay = Overlay((Label("city", 0.9),), (detection("dog", 0, 30, 90, 90),))
    image = drawn(320, 240, overlay)
    assert place_of(marker_of("city", " 0.90", 320, 240), image) == (0, 0)
    place_of(marker_of("dog", " 0.50", 320, 240), image)


def test_the_second_model_has_broken_lines_and_its_name_in_its_tags() -> None:
    box = detection("dog", 100, 100, 220, 220)
    alone = drawn(320, 320, Overlay.of_models([ModelOverlay("yolo", 0, (), (box,))]))
    assert (alone == drawn(320, 320, Overlay(detections=(box,)))).all()
    shares = []
    for number in range(3):
        image = drawn(320, 320, Overlay.of_models([ModelOverlay("faces", number, (), (box,))]))
        side = (image[104:216, 100] == color_of("dog")).all(axis=1)
        shares.append((side.mean(), np.count_nonzero(np.diff(side.astype(int)))))
        if number:
            letters = Sizes.of(320, 320).letters
            marker = tag("dog (faces)", " 0.50", font_of(letters), letters, color_of("dog"), 320)
            place_of(marker.image, image)
    (solid, solid_changes), (dashed, dashes), (dotted, dots) = shares
    assert (solid, solid_changes) == (1.0, 0)
    assert 0.4 < dashed < 0.65 and 0.4 < dotted < 0.6
    assert 8 <= dashes < dots


def test_labels_of_several_models_are_stacked_by_model() -> None:
    layers = [
        ModelOverlay("clip", 0, (Label("city", 0.2),)),
        ModelOverlay("digits", 1, (Label("seven", 0.9),)),
    ]
    image = drawn(320, 240, Overlay.of_models(layers))
    first = marker_of("city", " 0.20", 320, 240)
    letters = Sizes.of(320, 240).letters
    second = tag("seven (digits)", " 0.90", font_of(letters), letters, color_of("seven"), 320).image
    assert place_of(first, image) == (0, 0)
    assert place_of(second, image) == (0, first.shape[0])


@pytest.mark.parametrize("left", [50, 51, 52, 53])
def test_broken_lines_are_the_same_on_planes_and_move_with_their_box(left: int) -> None:
    overlay = Overlay(others=(ModelOverlay("faces", 1, (), (detection("cat", left, 41, left + 60, 91),)),))
    planes = planes_of(np.zeros((100, 160, 3), np.uint8), BT601)
    Painter(160, 100).draw(YuvSurface(planes, BT601), overlay)
    y, u, _ = yuv_of(color_of("cat"), BT601)
    luma, chroma = planes.y[90, left:] == y, np.repeat(planes.u[45], 2)[left:160] == u
    assert (luma[2:58] == chroma[2:58]).all()
    assert luma[:7].all() and not luma[9:15].any()


def test_labels_without_boxes_are_stacked_at_the_top_left_the_surest_first() -> None:
    image = drawn(320, 240, Overlay((Label("forest", 0.2), Label("city", 0.8))))
    letters = Sizes.of(320, 240).letters
    top = 0
    for name, tail in (("city", " 0.80"), ("forest", " 0.20")):
        marker = tag(name, tail, font_of(letters), letters, color_of(name), 320).image
        height, width = marker.shape[:2]
        assert (image[top : top + height, :width] == marker).all()
        top += height


def test_nothing_is_drawn_for_a_box_outside_the_image_nor_on_its_padding() -> None:
    outside = Overlay(detections=(detection("dog", -30, -30, -1, -1), detection("dog", 99, 0, 140, 50)))
    assert not drawn(99, 75, outside).any()
    planes = planes_of(np.zeros((76, 100, 3), np.uint8), BT601)
    Painter(99, 75).draw(YuvSurface(planes, BT601), Overlay(detections=(detection("", 50, 40, 99, 75),)))
    assert (planes.y[75] == 16).all() and (planes.y[:, 99] == 16).all()
    assert (planes.y[50:74, 98] != 16).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-300, 600)] * 4), max_size=5),
    st.text(max_size=40),
    st.integers(1, 200),
    st.integers(1, 200),
)
def test_any_overlay_can_be_drawn(
    boxes: list[tuple[float, float, float, float]], name: str, width: int, height: int
) -> None:
    found = tuple(
        Detection(Label(name, 1.0), Box(min(a, c), min(b, d), max(a, c), max(b, d)), track=3)
        for a, b, c, d in boxes
    )
    overlay = Overlay((Label(name, 0.25),) * 3, found, (ModelOverlay("other", 1, (), found),))
    drawn(width, height, overlay)
    planes = planes_of(np.zeros((height + height % 2, width + width % 2, 3), np.uint8), BT601)
    Painter(width, height).draw(YuvSurface(planes, BT601), overlay)


def test_a_name_too_long_is_shortened_and_its_score_stays() -> None:
    font = font_of(14)
    short = tag("a" * 300, " 0.93", font, 14, (255, 255, 255), 200).image
    assert 100 < short.shape[1] <= 200
    score = tag("", "0.93", font, 14, (255, 255, 255), 200).image
    ink = score[:, 4:-6]
    assert cv2.matchTemplate(short, ink, cv2.TM_SQDIFF_NORMED).min() < 0.02


def test_control_characters_become_spaces() -> None:
    assert drawable_text("a\n\tb\x00c  d") == "a b c d"


@pytest.mark.skipif(not hasattr(cv2, "FontFace"), reason="this OpenCV build has no TrueType fonts")
@pytest.mark.parametrize("letter", ["é", "汉", "Ж", "ñ", "あ"])
def test_letters_beyond_ascii_show(letter: str) -> None:
    shown = [
        tag(text, "", font_of(24), 24, (0, 0, 0), 400).image.astype(int) for text in (letter, "?", "\uffff")
    ]
    assert shown[0].max() > 128
    assert all(shown[0].shape != other.shape or (shown[0] != other).any() for other in shown[1:])


def test_hershey_letters_stand_in_where_there_are_no_fonts() -> None:
    font = StrokeFont(20)
    assert font.width("café") == font.width("cafe")
    assert font.width("汉") == font.width("?")
    image = tag("Zürich…", " 0.91", font, 20, (0, 0, 0), 400).image
    rows = np.nonzero(image.any(axis=(1, 2)))[0]
    assert image.max() == 255 and rows.min() > 0 and rows.max() < image.shape[0] - 1


def test_overlays_scale_with_the_image() -> None:
    box = detection("dog", 10, 20, 30, 40)
    others = (ModelOverlay("faces", 1, (), (box,)),)
    scaled = Overlay((), (box,), others).placed(2, 0.5)
    assert scaled.detections[0].box == Box(20, 10, 60, 20)
    assert scaled.others[0].detections == scaled.detections
    moved = Overlay((), (box,), others).placed(1, 1, 5, 7)
    assert moved.detections[0].box == Box(15, 27, 35, 47)
    assert moved.others[0].detections == moved.detections
