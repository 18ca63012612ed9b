"""From a graph and what lies around it to one description, or to a refusal with the way on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from mediaml.plugin import (
    AudioInput,
    ClipInput,
    GraphFacts,
    ImageInput,
    ModelError,
    label_lists,
    suggestion,
)
from mediaml_onnx.class_names import NO_NAMES, class_names
from mediaml_onnx.clips import clip_layers, takes_clips
from mediaml_onnx.from_graph import (
    audio_layers,
    image_axes,
    image_layers,
    is_waveform,
    meaning,
    score_outputs,
    vector_outputs,
)
from mediaml_onnx.hub_files import hub_files, hub_layers
from mediaml_onnx.inputs import clip_input, image_or_audio
from mediaml_onnx.label_sets import audio_sets, image_sets
from mediaml_onnx.layer import GUESS, Layer, Means, OutputFields, Said, merged, with_defaults
from mediaml_onnx.metadata import metadata_layer
from mediaml_onnx.toml_file import labels_file, read_toml, toml_path

Task = Literal["classify", "embed", "listen", "transform"]


class WrongTaskError(Exception):
    """The graph is not one for this task.

    Args:
        message, hint: of the `ModelError` that a user gets who asked for the task.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Description:
    """How a graph is used.

    Attributes:
        input: how it takes images or audio; `None` for an image-to-image graph that takes any size.
        image, audio, clip, output: the fields of the tables with the layers that say them; empty where the
            graph takes something else.
        index: of the output that is used.
        labels: names of its classes; empty where it has none or their number is not known.
        labels_from: where they were found.
        guesses: what nothing says, one short sentence each.
    """

    input: ImageInput | AudioInput | ClipInput | None
    image: Mapping[str, Said]
    audio: Mapping[str, Said]
    clip: Mapping[str, Said]
    output: Mapping[str, Said]
    index: int
    labels: tuple[str, ...] = ()
    labels_from: str = ""
    guesses: tuple[str, ...] = ()

    @property
    def means(self) -> Means:
        """What the output means."""
        meant: Means = self.output["means"].value
        return meant


def files_beside(weights: Path) -> list[Path]:
    """The files beside a model that take part in its description."""
    described = toml_path(weights)
    candidates = [described, *label_lists(weights), *hub_files(weights).values()]
    listed = labels_file(described) if described.is_file() else None
    return sorted({file for file in (*candidates, *([listed] if listed else [])) if file.is_file()})


def describe(facts: GraphFacts, task: Task) -> Description:
    """The description of a graph for a task.

    Raises:
        WrongTaskError: the graph is not one for this task.
        ModelError: what is said does not fit the graph, is wrong, or is not enough.
    """
    if len(facts.inputs) != 1:
        takes = "; ".join(map(str, facts.inputs)) or "nothing"
        raise WrongTaskError(
            f"{facts.path} takes {len(facts.inputs)} inputs ({takes}), not one.",
            "A plugin of your own can feed it: docs/plugins.md.",
        )
    told = _told(facts)
    guessed = _guessed(facts, task, told)
    index = _output(facts, task, told)
    spoken = Layer("the graph", output={"name": facts.outputs[index].name})
    output = with_defaults(merged([*_meaning(facts, task, told, index), spoken], "output"), OutputFields)
    table = "audio" if task == "listen" else "image"
    said = merged([*told, *guessed], table)
    clip = with_defaults(merged([*told, *guessed], "clip"), ClipInput) if _is_clip(facts, task, told) else {}
    clip.pop("image", None)
    guesses = [*_guesses(said, table), *_guesses(clip, "clip")]
    names = NO_NAMES
    if output["means"].value not in {"embedding", "image"}:
        known = audio_sets() if task == "listen" else {} if clip else image_sets()
        names = class_names(facts, told, index, known)
    shown, input_ = image_or_audio(facts, task, said)
    return Description(
        clip_input(facts, input_, clip) if isinstance(input_, ImageInput) and clip else input_,
        image=shown if table == "image" else {},
        audio=shown if table == "audio" else {},
        clip=clip,
        output=output,
        index=index,
        labels=names.labels,
        labels_from=names.origin,
        guesses=(*dict.fromkeys(guesses), *([names.guess] if names.guess else [])),
    )


def _guesses(said: Mapping[str, Said], table: str) -> list[str]:
    """Why what is guessed is guessed; of audio, what is the default in any case is not worth a word."""
    defaults = {one.name: one.default for one in fields(AudioInput)} if table == "audio" else {}
    return [
        one.layer.reason
        for name, one in said.items()
        if one.layer and one.layer.origin == GUESS and (name not in defaults or one.value != defaults[name])
    ]


