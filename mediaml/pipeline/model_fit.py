"""Checks on loading that weights fit a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mediaml.core.audio_input import AudioInput
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import ModelError, PluginError
from mediaml.core.media import Kind
from mediaml.core.model_input import ImageInput
from mediaml.onnx.interface import TensorSpec
from mediaml.onnx.offers import Hardware
from mediaml.plugin import OnnxModel
from mediaml.registry.spec import Model, ModelSpec

# On a CPU one frame already keeps every core busy, and a batch only adds waiting and memory; on a GPU
# launching kernels costs more than the frames.
CPU_BATCH, GPU_BATCH = 4, 16
MOST_TINY, TINY_BYTES = 32, 32 << 10


def refuse_misfit(model: Model, spec: ModelSpec) -> None:
    """Compare what a model feeds its graph with what the graph takes.

    Only what `OnnxModel` does itself is known here: a class that overrides `run` or `prepare` checks what it
    needs when it is loaded.

    Raises:
        PluginError: nothing says how audio is cut, or it takes clips that it cannot answer.
        ModelError: the graph has several inputs, or its input differs in type, rank or size.
    """
    says = spec.audio or getattr(model, "input", None)
    if Kind.AUDIO in spec.kinds and not isinstance(says, AudioInput):
        raise PluginError(
            f"model {spec.name!r} accepts audio, but does not say how.",
            "It must set `audio` of its ModelSpec, or `input` when it is loaded; report this to its author.",
        )
    if isinstance(says, ClipInput) and (spec.task == "transform" or spec.kinds == {Kind.AUDIO}):
        raise PluginError(
            f"model {spec.name!r} takes clips, which models of audio and of the task transform cannot.",
            "A model of clips answers with labels, detections or an embedding; report this to its author.",
        )
    session = getattr(model, "session", None)
    if not isinstance(model, OnnxModel) or session is None or type(model).run is not OnnxModel.run:
        return
    if len(session.inputs) != 1:
        takes = "; ".join(map(str, session.inputs)) or "nothing"
        raise _misfit(session.name, spec, f"it has {len(session.inputs)} inputs ({takes}), not one")
    if type(model).prepare is not OnnxModel.prepare:
        return
    fed = _fed(model, spec)
    takes = session.inputs[0]
    if fed is not None and not (takes.fits(*fed.shape) and takes.dtype == fed.dtype):
        raise _misfit(session.name, spec, f"it takes {takes}, but the model feeds it {fed}")


def _fed(model: OnnxModel, spec: ModelSpec) -> TensorSpec | None:
    """The batch that `OnnxModel.prepare` makes; `None` for a model of images and audio both.

    Raises:
        ModelError: nothing says how images are prepared.
    """
    audio = {Kind.AUDIO} & spec.kinds
    if audio and spec.kinds != audio:
        return None
    wanted = spec.audio or model.input if audio else model.input
    if isinstance(wanted, AudioInput):
        name = "waveforms" if wanted.features == "waveform" else "spectrograms"
        return TensorSpec(name, (None, *wanted.shape), "float32")
    if isinstance(wanted, ClipInput):
        return TensorSpec("clips", (None, *wanted.shape), wanted.image.dtype)
    if not isinstance(wanted, ImageInput):
        raise ModelError(
            f"{model.session.name} does not say how images are prepared for {spec.name}.",
            "Write `mediaml.input` into its metadata, or set `input = ImageInput(...)` in the plugin.",
        )
    channels = 1 if wanted.color == "GRAY" else 3
    planar = (channels, wanted.height, wanted.width)
    shape = planar if wanted.layout == "NCHW" else (wanted.height, wanted.width, channels)
    return TensorSpec("images", (None, *shape), wanted.dtype)


def _misfit(name: str, spec: ModelSpec, why: str) -> ModelError:
    hint = f"Leave -m out to use {spec.weights!r}." if spec.weights else "Name other weights with -m."
    return ModelError(f"{name} does not fit {spec.name}: {why}.", hint)


def usual_batch(hardware: Sequence[Hardware], inputs: Sequence[TensorSpec]) -> int:
    """Number of frames per batch where none is asked for.

    Args:
        hardware: what the sessions of the model run on.
        inputs: those of its first session; empty for a model without sessions.
    """
    usual = GPU_BATCH if "gpu" in hardware else CPU_BATCH
    return max([usual, *map(tiny_batch, inputs[:1])])


def tiny_batch(taken: TensorSpec) -> int:
    """How many samples of an input of a stated, small size make a batch that is still small; at least 1.

    Of such samples the calls cost as much as the arithmetic.
    """
    sizes = [size for size in taken.shape[1:] if size is not None]
    if not sizes or len(sizes) + 1 < len(taken.shape):
        return 1
    nbytes = math.prod(sizes) * np.dtype(taken.dtype).itemsize
    return max(1, min(MOST_TINY, TINY_BYTES // max(1, nbytes)))
