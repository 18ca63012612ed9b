"""The model `transform`: an image in, an image out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mediaml.plugin import Answers, Array, Frame, ImageInput, ModelError, Picture, UInt8Array, normalise
from mediaml_onnx.layer import ImageFields, with_defaults
from mediaml_onnx.model import DescribedModel

# Scale and offset to 0..255, by the range that a description names.
_RANGES = {"0..1": (255.0, 0.0), "0..255": (1.0, 0.0), "-1..1": (127.5, 127.5)}


class Transformer(DescribedModel):
    """Pictures by an image-to-image graph, in the size that the graph gives.

    A graph that takes any size gets every image in its own.
    """

    task = "transform"

    def prepare(self, frame: Frame) -> Array:
        """One sample: the image in the graph's size, or in its own."""
        if self.input is not None:
            return super().prepare(frame)
        said = {name: one.value for name, one in self.described.image.items()}
        own = {name: said[name] for name in said if name not in with_defaults({}, ImageFields)}
        return normalise(frame.image, ImageInput(frame.width, frame.height, **own))

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[Answers]:
        """One picture per frame."""
        return [Picture(self._picture(values)) for values in outputs[0][: len(frames)]]

    def _picture(self, values: Array) -> UInt8Array:
        """float32 [3 or 1, H, W] or [H, W, 3 or 1] to uint8 RGB [H, W, 3].

        Raises:
            ModelError: the output is no image.
        """
        if values.ndim == 3 and values.shape[0] in {1, 3} and values.shape[2] not in {1, 3}:
            values = values.transpose(1, 2, 0)
        if values.ndim != 3 or values.shape[2] not in {1, 3}:
            raise ModelError(
                f"{self.path} answers with the shape {values.shape}, which is no image.",
                "An image is [3, height, width] or [height, width, 3].",
            )
        spec = self.session.outputs[self.described.index]
        chosen = "0..255" if spec.dtype == "uint8" else str(self.described.output["values"].value)
        scale, offset = _RANGES[chosen]
        pixels = np.clip(np.rint(values * scale + offset), 0, 255).astype(np.uint8)
        if self.described.image["color"].value == "BGR":
            pixels = pixels[:, :, ::-1]
        return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
