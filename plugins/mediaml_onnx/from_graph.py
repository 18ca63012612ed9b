"""What a graph's inputs and outputs say of it, and what is guessed where they say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediaml.plugin import GraphFacts, TensorSpec
from mediaml_onnx.layer import GUESS, Layer

_FLOATS = {"float32", "float16"}
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
# 10 ms at 16 kHz; a shorter vector holds features of something else.
_FEWEST_SAMPLES = 160
_SIDE, _SHARE = 224, 0.875
YAMNET_CLASSES = 521
# Of YAMNet, AudioSet, and ImageNet-1k without and with a background.
KNOWN_COUNTS = {YAMNET_CLASSES, 527, 1000, 1001}
SCORES = ("logits", "probabilities", "probs", "scores", "score", "class", "output", "prob")
_PROBABILITIES = ("prob", "softmax", "sigmoid")
VECTORS = ("embed", "pooler", "pooled", "feature", "hidden_state")


def image_axes(spec: TensorSpec) -> tuple[str, int | None, int | None, int] | None:
    """Layout, height, width and channels of an image input [batch, ...]; `None` where it is none."""
    if len(spec.shape) != 4 or spec.dtype not in {*_FLOATS, "uint8"}:
        return None
    _, first, middle, last = spec.shape
    if first in {1, 3}:
        return "NCHW", middle, last, first
    if last in {1, 3}:
        return "NHWC", first, middle, last
    # A free number of channels stands for three; exporters free every axis at once.
    return ("NCHW", middle, last, 3) if first is None and last not in {1, 3} else None


def is_waveform(spec: TensorSpec) -> bool:
    """Whether an input may be samples: [n], [batch, n] or [batch, 1, n] floats, not a few of them."""
    plain = len(spec.shape) in {1, 2} or (len(spec.shape) == 3 and spec.shape[1] == 1)
    return spec.dtype in _FLOATS and plain and (spec.shape[-1] is None or spec.shape[-1] >= _FEWEST_SAMPLES)


def image_layers(facts: GraphFacts, task: str) -> list[Layer]:
    """What is known of an image input, then what is guessed."""
    axes = image_axes(facts.inputs[0]) if facts.inputs else None
    if axes is None:
        return []
    layout, height, width, channels = axes
    known: dict[str, Any] = {"layout": layout}
    known |= {"dtype": "uint8" if facts.inputs[0].dtype == "uint8" else "float32"}
    known |= {"height": height} if height else {}
    known |= {"width": width} if width else {}
    known |= {"color": "GRAY"} if channels == 1 else {}
    layers = [Layer("the graph", image=known)]
    if task != "transform" and not (height and width):
        why = "the graph takes any size"
        size = {"height": height or _SIDE, "width": width or _SIDE}
        layers.append(Layer(GUESS, image=size, reason=f"{_SIDE}x{_SIDE} guessed: {why}"))
    if task != "transform" and channels == 3:
        share: dict[str, Any] = {"fit": "crop", "crop_pct": _SHARE}
        layers.append(
            Layer(GUESS, image=share, reason="crop of the middle guessed: as ImageNet's classifiers")
        )
    if known["dtype"] == "float32":
        layers.append(_normalisation(layout, channels, task))
    return layers


def _normalisation(layout: str, channels: int, task: str) -> Layer:
    if channels == 1 or task == "transform":
        return Layer(GUESS, image={"scale": 1 / 255}, reason="pixels / 255 guessed: the graph takes floats")
    if layout == "NHWC":
        fields: dict[str, Any] = {"scale": 1 / 127.5, "mean": (1.0,), "std": (1.0,)}
        return Layer(GUESS, image=fields, reason="pixels as -1..1 guessed: NHWC, as TensorFlow's classifiers")
    return Layer(
        GUESS,
        image={"scale": 1 / 255, **_IMAGENET},
        reason="ImageNet's mean and std guessed: NCHW, as PyTorch's classifiers",
    )


def audio_layers(facts: GraphFacts) -> list[Layer]:
    """What is known of an audio input, then what is guessed; YAMNet's front end by its shapes."""
    if not facts.inputs:
        return []
    spec, classes = facts.inputs[0], class_count(facts)
    if is_waveform(spec):
        layers = [Layer("the graph", audio={"features": "waveform"})]
        count = spec.shape[-1]
        if classes == YAMNET_CLASSES:
            yamnet = {"sample_rate": 16_000, "window_s": 0.975, "hop_s": 0.48}
            why = f"16 kHz in windows of 0.975 s guessed: {YAMNET_CLASSES} classes, as YAMNet"
            return [*layers, Layer(GUESS, audio=yamnet, reason=why)]
        seconds = count / 16_000 if count else 1.0
        guess = {"sample_rate": 16_000, "window_s": seconds, "hop_s": seconds}
        return [*layers, Layer(GUESS, audio=guess, reason=f"16 kHz in windows of {seconds:g} s guessed")]
    if classes == YAMNET_CLASSES and spec.dtype in _FLOATS and _ends_with(spec.shape, (96, 64)):
        return [Layer(GUESS, audio=_yamnet(), reason=f"YAMNet's log-mels guessed: {spec}, {classes} classes")]
    return []