def _told(facts: GraphFacts) -> list[Layer]:
    """What is said in words: beside the graph, and in its metadata."""
    path = toml_path(facts.path)
    layers = [read_toml(path)] if path.is_file() else []
    return [*layers, metadata_layer(facts), *hub_layers(facts.path)]


def _guessed(facts: GraphFacts, task: Task, told: Sequence[Layer]) -> list[Layer]:
    """What the graph says of its input, and guesses.

    Raises:
        WrongTaskError: it takes something else than the task has, or spectrograms that nothing describes.
    """
    spec = facts.inputs[0]
    audio, image = any(layer.audio for layer in told), any(layer.image for layer in told)
    if task == "listen":
        if image and not audio:
            raise WrongTaskError(f"{facts.path} is described as a model of images.", "Use -p classify.")
        guessed = audio_layers(facts)
        if guessed or audio:
            return guessed
        axes = image_axes(spec)
        if axes is not None and axes[3] == 3:
            raise WrongTaskError(f"{facts.path} takes images ({spec}), not audio.", "Use -p classify.")
        raise WrongTaskError(
            f"{facts.path} takes {spec}, and nothing says how audio becomes that.",
            f"Write [audio] into {toml_path(facts.path).name}: docs/bring-your-own.md.",
        )
    if audio and not image:
        raise WrongTaskError(f"{facts.path} is described as a model of audio.", "Use -p listen.")
    if _is_clip(facts, task, told):
        return _unsaid(clip_layers(facts, told), told)
    if image_axes(spec) is None:
        way = "Use -p listen." if is_waveform(spec) else "A plugin of your own can feed it: docs/plugins.md."
        raise WrongTaskError(f"{facts.path} takes {spec}, which is no image.", way)
    return _unsaid(image_layers(facts, task), told)


def _unsaid(layers: Sequence[Layer], told: Sequence[Layer]) -> list[Layer]:
    """What is known, and the guesses of which nothing is said: a crop, values or a rate hold whole."""
    said = merged(told, "image").keys() | merged(told, "clip").keys()
    if said & {"stride", "hop"}:
        said |= {"every_s"}
    return [one for one in layers if one.origin != GUESS or not said & {*one.image, *one.clip}]


def _is_clip(facts: GraphFacts, task: Task, told: Sequence[Layer]) -> bool:
    return task in {"classify", "embed"} and takes_clips(facts, told)


def _output(facts: GraphFacts, task: Task, told: Sequence[Layer]) -> int:
    """Which output is used.

    Raises:
        WrongTaskError: none is of the task's form.
        ModelError: the named one does not exist, or several may be meant.
    """
    names = [spec.name for spec in facts.outputs]
    said = merged(told, "output")
    named = said.get("name")
    if named is not None and named.value:
        if named.value not in names:
            origin = named.layer.origin if named.layer else ""
            raise ModelError(
                f"{facts.path} has no output {named.value!r}, which {origin} names.",
                suggestion(named.value, names) or f"Its outputs: {', '.join(names)}.",
            )
        return names.index(named.value)
    vector = task == "embed" or (
        task == "listen" and merged(told, "output").get("means", Said("", None)).value == "embedding"
    )
    if task == "transform":
        fitting = [i for i, spec in enumerate(facts.outputs) if image_axes(spec) or spec.dtype == "uint8"]
    else:
        fitting = vector_outputs(facts) if vector else score_outputs(facts)
    if len(fitting) == 1:
        return fitting[0]
    has = "; ".join(map(str, facts.outputs))
    if not fitting:
        wanted = {"transform": "an image", "embed": "vectors"}.get(task, "scores [batch, classes]")
        raise WrongTaskError(
            f"{facts.path} has no output of {wanted} ({has}).",
            "If it finds objects, use -p detect; else a plugin of your own can read it: docs/plugins.md.",
        )
    raise ModelError(
        f"{facts.path} has several outputs that may be meant ({has}).",
        f'Name one in {toml_path(facts.path).name}: [output], name = "{names[fitting[0]]}".',
    )


def _meaning(facts: GraphFacts, task: Task, told: Sequence[Layer], index: int) -> list[Layer]:
    """The layers of the output: what ends in softmax has it, whatever a hub's files say of the training."""
    if task in {"embed", "transform"}:
        means = "embedding" if task == "embed" else "image"
        return [*told, Layer("the task", output={"means": means})]
    by_graph = meaning(facts, index)
    if by_graph.output["means"] == "probabilities":
        return [*[layer for layer in told if not layer.origin.endswith(".json")], by_graph, *told]
    return [*told, by_graph]
