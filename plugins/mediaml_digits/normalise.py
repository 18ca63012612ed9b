"""Any image of one digit as MNIST was made: 20x20 box, centre of mass in the middle of 28x28.

After LeCun, Cortes and Burges, "The MNIST database": size-normalised to a 20x20 box with the aspect ratio
kept, grey by antialiasing, then centred by the centre of mass. Strokes there are about a tenth of the box
wide; thinner ones are thickened here. White is ink, black is ground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mediaml.plugin import Float32Array, UInt8Array
from mediaml_digits.ink import disc, grey_of, inks_of, mask_of, peak_and_noise, quantile, shrink, square

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediaml_digits.ink import Mask

SIDE = 28
BOX = 20
WORK_SIDE = 256  # a digit that fills an image needs no more pixels than this
THINNEST = 1 / 11  # stroke width over the longer side of the digit, below which it is thickened
FAINT_EDGE = 36.0  # grey levels; what stands out less and reaches the rim is light, not ink
THICKEST = 1 / 4  # above which it is thinned


def around(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns from the first to the last that are set; something must be."""
    import cv2

    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    return slice(top, top + high), slice(left, left + wide)


def stroke_width(mask: Mask) -> float:
    """Mean width of the strokes of a mask, pixels; 0 for an empty mask.

    Inside a strip of width w the distance to the edge averages w / 4.
    """
    import cv2

    if not mask.any():
        return 0.0
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = mask
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return max(1.0, 4 * float(distance[mask].mean()) - 1)


def even_strokes(soft: Float32Array, mask: Mask) -> Float32Array:
    """Strokes brought into the range of widths that MNIST has: grey dilation or erosion of `soft` (0..1)."""
    import cv2

    longest, width = max(soft.shape), stroke_width(mask)
    if width < THINNEST * longest:
        size = round(THINNEST * longest - width) + 1
        change = cv2.dilate
    elif width > THICKEST * longest:
        size = round(width - THICKEST * longest) + 1
        change = cv2.erode
    else:
        return soft
    if size < 2:
        return soft
    margin = size // 2 + 1
    return np.asarray(change(np.pad(soft, margin), disc(size)), np.float32)


def boxed(soft: Float32Array) -> Float32Array:
    """The ink of `soft` (0..1) cropped and scaled into 20x20, aspect ratio kept, antialiased."""
    import cv2

    inked = soft > 0.15
    if not inked.any():
        return np.zeros((BOX, BOX), np.float32)
    crop = soft[around(inked)]
    scale = BOX / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.maximum(np.minimum(cv2.resize(crop, size, interpolation=filter_), np.float32(1)), np.float32(0))


def centred(content: Float32Array) -> UInt8Array:
    """`content` (0..1, at most 20x20) with its centre of mass in the middle of uint8 [28, 28]."""
    canvas = np.zeros((3 * SIDE, 3 * SIDE), np.float32)
    height, width = content.shape
    canvas[SIDE : SIDE + height, SIDE : SIDE + width] = content
    mass = float(content.sum())
    if mass <= 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    # MNIST's centres of mass lie at index 14, which is half a pixel right of and below the true middle.
    rows, columns = np.arange(height), np.arange(width)
    top = SIDE + round(float(content.sum(axis=1) @ rows) / mass) - SIDE // 2
    left = SIDE + round(float(content.sum(axis=0) @ columns) / mass) - SIDE // 2
    return np.rint(255 * canvas[top : top + SIDE, left : left + SIDE]).astype(np.uint8)


