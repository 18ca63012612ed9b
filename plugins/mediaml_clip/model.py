"""The model `clip`: images to embeddings, and to labels where there are prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.plugin import (
    Answer,
    Array,
    Embedding,
    Float32Array,
    Frame,
    ImageInput,
    Kind,
    Label,
    LoadContext,
    ModelError,
    OnnxModel,
    fit_image,
    normalise,
)
from mediaml_clip.files import ClipFiles, find_files
from mediaml_clip.options import PLACE, ClipOptions
from mediaml_clip.texts import Texts
from mediaml_clip.tower import Tower
from mediaml_clip.zero_shot import LOGIT_SCALE, background_scores, softmax_scores

# The published models' own: mean and standard deviation of their training images, size of ViT-B/32's input.
MEAN, STD, SIZE = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), 224
SCALE_KEY = "mediaml.logit_scale"


class ClipModel(OnnxModel):
    """An image tower, and a text tower that is opened when texts are to be embedded.

    Where only words will be asked, the image tower stays closed, which saves seconds at full size.

    Raises:
        ModelError: a tower is missing, is not what it should be, or does not fit the other.
    """

    options: ClipOptions
    # Of an image tower that is not open nothing is known, so that only the caller can tell a mismatch.
    dimensions: int | None = None

    def __init__(self, context: LoadContext) -> None:
        if context.weights is None:
            raise ModelError("clip needs an image tower and a text tower.", "Name their folder with -m.")
        files = find_files(context.weights)
        self.context = context
        self.options = context.options
        self.labels, self.prompts, self.background = (), None, None
        if context.words_only and files.sure:
            self.texts = Texts(context, files, files.second)
            return
        self.tower, self.texts = _open(context, files)
        self.dimensions = self.tower.dimensions
        self.session = self.tower.session
        self.input = _image_input(self.tower, files.preprocessor)
        self.scale = float(self.session.metadata.get(SCALE_KEY, LOGIT_SCALE))
        self.labels = tuple(dict.fromkeys(self.options.prompts))
        self.prompts = self.embed_texts(self.labels) if self.labels else None
        behind = self.labels and self.options.against_background
        self.background = self.texts.features(self.options.background, (PLACE,)) if behind else None

    def embed_texts(self, texts: Sequence[str]) -> Float32Array:
        """Features of texts in the space of the images, float32 [texts, dimensions] of unit length.

        Raises:
            ModelError: there is no text tower or tokenizer, or it belongs to another image tower.
        """
        features = self.texts.features(texts, self.options.templates)
        if self.dimensions not in (None, features.shape[1]):
            raise ModelError(
                f"the towers do not belong together: {self.session.name} answers with "
                f"{self.dimensions} numbers, the text tower with {features.shape[1]}.",
                "Use the two towers of one model.",
            )
        return features

    def prepare(self, frame: Frame) -> Array:
        """The frame as CLIP was trained on it: shortest side resized as Pillow does, centre cut, normalised.

        The decoder's scaler has another bicubic kernel; `resize=fast` accepts that for video.
        """
        want = self.input
        assert isinstance(want, ImageInput)
        if frame.media.kind is Kind.IMAGE or self.options.resize == "fast":
            return super().prepare(frame)
        fitted = fit_image(frame.image, want.width, want.height, want.fit, resample=want.resample)
        return normalise(fitted, want)

    def run(self, batch: Array) -> Sequence[Array]:
        """Embeddings of unit length, [batch, dimensions]."""
        return [self.tower.embed(batch)]

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[tuple[Answer, ...]]:
        """The embedding, and the best labels, of every frame.

        Raises:
            ModelError: the embeddings do not fit the prompts.
        """
        features = outputs[0][: len(frames)]
        if len(features) != len(frames):
            raise ModelError(f"the network returned {len(features)} results for {len(frames)} images.")
        scores = self._scores(features)
        kept = self.options.embeddings or not self.labels
        return [
            (*self._labels(row), *((Embedding(vector),) if kept else ()))
            for vector, row in zip(features, scores, strict=True)
        ]

    def _scores(self, features: Float32Array) -> Float32Array:
        """float32 [frames, prompts]; without prompts [frames, 0]."""
        if self.prompts is None:
            return np.zeros((len(features), 0), dtype=np.float32)
        if features.shape[1] != self.prompts.shape[1]:
            raise ModelError(
                f"the towers do not belong together: images have {features.shape[1]} numbers, "
                f"texts {self.prompts.shape[1]}.",
                "Use the two towers of one model.",
            )
        if self.background is None:
            return softmax_scores(features, self.prompts, self.scale)
        return background_scores(features, self.prompts, self.background, self.scale)

    def _labels(self, scores: Float32Array) -> tuple[Label, ...]:
        best = np.argsort(-scores, kind="stable")[: self.options.top]
        return tuple(
            Label(self.labels[index], min(float(scores[index]), 1.0))
            for index in best
            if scores[index] >= self.options.threshold
        )


def _open(context: LoadContext, files: ClipFiles) -> tuple[Tower, Texts]:
    """The image tower, and the texts with their tower; the graphs have the last word on which is which."""
    tower = Tower.of(context.open_session(files.first))
    if tower.sense == "image":
        return tower, Texts(context, files, files.second)
    if files.sure or files.second is None:
        raise ModelError(f"{files.first} is the text tower.", "Name the image tower, or the folder, with -m.")
    other = Tower.of(context.open_session(files.second))
    if other.sense == "text":
        raise ModelError(f"{files.first} and {files.second} are both text towers.")
    return other, Texts(context, files, files.first, tower)


def _image_input(tower: Tower, preprocessor: Path | None) -> ImageInput:
    """How the tower wants images: the graph's metadata, else the preprocessor's file, else as published.

    Raises:
        ModelError: the file is damaged.
    """
    if tower.session.image_input is not None:
        return tower.session.image_input
    width, height, mean, std = SIZE, SIZE, MEAN, STD
    if preprocessor is not None:
        try:
            config: dict[str, Any] = json.loads(preprocessor.read_bytes())
            crop = config.get("crop_size", SIZE)
            width, height = (crop["width"], crop["height"]) if isinstance(crop, dict) else (crop, crop)
            mean, std = tuple(config.get("image_mean", MEAN)), tuple(config.get("image_std", STD))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{preprocessor} cannot be used: {error}", "Copy it again, or remove it."
            ) from error
    height, width = tower.shape[2] or height, tower.shape[3] or width
    return ImageInput(width, height, fit="crop", mean=mean, std=std, resample="bicubic")
