"""Normalisation against its formula, and luma against Pillow's BT.601."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mediaml.core.model_input import ImageInput
from mediaml.ops.pixels import grey, normalise

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize("color", ["RGB", "BGR"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_float32_is_the_formula_in_the_order_asked_for(color: str, layout: str) -> None:
    spec = ImageInput(5, 6, layout=layout, color=color, mean=MEAN, std=STD)  # type: ignore[arg-type]
    sample = normalise(IMAGE, spec)
    channels = IMAGE if color == "RGB" else IMAGE[:, :, ::-1]
    expected = (channels / 255.0 - np.array(MEAN)) / np.array(STD)
    assert sample.dtype == np.float32
    assert sample.flags.c_contiguous
    np.testing.assert_allclose(
        sample, expected.transpose(2, 0, 1) if layout == "NCHW" else expected, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", (3, 6, 5)), ("NHWC", (6, 5, 3))])
def test_uint8_passes_pixels_on(layout: str, shape: tuple[int, ...]) -> None:
    sample = normalise(IMAGE, ImageInput(5, 6, layout=layout, dtype="uint8"))  # type: ignore[arg-type]
    assert sample.dtype == np.uint8
    assert sample.shape == shape
    assert sample.flags.c_contiguous
    assert np.array_equal(sample if layout == "NHWC" else sample.transpose(1, 2, 0), IMAGE)


def test_grey_is_bt601_luma() -> None:
    luma = grey(IMAGE)
    pillow = np.asarray(Image.fromarray(IMAGE).convert("L"))
    assert np.abs(luma.astype(int) - pillow).max() <= 1
    sample = normalise(IMAGE, ImageInput(5, 6, color="GRAY", scale=1.0))
    assert sample.shape == (1, 6, 5)
    assert np.array_equal(sample[0], luma.astype(np.float32))
    assert normalise(IMAGE, ImageInput(5, 6, color="GRAY", layout="NHWC")).shape == (6, 5, 1)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[H, W, 3\]"):
        normalise(IMAGE[:, :, 0], ImageInput(5, 6))
    with pytest.raises(ValueError, match="mean and std"):
        normalise(IMAGE, ImageInput(5, 6, mean=(0.5, 0.5)))
