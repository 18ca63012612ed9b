"""One layout for a graph: the one that fits, or the user's choice; or an error that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mediaml.plugin import GraphFacts, ModelError, OptionError, Reading, TensorSpec
from mediaml_yolo.beside import Beside, read_beside
from mediaml_yolo.families import FAMILIES, Choice
from mediaml_yolo.recognise import Layout, recognise

_TASKS_OF_OTHERS = frozenset({"semantic", "depth", "sem"})


def choose(facts: GraphFacts, beside: Beside, family: Choice, model: str) -> Layout:
    """The layout of a graph for a model.

    Args:
        family: what the user says it is; `auto` for what the graph says.
        model: `yolo` takes YOLO families, `detect` all.

    Raises:
        ModelError: it is no detector known here, or not one of this model, or several readings fit.
        OptionError: the graph does not fit the family.
    """
    found = recognise(facts, beside)
    if family != "auto":
        return _forced(facts, found, family, model)
    if not found:
        raise _unknown(facts, model)
    if len(found) > 1:
        raise _several(facts, found, model)
    if model == "yolo" and not FAMILIES[found[0].family].is_yolo:
        raise ModelError(
            f"{facts.path} is not a YOLO network but {FAMILIES[found[0].family].title}: {found[0].reason}.",
            f"Run it with -p detect -m {facts.path}",
        )
    return found[0]


def readings(facts: GraphFacts, model: str) -> Sequence[Reading]:
    """Every layout of a graph that a model takes, for `mediaml models describe`."""
    beside = read_beside(facts.path)
    fitting = recognise(facts, beside)
    return [
        Reading(FAMILIES[layout.family].title, layout.reason, _facts(layout, len(fitting) > 1, model))
        for layout in fitting
        if model != "yolo" or FAMILIES[layout.family].is_yolo
    ]


def _facts(layout: Layout, several: bool, model: str) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, str]] = [("finds", layout.task)]
    if layout.classes is not None:
        facts.append(("classes", str(layout.classes)))
    if several:
        facts.append(("choose with", f"-O {model}.family={layout.family}"))
    return tuple(facts)


def _forced(facts: GraphFacts, found: Sequence[Layout], family: Choice, model: str) -> Layout:
    for layout in found:
        if layout.family == family:
            return layout
        # What decides between these two is in the numbers, not in the graph.
        if {layout.family, family} == {"yolox", "yolox-decoded"}:
            return replace(layout, family="yolox" if family == "yolox" else "yolox-decoded")
    fits = [f"-O {model}.family={layout.family}" for layout in found]
    raise OptionError(
        f"{facts.path} does not fit {model}.family={family}: it has {_interface(facts)}.",
        f"It fits {' or '.join(fits)}." if fits else _describe(facts),
    )


def _unknown(facts: GraphFacts, model: str) -> ModelError:
    task = facts.metadata.get("task", "")
    flat = len(facts.outputs) == 1 and len(facts.outputs[0].shape) == 2
    if facts.metadata.get("mediaml.interface") == "classifier/1" or flat:
        return ModelError(
            f"{facts.path} is a classifier, not a detector: it has {_interface(facts)}.",
            f"Run it with -p classify -m {facts.path}",
        )
    kind = f" (its task is {task})" if task in _TASKS_OF_OTHERS else ""
    return ModelError(
        f"{facts.path} is not a detector that {model} can run: it has {_interface(facts)}{kind}.",
        f"docs/detectors.md lists the layouts that are known; {_describe(facts)}",
    )


def _several(facts: GraphFacts, found: Sequence[Layout], model: str) -> ModelError:
    titles = " or ".join(FAMILIES[layout.family].title for layout in found)
    ways = " or ".join(f"-O {model}.family={layout.family}" for layout in found)
    return ModelError(f"{facts.path} may be {titles}: it has {_interface(facts)}.", f"Choose with {ways}.")


def _describe(facts: GraphFacts) -> str:
    return f"`mediaml models describe {facts.path}` shows what is known."


def _interface(facts: GraphFacts) -> str:
    return f"inputs {_listed(facts.inputs)} and outputs {_listed(facts.outputs)}"


def _listed(specs: Sequence[TensorSpec]) -> str:
    shown = [str(spec) for spec in specs[:6]] + (["…"] if len(specs) > 6 else [])
    return ", ".join(shown) or "none"
