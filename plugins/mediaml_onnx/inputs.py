"""The input that the fields of a description make, or a refusal that names the file to correct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TypeVar

from mediaml.plugin import AudioInput, ClipInput, GraphFacts, ImageInput, ModelError
from mediaml_onnx.layer import ImageFields, Said, with_defaults
from mediaml_onnx.toml_file import toml_path

LEAST_SHARE = 0.1
"""The least part of a fitted image that is cut out: a smaller one would be blown up without bound."""
_Input = TypeVar("_Input", bound=ImageInput | AudioInput | ClipInput)


def image_or_audio(
    facts: GraphFacts, task: str, said: Mapping[str, Said]
) -> tuple[dict[str, Said], ImageInput | AudioInput | None]:
    """All fields of the input with their layers, and the input that they make.

    Raises:
        ModelError: they do not fit each other, or the graph.
    """
    record: type[ImageInput] | type[AudioInput] = AudioInput if task == "listen" else ImageInput
    shown = with_defaults(said, record)
    if task != "listen":
        shown |= with_defaults(said, ImageFields)
        share = shown["crop_pct"].value
        if not LEAST_SHARE <= share <= 1:
            raise ModelError(
                f"{facts.path}: crop_pct is {LEAST_SHARE} to 1, not {share:g}.",
                f"Correct it in {toml_path(facts.path).name}.",
            )
        if task == "transform" and not {"width", "height"} <= said.keys():
            return {name: one for name, one in shown.items() if name not in {"width", "height"}}, None
    return shown, _made(facts, record, shown)


def clip_input(facts: GraphFacts, image: ImageInput, clip: Mapping[str, Said]) -> ClipInput:
    """How clips are taken.

    Raises:
        ModelError: the fields do not fit each other.
    """
    return _made(facts, ClipInput, {**clip, "image": Said(image, None)})


def _made(facts: GraphFacts, record: type[_Input], shown: Mapping[str, Said]) -> _Input:
    """The input that fields make.

    Raises:
        ModelError: a field that has no default is not said, or they do not fit each other.
    """
    names = {one.name for one in fields(record)}
    lacking = [name for name, one in shown.items() if one.value is MISSING]
    if lacking:
        raise ModelError(
            f"{facts.path} is described without a {lacking[0]}, and takes any.",
            f"Write it into {toml_path(facts.path).name}: docs/bring-your-own.md.",
        )
    try:
        return record(**{name: one.value for name, one in shown.items() if name in names})
    except ValueError as error:
        origins = sorted({one.layer.origin for one in shown.values() if one.layer})
        raise ModelError(
            f"{facts.path} is described so that {error} (by {', '.join(origins)}).",
            f"Correct it in {toml_path(facts.path).name}.",
        ) from error
