"""The names of a graph's classes, and what is to be said where they are not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediaml.plugin import GraphFacts, ModelError, find_labels
from mediaml_onnx.layer import Layer
from mediaml_onnx.toml_file import toml_path

_NUMBERED = "class names are not known, so they are numbered"


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Class names.

    Attributes:
        labels: in the order of the scores; empty where not even their number is known.
        origin: where they were found; empty where they are numbers.
        guess: what is to be said where they are guessed; else empty.
    """

    labels: tuple[str, ...] = ()
    origin: str = ""
    guess: str = ""


NO_NAMES = ClassNames()


def class_names(
    facts: GraphFacts, told: Sequence[Layer], index: int, known: Mapping[str, Sequence[str]]
) -> ClassNames:
    """The names of the classes of an output.

    In this order: the description, the metadata, a list beside the file, timm's configuration, a known list
    of that length, numbers.

    Raises:
        ModelError: a list has another number of names than the graph has classes.
    """
    shape = facts.outputs[index].shape
    count = shape[-1] if shape else None
    said = [layer for layer in told if layer.labels]
    if said and said[0].origin == toml_path(facts.path).name:
        return _listed(facts, said[0], count)
    found = find_labels(facts.path, facts.metadata, count)
    if found is not None:
        return ClassNames(found.names, found.origin)
    if said:
        return _listed(facts, said[0], count)
    assumed = find_labels(facts.path, facts.metadata, count, known)
    if assumed is not None:
        return ClassNames(
            assumed.names, assumed.origin, f"labels of {assumed.origin} guessed: {count} classes"
        )
    return ClassNames(tuple(map(str, range(count or 0))), guess=_NUMBERED)


def _listed(facts: GraphFacts, layer: Layer, count: int | None) -> ClassNames:
    names = layer.labels or ()
    if count is not None and len(names) != count:
        raise ModelError(
            f"{facts.path} has {count} classes, but {layer.origin} names {len(names)}.",
            "Correct its labels: one name per class, in the order of the scores.",
        )
    return ClassNames(names, layer.origin)
