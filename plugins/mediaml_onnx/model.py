"""The models `classify`, `embed` and `listen`: what a description says, done."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from mediaml.plugin import (
    Answers,
    Array,
    AudioInput,
    ClipInput,
    Embedding,
    Fitting,
    Float32Array,
    Frame,
    ImageInput,
    Label,
    LoadContext,
    ModelError,
    OnnxModel,
    UInt8Array,
    graph_facts,
    normalise,
    normalise_clip,
)
from mediaml_onnx.describe import Description, Task, WrongTaskError, describe
from mediaml_onnx.options import ClassifyOptions, EmbedOptions, ListenOptions
from mediaml_onnx.toml_file import toml_path

# Rounding of softmax and sigmoid in half precision.
_SLACK = 2e-3


class DescribedModel(OnnxModel):
    """A graph that is used as its description says.

    Raises:
        ModelError: it is not a graph for the task, its description is wrong, or does not fit it.
    """

    decodes_pixels = False
    task: ClassVar[Task]

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context)
        assert context.weights is not None
        facts = graph_facts(context.weights)
        self.path = context.weights
        try:
            self.described: Description = describe(facts, self.task)
        except WrongTaskError as error:
            raise ModelError(error.message, error.hint) from error
        self.input = self.described.input
        self.labels = self.described.labels
        self._spec = facts.inputs[0]
        if self.input is not None:
            self._refuse_misfit(self.sample_shape(self.input))
        self._clip = self.input if isinstance(self.input, ClipInput) else None
        if self._clip is not None:
            # Clips come fitted: to the size of which the middle is taken.
            width, height = self._uncut(self._clip.image)
            self.input = replace(self._clip, image=replace(self._clip.image, width=width, height=height))
        if self.described.guesses:
            again = f"`mediaml models describe {shlex.quote(str(self.path))}` says more"
            context.warn(f"{self.path.name}: {'; '.join(self.described.guesses)}; {again}")

    @property
    def fixed_batch(self) -> int | None:
        """See `OnnxModel`; a graph without a batch axis takes one sample."""
        return 1 if len(self._spec.shape) == 1 else self._spec.shape[0]

    def sample_shape(self, wanted: ImageInput | AudioInput | ClipInput) -> tuple[int, ...]:
        """The shape of one sample, with an axis of size 1 wherever the graph has one more."""
        if isinstance(wanted, ClipInput):
            return wanted.shape
        if isinstance(wanted, ImageInput):
            channels = 1 if wanted.color == "GRAY" else 3
            planar = wanted.layout == "NCHW"
            area = (wanted.height, wanted.width)
            return (channels, *area) if planar else (*area, channels)
        missing = len(self._spec.shape) - 1 - len(wanted.shape)
        last = missing == 1 and self._spec.shape[-1] == 1
        return (*wanted.shape, 1) if last else (1,) * max(0, missing) + wanted.shape

    def _refuse_misfit(self, shape: tuple[int, ...]) -> None:
        batched = shape if len(self._spec.shape) == 1 else (None, *shape)
        image = self.input.image if isinstance(self.input, ClipInput) else self.input
        channels = len(image.mean) if isinstance(image, ImageInput) else 1
        if not self._spec.fits(*batched):
            fed = ", ".join("?" if size is None else str(size) for size in batched)
            raise ModelError(
                f"{self.path} takes {self._spec}, but is described as taking [{fed}].",
                f"Correct the sizes in {toml_path(self.path).name}.",
            )
        if isinstance(image, ImageInput) and channels not in {1, 1 if image.color == "GRAY" else 3}:
            raise ModelError(
                f"{self.path} is described with a mean of {channels} channels.",
                f"Correct it in {toml_path(self.path).name}.",
            )

    def prepare(self, frame: Frame) -> Array:
        """One sample, by the description."""
        if isinstance(self.input, ImageInput):
            return normalise(self._fitted(frame, self.input), self.input)
        if self._clip is not None and frame.clip is not None:
            return normalise_clip(self._middle(frame, frame.clip, self._clip.image), self._clip)
        sample = super().prepare(frame)
        assert isinstance(self.input, AudioInput)
        return sample.reshape(self.sample_shape(self.input))

    def _fitted(self, frame: Frame, want: ImageInput) -> Array:
        """The frame at the input's size: fitted to a larger one where only its middle is taken."""
        width, height = self._uncut(want)
        return self._middle(
            frame, frame.fitted(width, height, want.fit, pad=want.pad, resample=want.resample), want
        )

    def _uncut(self, want: ImageInput) -> tuple[int, int]:
        """Width and height that an image is fitted to before its middle is taken."""
        share = float(self.described.image["crop_pct"].value)
        # Rounded down as timm does; of a share that is itself a quotient, not one less.
        return int(want.width / share + 1e-6), int(want.height / share + 1e-6)

    def _middle(self, frame: Frame, fitted: UInt8Array, want: ImageInput) -> UInt8Array:
        """The middle of what a frame was fitted to: of [..., H, W, 3]."""
        fitting = Fitting.of(frame.width, frame.height, *self._uncut(want), want.fit)
        left, top = fitting.middle(want.width, want.height)
        return fitted[..., top : top + want.height, left : left + want.width, :]

    def run(self, batch: Array) -> Sequence[Array]:
        """The one output that is used, [batch, ...], float32."""
        fed = batch if batch.dtype == self._spec.dtype else batch.astype(self._spec.dtype)
        alone = len(self._spec.shape) == 1
        outputs = self.session.run({self._spec.name: fed[0] if alone else fed})
        chosen = np.asarray(outputs[self.described.index], dtype=np.float32)
        if alone:
            # Of one window a graph may answer several patches.
            chosen = chosen.reshape(-1, chosen.shape[-1]).mean(axis=0, keepdims=True)
        return [chosen]

    def labelled(self, scores: Float32Array, options: ClassifyOptions | ListenOptions) -> list[Label]:
        """The best classes of one frame, best first: float32 [classes] to labels; none below the threshold.

        Raises:
            ModelError: the scores are no probabilities although they are described so.
        """
        chances = self._probabilities(scores)
        own = float(self.described.output["threshold"].value)
        if chances.max(initial=0.0) < np.float32(own if options.threshold < 0 else options.threshold):
            return []
        order = np.argsort(-chances, kind="stable")[: options.top]
        names = self.labels or tuple(map(str, range(len(chances))))
        return [Label(names[i], float(chances[i])) for i in order if chances[i] >= options.min_score]

    def _probabilities(self, scores: Float32Array) -> Float32Array:
        if not np.isfinite(scores).all():
            raise ModelError(f"{self.path} answers with values that are not numbers.", "Export it again.")
        if self.described.means == "sigmoid":
            return np.asarray(1.0 / (1.0 + np.exp(-scores.astype(np.float64))), dtype=np.float32)
        if self.described.means == "logits":
            raised = np.exp(scores - scores.max())
            return np.asarray(raised / raised.sum(), dtype=np.float32)
        if scores.min() < -_SLACK or scores.max() > 1 + _SLACK:
            raise ModelError(
                f"{self.path} answers {scores.min():.3g} to {scores.max():.3g}, which are no probabilities.",
                f'Say so in {toml_path(self.path).name}: [output], means = "logits" (or "sigmoid").',
            )
        return scores.clip(0.0, 1.0)

    def vector(self, values: Float32Array, *, unit: bool) -> Embedding:
        """One frame's vector: [D], [tokens, D], or features [C, H, W], [C, T, H, W] or channels last."""
        if values.ndim == 2:
            values = values[0] if self.described.output["pool"].value == "first" else values.mean(axis=0)
        if values.ndim == 3:
            last = isinstance(self.input, ImageInput) and self.input.layout == "NHWC"
            values = values.mean(axis=(0, 1) if last else (1, 2))
        if values.ndim == 4:
            last = self._clip is not None and self._clip.layout == "THWC"
            values = values.mean(axis=(0, 1, 2) if last else (1, 2, 3))
        length = float(np.linalg.norm(values))
        return Embedding(np.ascontiguousarray(values / length if unit and length > 0 else values))


class Classifier(DescribedModel):
    """Labels of images."""

    task = "classify"

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[Answers]:
        """The best labels of every frame."""
        options: ClassifyOptions = self.options
        return [self.labelled(scores.reshape(-1), options) for scores in outputs[0][: len(frames)]]


class Embedder(DescribedModel):
    """Vectors of images."""

    task = "embed"

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[Answers]:
        """One vector per frame."""
        options: EmbedOptions = self.options
        return [self.vector(values, unit=options.unit) for values in outputs[0][: len(frames)]]


class Listener(DescribedModel):
    """Labels of windows of audio, or their vectors where the description says `embedding`."""

    task = "listen"

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[Answers]:
        """The best labels, or the vector, of every window."""
        rows = outputs[0][: len(frames)]
        if self.described.means == "embedding":
            return [self.vector(values, unit=True) for values in rows]
        return [self.labelled(scores.reshape(-1), self.options) for scores in rows]
