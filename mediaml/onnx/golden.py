"""Golden inputs made from a graph's own inputs, for models that come without a golden file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.interface import Interface, TensorSpec

_SEED = 4
# Sides of an image where neither graph nor metadata say: those of the zoo's YOLOv3, and of CLIP.
_ZOO_SIDE, _SIDE = 416, 224
_TOKENS = 8
# Below any vocabulary; the last id is the highest, because CLIP's text tower looks for its end there.
_HIGHEST_ID = 99


class InputFacts(Protocol):
    """What is known of a graph's inputs."""

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """In the graph's order."""

    @property
    def interface(self) -> Interface:
        """See `interface.py`."""

    @property
    def image_input(self) -> ImageInput | None:
        """From the metadata; `None` where it does not say."""


def made_inputs(facts: InputFacts) -> dict[str, Array]:
    """Seeded arrays for every input of a graph, the same on every machine.

    One image, one window of audio or one text:

    - Images (four axes) are smooth waves with some noise, 0..1, or 0..255 where the graph takes uint8.
      Their sides are the graph's, else the metadata's, else 416 (the zoo's YOLOv3) or 224.
    - Whole numbers on two axes are token ids below 100 that end in 99, eight where the length is free; a mask
      is all ones.
    - The `image_shape` of the zoo's detectors is the image's height and width.
    - Everything else is uniform, 0..1, and its free axes have length 1.

    Raises:
        ModelError: the graph takes an input that is not numeric.
    """
    random = np.random.default_rng(_SEED)
    sides = _sides(facts)
    made = {spec.name: _made(spec, sides, random) for spec in facts.inputs}
    if facts.interface == "zoo-yolov3":
        for spec in facts.inputs:
            if len(spec.shape) == 2:
                made[spec.name] = np.array([sides], dtype=spec.dtype)
    return made


def _sides(facts: InputFacts) -> tuple[int, int]:
    """Height and width for images whose graph leaves them free."""
    if facts.image_input is not None:
        return facts.image_input.height, facts.image_input.width
    side = _ZOO_SIDE if facts.interface == "zoo-yolov3" else _SIDE
    return side, side


def _made(spec: TensorSpec, sides: tuple[int, int], random: np.random.Generator) -> Array:
    dtype = _dtype(spec)
    if len(spec.shape) == 4:
        return _picture(spec, sides, dtype, random)
    if dtype.kind in "iu" and len(spec.shape) == 2:
        shape = (spec.shape[0] or 1, spec.shape[1] or _TOKENS)
        if "mask" in spec.name:
            return np.ones(shape, dtype)
        ids = random.integers(1, _HIGHEST_ID, shape)
        ids[:, -1:] = _HIGHEST_ID
        return ids.astype(dtype)
    shape_of_any = tuple(size or 1 for size in spec.shape)
    return random.random(shape_of_any).astype(dtype)


def _dtype(spec: TensorSpec) -> np.dtype[np.generic]:
    # ONNX calls half precision float16, as NumPy does; strings and sequences have no NumPy dtype.
    try:
        dtype = np.dtype(spec.dtype)
    except TypeError:
        dtype = np.dtype("V")
    if dtype.kind not in "fiub":
        raise ModelError(f"no golden input can be made for {spec}.", "Only its checksum can be verified.")
    return dtype


def _picture(
    spec: TensorSpec, sides: tuple[int, int], dtype: np.dtype[np.generic], random: np.random.Generator
) -> Array:
    last = spec.shape[3] in {1, 3} and spec.shape[1] not in {1, 3}
    channels_first: Mapping[int, int] = {1: 3, 2: sides[0], 3: sides[1]}
    channels_last: Mapping[int, int] = {1: sides[0], 2: sides[1], 3: 3}
    defaults = channels_last if last else channels_first
    shape = tuple(size or defaults.get(axis, 1) for axis, size in enumerate(spec.shape))
    rows, columns = np.meshgrid(*(np.linspace(0, 9, shape[axis]) for axis in ((1, 2) if last else (2, 3))))
    waves = (2 + np.sin(rows.T) + np.cos(1.7 * columns.T)) / 4
    waves = waves[None, :, :, None] if last else waves[None, None]
    picture = 0.8 * waves + 0.2 * random.random(shape)
    return (255 * picture).astype(dtype) if dtype.kind in "iu" else picture.astype(dtype)
