"""`mediaml models verify`: checksums, and golden inputs replayed on each device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.device import DEVICES
from mediaml.cli.shell import noise_options, shell_of

if TYPE_CHECKING:
    from mediaml.core.arrays import Array
    from mediaml.core.catalogue_entry import CatalogueEntry
    from mediaml.onnx.providers import DeviceRequest
    from mediaml.store.store import Store

_PLAIN = "the unoptimised graph on the CPU"


@click.command("verify")
@click.argument("name", metavar="NAME|PATH")
@click.option(
    "--device", "devices", multiple=True, default=("cpu",), metavar="NAME", help=f"{DEVICES}; repeatable."
)
@noise_options
@click.pass_context
def command(context: click.Context, /, name: str, devices: tuple[str, ...]) -> None:
    """Verify a model's files, replay golden inputs, and print the largest difference.

    A bundled model has recorded outputs. Any other gets seeded inputs made from its graph, and is compared
    with the same graph on the CPU, in one thread, without graph optimisation. An int8 or fp16 model is also
    compared with its fp32 version when that is in the cache.

    \b
    Examples:
      mediaml models verify digits
      mediaml models verify clip-vit-b32-int8 --device cpu --device cuda
      mediaml models verify own.onnx
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.onnx.providers import parse_device
    from mediaml.store.bundled import bundled_model, bundled_names

    requests = {device: parse_device(device) for device in devices}
    if Path(name).suffix == ".onnx":
        _replay(Path(name), requests)
    elif name in bundled_names():
        _replay(bundled_model(name), requests)
    else:
        _verify_fetched(store_of(shell_of(context)), name, requests)


def _verify_fetched(store: Store, name: str, requests: Mapping[str, DeviceRequest]) -> None:
    from mediaml.core.errors import ChecksumError, ModelError
    from mediaml.store.cache import FileState

    entry = store.catalogue.find(name)
    file_states = store.file_states(entry)
    for file, file_state in file_states.items():
        click.echo(f"{name}: {file}: {file_state}")
    hint = f"`mediaml models pull {name}` repairs it."
    if FileState.WRONG in file_states.values():
        raise ChecksumError(f"{name} does not match the catalogue's checksums.", hint)
    if set(file_states.values()) != {FileState.HERE}:
        raise ModelError(f"{name} is incomplete.", hint)
    graphs = list(_graphs(store, entry))
    for graph in graphs:
        _replay(graph, requests)
    _against_sibling(store, entry, graphs, requests)


def _graphs(store: Store, entry: CatalogueEntry) -> Iterator[Path]:
    """The ONNX files of an entry that is here; darknet files are imported first."""
    from mediaml.pipeline.weights import obtain_weights

    if entry.recipe != "folder":
        yield obtain_weights(store, entry.name)
        return
    for file in entry.files:
        if file.name.endswith(".onnx"):
            yield store.cache.path(entry, file)


def _replay(graph: Path, requests: Mapping[str, DeviceRequest]) -> None:
    """Report, per device, how far a graph's outputs are from the recorded or unoptimised ones."""
    from mediaml.onnx.precision import precision_of
    from mediaml.onnx.replay import reference_answers, replay

    recorded = graph.with_suffix(".golden.npz")
    if recorded.is_file():
        for device, request in requests.items():
            difference = replay(graph, recorded, request)
            click.echo(
                f"{graph.stem}: largest difference {difference:.2e} from the golden outputs, on {device}"
            )
        return
    feeds = _made(graph)
    expected = reference_answers(graph, feeds)
    _compare(graph, feeds, expected, requests, f"{_PLAIN}, {precision_of(graph)}")


def _made(graph: Path) -> dict[str, Array]:
    from mediaml.onnx.golden import made_inputs
    from mediaml.onnx.inspect import model_file_facts

    return made_inputs(model_file_facts(graph))


def _compare(
    graph: Path,
    feeds: Mapping[str, Array],
    expected: Mapping[str, Array],
    requests: Mapping[str, DeviceRequest],
    of: str,
) -> None:
    from mediaml.onnx.replay import answers, differences

    for device, request in requests.items():
        found, ran_on = answers(graph, feeds, request)
        shown = "; ".join(map(str, differences(found, expected)))
        where = f"{device} ({ran_on})" if device == "auto" else device
        click.echo(f"{graph.stem}: largest difference on {where} from {of}: {shown}")


def _against_sibling(
    store: Store, entry: CatalogueEntry, graphs: list[Path], requests: Mapping[str, DeviceRequest]
) -> None:
    """Compare an entry called NAME-int8 or NAME-fp16 with NAME, graph by graph of the same inputs."""
    from mediaml.onnx.precision import precision_of
    from mediaml.onnx.replay import reference_answers
    from mediaml.store.cache import FileState

    plain, _, suffix = entry.name.rpartition("-")
    if suffix not in {"int8", "fp16"}:
        return
    sibling = store.catalogue.entries.get(plain)
    if sibling is None or set(store.file_states(sibling).values()) != {FileState.HERE}:
        click.echo(
            f"{entry.name}: not compared with fp32, because {plain} is not downloaded; "
            f"`mediaml models pull {plain}` downloads it"
        )
        return
    full = {_input_names(path): path for path in _graphs(store, sibling)}
    for graph in graphs:
        reference = full.get(_input_names(graph))
        if reference is None:
            click.echo(f"{graph.stem}: no graph of {plain} takes {', '.join(_input_names(graph))}")
            continue
        feeds = _made(graph)
        expected = reference_answers(reference, feeds)
        _compare(graph, feeds, expected, requests, f"{reference.stem}, {precision_of(reference)}")


def _input_names(graph: Path) -> tuple[str, ...]:
    from mediaml.onnx.inspect import model_file_facts

    return tuple(sorted(spec.name for spec in model_file_facts(graph).inputs))