def _ends_with(shape: Sequence[int | None], sizes: tuple[int, ...]) -> bool:
    """Whether the axes behind the batch, those of size 1 left out, are of these sizes."""
    return tuple(size for size in shape[1:] if size != 1) == sizes


def _yamnet() -> dict[str, Any]:
    fields: dict[str, Any] = {"sample_rate": 16_000, "window_s": 0.975, "hop_s": 0.48, "mels": 64}
    fields |= {"band": (125.0, 7500.0), "scale": "htk", "triangles": "mel", "norm": "none", "power": 1}
    return fields | {"offset": 0.001, "layout": "TF"}


def score_outputs(facts: GraphFacts) -> list[int]:
    """The outputs that may be scores [batch, classes], vectors left out.

    The one with a telling name, else the one with as many classes as a known list, else all.
    """
    fitting = [
        index
        for index, spec in enumerate(facts.outputs)
        if spec.dtype in _FLOATS
        and len(spec.shape) in {1, 2}
        and spec.shape[-1] != 1
        and not is_named(spec.name, VECTORS)
    ]
    named = [index for index in fitting if is_named(facts.outputs[index].name, SCORES)]
    counted = [index for index in fitting if facts.outputs[index].shape[-1] in KNOWN_COUNTS]
    return next((some for some in (named, counted) if len(some) == 1), fitting)


def vector_outputs(facts: GraphFacts) -> list[int]:
    """The outputs that may be vectors: one with a telling name, pooled ones first, else [batch, values]."""
    fitting = [
        index
        for index, spec in enumerate(facts.outputs)
        if spec.dtype in _FLOATS and len(spec.shape) in {1, 2, 3, 4, 5} and spec.shape[-1] != 1
    ]
    for word in VECTORS:
        named = [index for index in fitting if word in facts.outputs[index].name.lower()]
        if len(named) == 1:
            return named
    return [index for index in fitting if len(facts.outputs[index].shape) <= 2]


def class_count(facts: GraphFacts) -> int | None:
    """How many classes the graph's scores have; `None` where it does not say, or has several outputs."""
    counts = {facts.outputs[index].shape[-1] for index in score_outputs(facts)}
    if YAMNET_CLASSES in counts:
        return YAMNET_CLASSES
    return counts.pop() if len(counts) == 1 else None


def meaning(facts: GraphFacts, output: int) -> Layer:
    """What the scores of an output mean, by the operator that makes them."""
    operator = facts.operators[output] if output < len(facts.operators) else ""
    if operator in {"Softmax", "Sigmoid"}:
        return Layer("the graph", output={"means": "probabilities"}, reason=f"it ends with {operator}")
    if is_named(facts.outputs[output].name, _PROBABILITIES):
        return Layer("the graph", output={"means": "probabilities"}, reason="its output is called so")
    return Layer("the graph", output={"means": "logits"}, reason="it does not end with softmax")


def is_named(name: str, words: Sequence[str]) -> bool:
    """Whether a name holds one of the words."""
    return any(word in name.lower() for word in words)
