"""How an image is fitted to a model's input, and back: geometry here, pixels in `resampling`.

Coordinates are continuous, in pixels, edges at pixel borders, so that the centre of the first pixel is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.core.errors import require
from mediaml.core.frame import Fit, Resample
from mediaml.ops.resampling import resample_window

LETTERBOXES = frozenset({"letterbox", "letterbox-top-left"})


@dataclass(frozen=True, slots=True)
class Fitting:
    """Where a source image is placed in a target of another size.

    Attributes:
        source_width, source_height: pixels of the source.
        width, height: pixels of the target.
        content_width, content_height: pixels of the scaled image.
        offset_x, offset_y: target pixel of the scaled image's top left corner; negative where it is cut.
        fit: see `Frame.fitted`.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    content_width: int
    content_height: int
    offset_x: int
    offset_y: int
    fit: Fit

    @classmethod
    def of(cls, source_width: int, source_height: int, width: int, height: int, fit: Fit) -> Fitting:
        """Fit an image to a target.

        `letterbox` rounds the scaled short side half up, `letterbox-top-left` down, as YOLOX does; `crop`
        rounds the scaled long side down, as torchvision's `Resize` and the published CLIP preprocessing do.
        All but `letterbox-top-left` centre it. Where the margin is odd, the larger half of a letterbox goes
        right and below; of a crop, half of it is rounded to even, as torchvision's `center_crop` does.
        No side is ever scaled to nothing.

        Raises:
            ValueError: a size is not positive, or the fit is unknown.
        """
        require(min(source_width, source_height, width, height) > 0, "sizes must be positive")
        require(fit in get_args(Fit), f"unknown fit {fit!r}")
        content_width, content_height = width, height
        source_is_wider = source_width * height >= width * source_height
        if fit in LETTERBOXES and source_is_wider:
            content_height = _scaled(source_height, width, source_width, fit)
        elif fit in LETTERBOXES:
            content_width = _scaled(source_width, height, source_height, fit)
        elif fit == "crop" and source_is_wider:
            content_width = max(width, source_width * height // source_height)
        elif fit == "crop":
            content_height = max(height, source_height * width // source_width)
        offset_x, offset_y = _centred(width, content_width), _centred(height, content_height)
        if fit == "letterbox-top-left":
            offset_x = offset_y = 0
        return cls(
            source_width, source_height, width, height, content_width, content_height, offset_x, offset_y, fit
        )

    def middle(self, width: int, height: int) -> tuple[int, int]:
        """Left and top, in the target, of the window that shows what a centred target of that size would.

        Args:
            width, height: pixels of the window, at most those of the target.
        """
        return (
            self.offset_x - _centred(width, self.content_width),
            self.offset_y - _centred(height, self.content_height),
        )

    def to_target(self, boxes: Float32Array) -> Float32Array:
        """Boxes [N, 4] left, top, right, bottom in source pixels to target pixels, float32, not clipped."""
        return np.asarray(boxes * self._scale() + self._offset(), dtype=np.float32)

    def to_source(self, boxes: Float32Array) -> Float32Array:
        """Boxes [N, 4] left, top, right, bottom in target pixels to source pixels, float32, not clipped."""
        return np.asarray((boxes - self._offset()) / self._scale(), dtype=np.float32)

    def _scale(self) -> Float32Array:
        x, y = self.content_width / self.source_width, self.content_height / self.source_height
        if self.fit == "letterbox-top-left":
            # YOLOX scales boxes by the ratio itself, not by the sides that it has rounded.
            x = y = min(self.width / self.source_width, self.height / self.source_height)
        return np.array([x, y, x, y], dtype=np.float32)

    def _offset(self) -> Float32Array:
        return np.array([self.offset_x, self.offset_y, self.offset_x, self.offset_y], dtype=np.float32)


def _scaled(side: int, target: int, source: int, fit: Fit) -> int:
    """A side scaled by target / source, at least 1: half up for `letterbox`, else down."""
    if fit == "letterbox":
        return max(1, (2 * side * target + source) // (2 * source))
    return max(1, side * target // source)


def _centred(target: int, content: int) -> int:
    """Offset that centres `content` in `target`; negative where it is larger, then half to even."""
    return (target - content) // 2 if target >= content else -round((content - target) / 2)


def letterbox_shape(source_width: int, source_height: int, size: int, stride: int) -> tuple[int, int]:
    """Width and height of the smallest rectangle that holds the image scaled to the long side `size`.

    Both are multiples of `stride` (pixels); the long side is `size` rounded up to one. Less is computed
    than in a square, and the image is as large in it: the YOLO family's rectangular inference.

    Raises:
        ValueError: a size is not positive.
    """
    require(min(source_width, source_height, size, stride) > 0, "sizes must be positive")
    longest = max(source_width, source_height)
    width, height = (-(-side * size // (longest * stride)) * stride for side in (source_width, source_height))
    return width, height


def _span(target: int, content: int, offset: int) -> tuple[slice, slice]:
    """The part of the target's axis that shows content, and the part of the content that shows there."""
    start, stop = max(0, offset), min(target, offset + content)
    return slice(start, stop), slice(start - offset, stop - offset)


def place(content: UInt8Array, fitting: Fitting, pad: int) -> UInt8Array:
    """Place an already scaled image in the target: pads or cuts.

    Args:
        content: uint8 [content_height, content_width, 3].
        pad: grey level 0..255 around it.

    Returns:
        uint8 [height, width, 3]; `content` itself where it already is the target.

    Raises:
        ValueError: the content has not the fitting's size.
    """
    expected = (fitting.content_height, fitting.content_width, 3)
    require(content.shape == expected, f"content must have the shape {expected}, not {content.shape}")
    if (fitting.content_height, fitting.content_width) == (fitting.height, fitting.width):
        return content
    rows, content_rows = _span(fitting.height, fitting.content_height, fitting.offset_y)
    columns, content_columns = _span(fitting.width, fitting.content_width, fitting.offset_x)
    return _lay(content[content_rows, content_columns], fitting, rows, columns, pad)


def _lay(visible: UInt8Array, fitting: Fitting, rows: slice, columns: slice, pad: int) -> UInt8Array:
    if visible.shape[:2] == (fitting.height, fitting.width):
        return np.ascontiguousarray(visible)
    target = np.full((fitting.height, fitting.width, 3), pad, dtype=np.uint8)
    target[rows, columns] = visible
    return target


def fit_image(
    image: UInt8Array, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
) -> UInt8Array:
    """An image at a model's input size; see `Frame.fitted`. Only what shows in the target is computed.

    Args:
        image: uint8 [H, W, 3].
        width, height: pixels of the result.
        pad: grey level 0..255 of letterbox bars.
        resample: filter, see `mediaml.ops.resampling`.

    Returns:
        uint8 [height, width, 3]; may be `image` itself where nothing changes.

    Raises:
        ValueError: the image is not [H, W, 3] or empty, or a size is not positive.
    """
    require(image.ndim == 3 and image.shape[2] == 3, f"an image is [H, W, 3], not {image.shape}")
    fitting = Fitting.of(image.shape[1], image.shape[0], width, height, fit)
    rows, content_rows = _span(height, fitting.content_height, fitting.offset_y)
    columns, content_columns = _span(width, fitting.content_width, fitting.offset_x)
    visible = resample_window(
        image, (fitting.content_width, fitting.content_height), content_columns, content_rows, resample
    )
    return _lay(visible, fitting, rows, columns, pad)