def full_ink(ink: Float32Array, mask: Mask) -> Float32Array:
    """How much ink a full stroke has at each place: less where less light falls, float32 like `ink`."""
    import cv2

    size = max(3, max(ink.shape) // 3) | 1
    strongest = cv2.dilate(ink * mask, square(size))
    nearby = np.asarray(cv2.blur(strongest, (size, size), borderType=cv2.BORDER_REPLICATE), np.float32)
    full = max(quantile(ink[mask], 0.8), 1e-6)
    bounded = np.minimum(np.maximum(0.9 * nearby, np.float32(0.35 * full)), np.float32(full))
    return np.asarray(bounded, np.float32)


def mnist_like(ink: Float32Array, mask: Mask) -> UInt8Array:
    """One thing of ink as MNIST would hold it: uint8 [28, 28], 255 is ink.

    Args:
        ink: float32 [h, w], grey levels above the ground.
        mask: bool [h, w], which of it belongs to the thing; all false gives a black image.
    """
    if not mask.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    window = around(mask)
    inside, kept = ink[window], mask[window]
    soft = np.minimum(inside / full_ink(inside, kept), np.float32(1)) * kept
    content = boxed(even_strokes(soft, kept))
    top = float(content.max())
    return centred(np.minimum(content * (1.1 / top), np.float32(1)) if top > 0 else content)


def main_thing(mask: Mask, faint: bool = False) -> Mask:
    """The parts of a mask that belong to the thing in the image, without specks and the image's rim.

    Parts of 4 % of the largest or more count, when they lie near it. Parts that touch the rim (a shadow, the
    edge of the paper) are dropped where a part of some size does not, and always where all ink is `faint`.
    """
    import cv2

    height, width = mask.shape
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return mask
    left, top, wide, high, area = stats[1:].T.astype(np.int64)
    rim = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    if count == 2 and not (faint and rim[0]):
        return mask  # Of one part nothing is compared.
    free = ~rim & (area >= 0.15 * area.max())
    allowed = ~rim if faint or free.any() else np.ones(count - 1, bool)
    if not allowed.any():
        return np.zeros(mask.shape, bool)
    main = int(np.argmax(np.where(allowed, area, 0)))
    gap_x = np.maximum(left, left[main]) - np.minimum(left + wide, left[main] + wide[main])
    gap_y = np.maximum(top, top[main]) - np.minimum(top + high, top[main] + high[main])
    near = np.maximum(gap_x, gap_y) <= 0.35 * max(wide[main], high[main])
    kept = np.r_[False, allowed & near & (area >= 0.04 * area[main])]
    return np.asarray(kept[parts], bool)


def closer(image: UInt8Array, mask: Mask) -> UInt8Array:
    """The part of an image around a mask found on a small copy of it, with as much ground around again."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    scale = image.shape[0] / mask.shape[0]
    margin = scale * max(np.ptp(rows), np.ptp(columns), 4) / 2
    top, bottom = scale * rows[0] - margin, scale * (rows[-1] + 1) + margin
    left, right = scale * columns[0] - margin, scale * (columns[-1] + 1) + margin
    return image[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]


def things_in(images: Sequence[UInt8Array]) -> list[tuple[Float32Array, Mask]]:
    """The ink of images on copies of at most `WORK_SIDE` pixels, and which of it is the thing shown."""
    found: list[tuple[Float32Array, Mask]] = []
    for ink in inks_of([shrink(grey_of(image), WORK_SIDE) for image in images]):
        peak, noise = peak_and_noise(ink)
        found.append((ink, main_thing(mask_of(ink, peak, noise), faint=peak < FAINT_EDGE)))
    return found


def normalise_all(images: Sequence[UInt8Array]) -> list[UInt8Array]:
    """Images of one digit each, of one shape; see `normalise`."""
    normal = []
    for image, (ink, mask) in zip(images, things_in(images), strict=True):
        is_small = (
            max(image.shape[:2]) > WORK_SIDE and 0 < np.count_nonzero(mask.any(axis=1)) < WORK_SIDE // 4
        )
        closest = things_in([closer(image, mask)])[0] if is_small else (ink, mask)
        normal.append(mnist_like(*closest))
    return normal


def normalise(image: UInt8Array) -> UInt8Array:
    """An image of one digit, of any size, polarity, place, stroke and light, as MNIST would hold it.

    Args:
        image: uint8 grey [H, W] or RGB [H, W, 3].

    Returns:
        uint8 [28, 28], white ink on black; all black where the image is blank.
    """
    return normalise_all([image])[0]
