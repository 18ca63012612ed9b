"""`mediaml search`: frames by text or by an image, from the embeddings in the ledger."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.clock import clock
from mediaml.cli.device import DEVICES
from mediaml.cli.shell import Shell, noise_options, offline_option, shell_of
from mediaml.cli.table import table
from mediaml.core.errors import ChecksumError, MediaError, ModelError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediaml.core.arrays import Float32Array
    from mediaml.core.frame import Frame
    from mediaml.embeddings.search import Hit
    from mediaml.ledger.embeddings import Space
    from mediaml.pipeline.models import LoadedModel


@click.command("search")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("words", metavar="[TEXT]", default="")
@click.option("--image", type=click.Path(path_type=Path), help="Find frames that look like this image.")
@click.option(
    "-k", "count", default=20, show_default=True, type=click.IntRange(1), help="Maximum number of results."
)
@click.option("-p", "--plugin", help="Model whose embeddings are searched, when there are several.")
@click.option(
    "-m",
    "--model",
    "weights",
    metavar="MODEL",
    help="The weights that made them [default: those of the run].",
)
@click.option(
    "--alike",
    default=0.95,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Merge frames whose cosine similarity is at least this.",
)
@click.option(
    "--index", "indexed", is_flag=True, help="Use an approximate index, for many millions of frames."
)
@click.option("--device", default="auto", show_default=True, metavar="NAME", help=DEVICES)
@click.option("--open", "open_best", is_flag=True, help="Open the best result in the system's viewer.")
@offline_option
@noise_options
@click.pass_context
def command(
    context: click.Context,
    /,
    folder: Path,
    words: str,
    image: Path | None,
    count: int,
    plugin: str | None,
    weights: str | None,
    alike: float,
    indexed: bool,
    device: str,
    open_best: bool,
) -> None:
    """Find the best matching frames in DIR, the output folder of a run with `-p clip`.

    Text and an image together find frames similar to both. Similar frames are merged into one result.

    \b
    Examples:
      mediaml search mediaml-out "a dog on a beach"
      mediaml search mediaml-out --image dog.jpg -k 5 --open
    """
    from mediaml.embeddings.index import search_index
    from mediaml.embeddings.search import search
    from mediaml.embeddings.vectors import choose_space, open_vectors
    from mediaml.ledger.results import open_results

    shell = shell_of(context)
    if not words.strip() and image is None:
        raise UsageError("no query.", 'For example: mediaml search DIR "a dog on a beach"')
    space = choose_space(folder, plugin)
    model = _model_of(space, weights, device, shell, words_only=image is None)
    question = _question(model, space, words.strip(), image)
    vectors = open_vectors(folder, space)
    find = search_index if indexed else search
    hits = find(vectors, question, count, alike)
    with open_results(folder) as view:
        sources = [view.source(hit.source) for hit in hits]
    click.echo(_shown(hits, [source.shown for source in sources]))
    if open_best and hits:
        click.launch(str(sources[0].path))


def _model_of(
    space: Space, weights: str | None, device: str, shell: Shell, *, words_only: bool
) -> LoadedModel:
    """The model that made a space.

    Raises:
        ChecksumError: the weights at hand are others.
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.onnx.providers import parse_device
    from mediaml.pipeline.models import Choice, load_model, resolve_model
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.registry.entry_points import load_registry

    registry = load_registry()
    offer = registry.find(space.model)
    store = store_of(shell, registry)
    # The folder of a catalogue model has the model's name; any other file must be named again.
    known = space.weights if space.weights in store.catalogue.entries else None
    given = weights or known
    choice = Choice(offer, offer.spec.options(), Path(given) if given else None)
    resolved = resolve_model(choice, partial(obtain_weights, store))
    model = load_model(resolved, parse_device(device), warn=shell.warn, words_only=words_only)
    found = model.identity
    if found.weights_sha256 != space.weights_sha256:
        raise ChecksumError(
            f"{found.weights} did not make these embeddings: they are from {space.weights} "
            f"(sha256 {space.weights_sha256[:12]}…), it has {found.weights_sha256[:12]}….",
            "Pass the weights of the run with -m, or run again with these.",
        )
    return model


def _question(model: LoadedModel, space: Space, words: str, image: Path | None) -> Float32Array:
    """The query vector: of the text, the image, or the mean of both."""
    from mediaml.core.prediction import Prediction
    from mediaml.embeddings.vectors import unit_rows

    parts: list[Float32Array] = []
    if words:
        parts += list(_text_vectors(model, [words]))
    if image is not None:
        answer = Prediction.of(next(iter(model.model.predict([_first_frame(image)]))))
        if answer.embedding is None:
            raise ModelError(f"{space.model} returned no embedding for {image}.")
        parts.append(unit_rows(answer.embedding.vector))
    if any(part.shape != (space.dimensions,) for part in parts):
        raise OutputError(
            f"the embeddings have {space.dimensions} dimensions, the query has {parts[0].shape[0]}.",
            "Use the model of the run.",
        )
    return unit_rows(sum(parts[1:], start=parts[0]))


def _text_vectors(model: LoadedModel, texts: Sequence[str]) -> Float32Array:
    from mediaml.registry.spec import TextModel

    if not isinstance(model.model, TextModel):
        raise UsageError(f"{model.spec.name} has no text encoder.", "Search by an image: --image FILE")
    return model.model.embed_texts(texts)


def _first_frame(path: Path) -> Frame:
    from mediaml.core.media import Kind
    from mediaml.media.reader import open_reader
    from mediaml.media.sniff import sniff_kind

    if not path.is_file():
        raise MediaError(f"{path} does not exist.", "Check the path after --image.")
    if sniff_kind(path) is not Kind.IMAGE:
        raise MediaError(f"{path} is not a readable image.", "Name an image after --image.")
    with open_reader(path, Kind.IMAGE) as reader:
        return next(iter(reader.frames()))


def _shown(hits: Sequence[Hit], names: Sequence[str]) -> str:
    rows = [
        [f"{hit.score:.3f}", clock(hit.time_s, 2), name, f"+{hit.alike}" if hit.alike else ""]
        for hit, name in zip(hits, names, strict=True)
    ]
    return table(["score", "time", "file", "alike"], rows)
