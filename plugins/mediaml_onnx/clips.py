"""What a graph's input says of clips, and what is guessed where it says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mediaml.plugin import GraphFacts, ModelError, TensorSpec
from mediaml_onnx.layer import GUESS, Layer, Said, merged
from mediaml_onnx.toml_file import toml_path

_FLOATS = {"float32", "float16"}
# Where the channels are, counted with the batch axis.
_CHANNELS = {"CTHW": 1, "TCHW": 2, "THWC": 4}
_FRAMES, _SIDE, _SHARE, _EVERY_S = 16, 112, 0.875, 1 / 15
_KINETICS = {"mean": (0.43216, 0.394666, 0.37645), "std": (0.22803, 0.22145, 0.216989)}
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def takes_clips(facts: GraphFacts, told: Sequence[Layer]) -> bool:
    """Whether the input of a graph is clips: it has five axes, or a description says so."""
    spec = facts.inputs[0]
    return any(layer.clip for layer in told) or (len(spec.shape) == 5 and spec.dtype in {*_FLOATS, "uint8"})


def clip_layers(facts: GraphFacts, told: Sequence[Layer]) -> list[Layer]:
    """What is known of an input of clips, then what is guessed.

    Raises:
        ModelError: the order of its axes is not said, and none or several fit.
    """
    spec = facts.inputs[0]
    if len(spec.shape) != 5:
        raise ModelError(
            f"{facts.path} takes {spec}, but is described as taking clips, which have five axes.",
            f"Leave [clip] out of {toml_path(facts.path).name}.",
        )
    layout = _layout(facts, told)
    sizes = dict(zip(layout, spec.shape[1:], strict=True))
    frames, height, width = sizes["T"], sizes["H"], sizes["W"]
    clip: dict[str, Any] = {"layout": layout, **({"frames": frames} if frames else {})}
    image: dict[str, Any] = {"dtype": "uint8" if spec.dtype == "uint8" else "float32"}
    image |= {"height": height} if height else {}
    image |= {"width": width} if width else {}
    image |= {"color": "GRAY"} if sizes["C"] == 1 else {}
    return [Layer("the graph", image=image, clip=clip), *_guesses(sizes, layout, image["dtype"])]


def _layout(facts: GraphFacts, told: Sequence[Layer]) -> str:
    said = merged(told, "clip").get("layout", Said("", None)).value
    if said:
        return str(said)
    spec = facts.inputs[0]
    fitting = [layout for layout in _CHANNELS if _has_channels(spec, layout)]
    if len(fitting) != 1:
        may = " and ".join(fitting) or f"none of {', '.join(_CHANNELS)}"
        raise ModelError(
            f"{facts.path} takes {spec}, whose axes may be {may}.",
            f'Write into {toml_path(facts.path).name}: [clip], layout = "{(fitting or ["CTHW"])[0]}".',
        )
    return fitting[0]


def _has_channels(spec: TensorSpec, layout: str) -> bool:
    return spec.shape[_CHANNELS[layout]] in {1, 3}


def _guesses(sizes: dict[str, int | None], layout: str, dtype: str) -> list[Layer]:
    frames, height, width = sizes["T"], sizes["H"], sizes["W"]
    layers = []
    if not frames:
        why = f"{_FRAMES} frames guessed: the graph takes any number"
        layers.append(Layer(GUESS, clip={"frames": _FRAMES}, reason=why))
    why = "a frame every 1/15 s guessed: as torchvision's video models"
    layers.append(Layer(GUESS, clip={"every_s": _EVERY_S}, reason=why))
    if not (height and width):
        why = f"{_SIDE}x{_SIDE} guessed: the graph takes any size"
        size = {"height": height or _SIDE, "width": width or _SIDE}
        layers.append(Layer(GUESS, image=size, reason=why))
    why = "crop of the middle guessed: as torchvision's video models"
    layers.append(Layer(GUESS, image={"fit": "crop", "crop_pct": _SHARE}, reason=why))
    if dtype == "float32" and sizes["C"] == 3:
        layers.append(_normalisation(layout))
    return layers


def _normalisation(layout: str) -> Layer:
    if layout == "THWC":
        return Layer(GUESS, image={"scale": 1 / 255}, reason="pixels / 255 guessed: as TensorFlow's MoViNets")
    name, values = ("Kinetics'", _KINETICS) if layout == "CTHW" else ("ImageNet's", _IMAGENET)
    whose = "torchvision's" if layout == "CTHW" else "transformers'"
    reason = f"{name} mean and std guessed: {layout}, as {whose} video models"
    return Layer(GUESS, image={"scale": 1 / 255, **values}, reason=reason)
