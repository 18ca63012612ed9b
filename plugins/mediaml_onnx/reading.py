"""How a model reads a graph, for `mediaml models describe`, and the TOML that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from mediaml.plugin import GraphFacts, Reading
from mediaml_onnx.describe import Description, Task, WrongTaskError, describe
from mediaml_onnx.from_graph import SCORES, VECTORS, is_named, meaning
from mediaml_onnx.layer import Said

_FAMILIES = {
    "classify": "image classifier",
    "embed": "image embedder",
    "listen": "audio model",
    "transform": "image-to-image model",
}


def readings(model: str, facts: GraphFacts) -> list[Reading]:
    """One reading, or none where the graph is not for the model.

    Raises:
        ModelError: the description that is there is wrong.
    """
    task = cast(Task, model)
    try:
        described = describe(facts, task)
    except WrongTaskError:
        return []
    if not _is_likely(task, facts, described):
        return []
    return [
        Reading(
            _family(task, described),
            _reason(facts, described),
            _facts(described),
            _toml(facts, task, described),
        )
    ]


def _family(task: Task, described: Description) -> str:
    return _FAMILIES[task].replace("image", "video") if described.clip else _FAMILIES[task]


def _is_likely(task: Task, facts: GraphFacts, described: Description) -> bool:
    """Whether an output of a vector's form rather is one: it is called so, or at least not called scores."""
    if task != "embed":
        return True
    means, output = described.output["means"].layer, facts.outputs[described.index]
    if is_named(output.name, VECTORS) or (means is not None and means.origin.endswith(".toml")):
        return True
    is_score = meaning(facts, described.index).output["means"] == "probabilities" or is_named(
        output.name, SCORES
    )
    return len(output.shape) == 2 and not is_score


def _reason(facts: GraphFacts, described: Description) -> str:
    means = described.output["means"]
    why = means.layer.reason if means.layer and means.layer.reason else ""
    said = f"{facts.inputs[0]} to {facts.outputs[described.index]}, {described.means}"
    return f"{said} ({why})" if why else said


def _facts(described: Description) -> tuple[tuple[str, str], ...]:
    said = {**described.image, **described.audio, **described.clip, **described.output}
    shown = [(name, f"{_shown(one.value)} ({_origin(one)})") for name, one in said.items() if one.layer]
    if described.labels_from:
        shown.append(("labels", f"{len(described.labels)} ({described.labels_from})"))
    return (*shown, *(("guess", one) for one in described.guesses))


def _origin(one: Said) -> str:
    return one.layer.origin if one.layer else "default"


def _shown(value: Any) -> str:
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)


def _toml(facts: GraphFacts, task: Task, described: Description) -> str:
    """The description, whole, with where each value is from."""
    lines = [f"# How `mediaml run -p {task}` reads {facts.path.name}; see docs/bring-your-own.md.", ""]
    if described.labels_from:
        lines += [f"# labels: {len(described.labels)}, from {described.labels_from}", ""]
    elif described.labels:
        lines += ["# Class names are not known:", '# labels = "labels.txt"', ""]
    for table in ("image", "audio", "clip", "output"):
        said: Mapping[str, Said] = getattr(described, table)
        if said:
            lines += [f"[{table}]", *(_line(name, one) for name, one in said.items()), ""]
    return "\n".join(lines)


def _line(name: str, one: Said) -> str:
    if one.value is None:
        return f"# {name} is not set"
    return f"{name} = {_value(one.value)}  # {_origin(one)}"


def _value(value: Any) -> str:
    """A value in TOML, whose texts, numbers and lists are JSON's."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
