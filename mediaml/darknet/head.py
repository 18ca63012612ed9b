"""The decoding of a `[yolo]` head inside the graph: from a convolution's output to boxes and scores.

Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018, section 2.1, and darknet's
`yolo_layer.c`; `scale_x_y` and `new_coords` from AlexeyAB/darknet (Wang et al., "Scaled-YOLOv4", 2021).
"""

from __future__ import annotations

import numpy as np

from mediaml.darknet.graph_builder import GraphBuilder
from mediaml.darknet.layers import Head


def decode_head(builder: GraphBuilder, head: Head, features: str, image: str) -> tuple[str, str]:
    """Add one head's decoding.

    Args:
        builder: whose graph it goes to.
        head: which anchors, how many classes.
        features: the convolution's output, [batch, anchors x (5 + classes), rows, columns].
        image: the network's input as the layers see it, [batch, 3, height, width].

    Returns:
        Names of the boxes [batch, cells x anchors, 4] (left, top, right, bottom in input pixels) and scores
        [batch, cells x anchors, classes]; index (row x columns + column) x anchors + anchor.
    """
    anchors = len(head.anchors)
    values = 5 + head.classes
    split = builder.add("Reshape", features, builder.shape_constant(0, anchors, values, -1))
    by_cell = builder.add("Transpose", split, perm=[0, 3, 1, 2])
    sizes = builder.shape_constant(2, 2, 1, head.classes)
    xy, wh, objectness, classes = builder.add_many("Split", 4, by_cell, sizes, axis=3)
    if not head.new_coords:
        xy = builder.add("Sigmoid", xy)
        objectness = builder.add("Sigmoid", objectness)
        classes = builder.add("Sigmoid", classes)
    corners, cell_size = _cells(builder, features, image)
    centres = builder.add("Mul", _centres(builder, head, xy, corners), cell_size)
    half = builder.add("Mul", _sizes(builder, head, wh), builder.constant("half", 0.5, np.float32))
    least = builder.add("Sub", centres, half)
    most = builder.add("Add", centres, half)
    boxes = builder.add("Concat", least, most, axis=3)
    scores = builder.add("Mul", objectness, classes)
    return (
        builder.add("Reshape", boxes, builder.shape_constant(0, -1, 4)),
        builder.add("Reshape", scores, builder.shape_constant(0, -1, head.classes)),
    )


def _cells(builder: GraphBuilder, features: str, image: str) -> tuple[str, str]:
    """Column and row of every cell, float32 [cells, 1, 2], and a cell's width and height in pixels, [2]."""
    zero = builder.constant("zero", 0, np.int64)
    one = builder.constant("one", 1, np.int64)
    grid = builder.add("Shape", features, start=2, end=4)
    rows = builder.add("Gather", grid, zero)
    columns = builder.add("Gather", grid, one)
    cells = builder.add("Range", zero, builder.add("Mul", rows, columns), one)
    row = builder.add("Div", cells, columns)
    column = builder.add("Mod", cells, columns)
    axes = builder.shape_constant(1, 2)
    pair = [builder.add("Unsqueeze", index, axes) for index in (column, row)]
    corners = builder.add("Cast", builder.add("Concat", *pair, axis=2), to=1)
    pixels = builder.add("Cast", builder.add("Shape", image, start=2, end=4), to=1)
    per_cell = builder.add("Div", pixels, builder.add("Cast", grid, to=1))
    width_first = builder.add("Gather", per_cell, builder.shape_constant(1, 0))
    return corners, width_first


def _centres(builder: GraphBuilder, head: Head, xy: str, corners: str) -> str:
    """Centres in cells: the cell's corner + scale x offset - (scale - 1) / 2."""
    if head.scale_xy == 1:
        return builder.add("Add", xy, corners)
    scaled = builder.add("Mul", xy, builder.constant("scale_xy", head.scale_xy, np.float32))
    shift = builder.constant("shift_xy", (head.scale_xy - 1) / 2, np.float32)
    return builder.add("Add", scaled, builder.add("Sub", corners, shift))


def _sizes(builder: GraphBuilder, head: Head, wh: str) -> str:
    """Widths and heights in input pixels: anchor x exp(t), or anchor x (2 t)^2 in the new coordinates."""
    anchors = builder.constant("anchors", head.anchors, np.float32)
    if not head.new_coords:
        return builder.add("Mul", builder.add("Exp", wh), anchors)
    twice = builder.add("Mul", wh, builder.constant("two", 2.0, np.float32))
    return builder.add("Mul", builder.add("Mul", twice, twice), anchors)
