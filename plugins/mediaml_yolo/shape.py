"""The size of the network's input: the model's own, the user's, and a rectangle where the graph allows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mediaml.plugin import Fit, Fitting, OptionError, Session, letterbox_shape

COARSEST_STRIDE = 32
DARKNET_SIZE = 416
"""What the published yolov3 and yolov3-tiny cfgs are tested at; taken where a graph does not say."""


@dataclass(frozen=True, slots=True)
class InputShape:
    """How pictures are laid into the network's input.

    Attributes:
        width, height: pixels of the whole input.
        stride: pixels of which both are multiples.
        fit: see `Frame.fitted`.
        pad: grey level of letterbox bars, 0..255.
        rectangular: whether each picture gets the smallest rectangle that holds it, not the whole input.
    """

    width: int
    height: int
    stride: int
    fit: Fit
    pad: int
    rectangular: bool

    def fitting(self, width: int, height: int) -> Fitting:
        """Where a picture of width x height pixels lies in the input."""
        size = (self.width, self.height)
        if self.rectangular:
            size = letterbox_shape(width, height, self.width, self.stride)
        return Fitting.of(width, height, *size, self.fit)


def input_shape(session: Session, fixed: tuple[int | None, int | None], pad: int, imgsz: int) -> InputShape:
    """The input of a graph.

    Args:
        fixed: width and height that the graph insists on; `None` where an axis is free.
        pad: where the metadata do not say.
        imgsz: longer side that the user wants; 0 for the model's own size.

    Raises:
        OptionError: the graph cannot take `imgsz`.
    """
    described = session.image_input
    fit: Fit = "letterbox" if described is None else described.fit
    pad = pad if described is None else described.pad
    stride = session.stride or COARSEST_STRIDE
    fixed_width, fixed_height = fixed
    if fixed_width is None and fixed_height is None:
        width, height = _free_size(_own_size(session), stride, imgsz)
        rectangular = fit == "letterbox"
        side = max(width, height)
        return InputShape(*((side, side) if rectangular else (width, height)), stride, fit, pad, rectangular)
    own_width, own_height = _own_size(session)
    width, height = fixed_width or imgsz or own_width, fixed_height or imgsz or own_height
    if imgsz and max(width, height) != imgsz:
        raise OptionError(
            f"{session.name} takes pictures of {width}x{height} pixels only, not imgsz={imgsz}.",
            "Leave imgsz out, or export the model with free height and width.",
        )
    return InputShape(width, height, stride, fit, pad, rectangular=False)


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


def _own_size(session: Session) -> tuple[int, int]:
    """Width and height that the file was made for: its metadata, a conversion's note `WxH`, or darknet's."""
    if session.image_input is not None:
        return session.image_input.width, session.image_input.height
    noted = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", session.metadata.get("input_size", ""))
    return (int(noted[1]), int(noted[2])) if noted else (DARKNET_SIZE, DARKNET_SIZE)
