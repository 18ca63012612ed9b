"""Models without code: any ONNX classifier, embedder, image-to-image or audio graph, as it is described.

A description is put together from `FILE.toml` beside the model, the ONNX metadata, the files of Hugging Face
or timm beside it, and the graph; see docs/bring-your-own.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mediaml.plugin import GraphFacts, Kind, LoadContext, Model, ModelSpec, Reading, hookimpl
from mediaml_onnx.options import ClassifyOptions, EmbedOptions, ListenOptions


def load_classifier(context: LoadContext) -> Model:
    """Open a classifier of images; heavy imports happen here."""
    from mediaml_onnx.model import Classifier

    return Classifier(context)


def load_embedder(context: LoadContext) -> Model:
    """Open an embedder of images."""
    from mediaml_onnx.model import Embedder

    return Embedder(context)


def load_listener(context: LoadContext) -> Model:
    """Open a classifier or embedder of audio."""
    from mediaml_onnx.model import Listener

    return Listener(context)


def load_transformer(context: LoadContext) -> Model:
    """Open an image-to-image model."""
    from mediaml_onnx.transform import Transformer

    return Transformer(context)


def read_graph(model: str, facts: GraphFacts) -> Sequence[Reading]:
    """How one of the models reads a graph."""
    from mediaml_onnx.reading import readings

    return readings(model, facts)


def companions(weights: Path) -> Sequence[Path]:
    """The files beside a model that take part in its description."""
    from mediaml_onnx.describe import files_beside

    return files_beside(weights)


@hookimpl
def mediaml_models() -> Iterator[ModelSpec]:
    """Offer `classify`, `embed`, `listen` and `transform`."""
    visual, audio = frozenset({Kind.IMAGE, Kind.VIDEO}), frozenset({Kind.AUDIO})
    yield ModelSpec(
        "classify",
        task="classify",
        load=load_classifier,
        kinds=visual,
        options=ClassifyOptions,
        description="any ONNX image classifier: -m FILE.onnx",
        companions=companions,
        read_graph=partial(read_graph, "classify"),
    )
    yield ModelSpec(
        "embed",
        task="embed",
        load=load_embedder,
        kinds=visual,
        options=EmbedOptions,
        description="any ONNX image embedder: -m FILE.onnx",
        companions=companions,
        read_graph=partial(read_graph, "embed"),
    )
    yield ModelSpec(
        "listen",
        task="classify",
        load=load_listener,
        kinds=audio,
        options=ListenOptions,
        description="any ONNX audio classifier: -m FILE.onnx",
        companions=companions,
        read_graph=partial(read_graph, "listen"),
    )
    yield ModelSpec(
        "transform",
        task="transform",
        load=load_transformer,
        kinds=visual,
        description="any ONNX image-to-image model: -m FILE.onnx",
        companions=companions,
        read_graph=partial(read_graph, "transform"),
    )
