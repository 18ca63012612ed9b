"""The size of the network's input: the model's own, the user's, and a rectangle where the graph allows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mediaml.plugin import Fitting, ImageInput, OptionError, Session, letterbox_shape
from mediaml_yolo.beside import Beside
from mediaml_yolo.families import FAMILIES, Family
from mediaml_yolo.options import DetectorOptions
from mediaml_yolo.recognise import Layout

COARSEST_STRIDE = 32


@dataclass(frozen=True, slots=True)
class InputShape:
    """How images are laid into the network's input.

    Attributes:
        whole: the whole input: its width and height, fit, pad, resample and normalisation.
        stride: pixels of which width and height are multiples.
        rectangular: whether each image gets the smallest rectangle that holds it, not the whole input.
        limits: longest shorter and longer side to which an image is scaled as it is; `None` for the whole
            input. Its own size where both are 0.
    """

    whole: ImageInput
    stride: int
    rectangular: bool = False
    limits: tuple[int, int] | None = None

    def fitting(self, width: int, height: int) -> Fitting:
        """Where an image of width x height pixels is placed in the input."""
        size = (self.whole.width, self.whole.height)
        if self.rectangular:
            size = letterbox_shape(width, height, max(size), self.stride)
        elif self.limits is not None:
            size = _within(width, height, *self.limits)
        return Fitting.of(width, height, *size, self.whole.fit)


def input_shape(session: Session, layout: Layout, beside: Beside, options: DetectorOptions) -> InputShape:
    """The input of a graph.

    Args:
        beside: what `preprocessor_config.json` says.
        options: `imgsz` is the longer side that the user wants; `fit` how the image is laid into it.

    Raises:
        OptionError: the graph cannot take `imgsz`.
    """
    family, imgsz = FAMILIES[layout.family], options.imgsz
    own = session.image_input or beside.input or _noted(session.metadata, family)
    own = replace(own, layout="NHWC" if layout.axes == "NHWC" else "NCHW", dtype=_dtype(layout))
    if options.fit != "model":
        own = replace(own, fit=options.fit)
    rows = {"NCHW": 2, "NHWC": 1, "CHW": 1}[layout.axes]
    height, width = layout.image.shape[rows], layout.image.shape[rows + 1]
    stride = session.stride or _stride(session.metadata) or COARSEST_STRIDE
    if width is None and height is None:
        return _free(own, stride, family, beside, imgsz)
    width, height = width or imgsz or own.width, height or imgsz or own.height
    if imgsz and max(width, height) != imgsz:
        raise OptionError(
            f"{session.name} takes images of {width}x{height} pixels only, not imgsz={imgsz}.",
            "Leave imgsz out, or export the model with free height and width.",
        )
    return InputShape(replace(own, width=width, height=height), stride)


def _free(own: ImageInput, stride: int, family: Family, beside: Beside, imgsz: int) -> InputShape:
    if family.native or (beside.limits is not None and not imgsz):
        limits = (imgsz, imgsz) if family.native else beside.limits
        return InputShape(replace(own, fit="stretch"), 1, limits=limits)
    width, height = _free_size((own.width, own.height), stride, imgsz)
    rectangular = family.rectangular and own.fit == "letterbox"
    return InputShape(replace(own, width=width, height=height), stride, rectangular)


def _within(width: int, height: int, shorter: int, longer: int) -> tuple[int, int]:
    """An image's size scaled to a shorter side, but to no longer side beyond the limit; 0 for no limit.

    Source: `get_size_with_aspect_ratio` of transformers, for which the limits differ; where they are equal,
    images are only made smaller.
    """
    if not longer or (shorter == longer and max(width, height) <= longer):
        return width, height
    scale = longer / max(width, height) if shorter == longer else shorter / min(width, height)
    scale = min(scale, longer / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _free_size(own: tuple[int, int], stride: int, imgsz: int) -> tuple[int, int]:
    if imgsz % stride:
        below = max(stride, imgsz // stride * stride)
        raise OptionError(
            f"imgsz={imgsz} is not a multiple of {stride}, the stride of this network.",
            f"Nearest are {below} and {below + stride}." if imgsz > stride else f"The smallest is {stride}.",
        )
    if imgsz:
        scale = imgsz / max(own)
        own = round(own[0] * scale), round(own[1] * scale)
    width, height = (-(-side // stride) * stride for side in own)
    return width, height


def _dtype(layout: Layout) -> Literal["uint8", "float32"]:
    """What pixels become; half precision is made of float32."""
    return "uint8" if layout.image.dtype == "uint8" else "float32"


def _stride(metadata: Mapping[str, str]) -> int | None:
    """The coarsest stride that ultralytics or YOLOv5 noted, such as `32`."""
    noted = re.fullmatch(r"([1-9]\d{0,3})(\.0)?", metadata.get("stride", ""))
    return int(noted[1]) if noted else None


def _noted(metadata: Mapping[str, str], family: Family) -> ImageInput:
    """The family's input, at the size in the metadata: `imgsz` [height, width], or `input_size` 320x320."""
    size = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", metadata.get("input_size", ""))
    if size:
        return replace(family.input, width=int(size[1]), height=int(size[2]))
    size = re.fullmatch(r"[\[(]([1-9]\d{0,3}), ?([1-9]\d{0,3})[\])]", metadata.get("imgsz", ""))
    if size:
        return replace(family.input, width=int(size[2]), height=int(size[1]))
    return family.input
