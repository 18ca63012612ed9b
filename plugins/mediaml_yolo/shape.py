"""The size of the network's input: the model's own, the user's, and a rectangle where the graph allows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mediaml.plugin import Fitting, ImageInput, OptionError, Session, letterbox_shape
from mediaml_yolo.options import YoloOptions

COARSEST_STRIDE = 32


@dataclass(frozen=True, slots=True)
class InputShape:
    """How images are laid into the network's input.

    Attributes:
        whole: the whole input: its width and height, fit, pad and resample.
        stride: pixels of which width and height are multiples.
        rectangular: whether each image gets the smallest rectangle that holds it, not the whole input.
    """

    whole: ImageInput
    stride: int
    rectangular: bool

    def fitting(self, width: int, height: int) -> Fitting:
        """Where an image of width x height pixels is placed in the input."""
        size = (self.whole.width, self.whole.height)
        if self.rectangular:
            size = letterbox_shape(width, height, max(size), self.stride)
        return Fitting.of(width, height, *size, self.whole.fit)


def input_shape(
    session: Session, usual: ImageInput, fixed: tuple[int | None, int | None], options: YoloOptions
) -> InputShape:
    """The input of a graph.

    Args:
        usual: what holds where the file does not describe its input.
        fixed: width and height that the graph requires; `None` where an axis is free.
        options: `imgsz` is the longer side that the user wants; `fit` how the image is laid into it.

    Raises:
        OptionError: the graph cannot take `imgsz`.
    """
    imgsz = options.imgsz
    own = session.image_input or _noted(session, usual)
    if options.fit != "model":
        own = replace(own, fit=options.fit)
    stride = session.stride or COARSEST_STRIDE
    if fixed == (None, None):
        width, height = _free_size((own.width, own.height), stride, imgsz)
        return InputShape(replace(own, width=width, height=height), stride, own.fit == "letterbox")
    width, height = fixed[0] or imgsz or own.width, fixed[1] or imgsz or own.height
    if imgsz and max(width, height) != imgsz:
        raise OptionError(
            f"{session.name} takes images of {width}x{height} pixels only, not imgsz={imgsz}.",
            "Leave imgsz out, or export the model with free height and width.",
        )
    return InputShape(replace(own, width=width, height=height), stride, rectangular=False)


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


def _noted(session: Session, usual: ImageInput) -> ImageInput:
    """The usual input, at the size that some conversions note as `input_size`, such as 320x320."""
    size = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", session.metadata.get("input_size", ""))
    return replace(usual, width=int(size[1]), height=int(size[2])) if size else usual
