"""The models themselves; imported only when one of them is used."""

import numpy as np

from mediaml.plugin import ImageInput, Label, OnnxModel


class Tint(OnnxModel):
    input = ImageInput(32, 32, fit="stretch", layout="NHWC", dtype="uint8")

    def decode(self, outputs, frames):
        for scores in outputs[0]:
            best = np.argsort(-scores)[: self.options.top]
            yield [Label(self.labels[index], float(scores[index])) for index in best]


class Loudness:
    def predict(self, frames):
        for frame in frames:
            loud = 1 / (1 + np.exp(-frame.spectrogram.max()))
            yield Label("loud", float(loud)) if loud > 0.5 else Label("quiet", float(1 - loud))
