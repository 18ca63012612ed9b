"""`mediaml models pull|path|rm`: models on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.shell import noise_options, offline_option, shell_of

if TYPE_CHECKING:
    from mediaml.core.catalogue_entry import CatalogueEntry
    from mediaml.store.store import Store


@click.command("pull")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--from", "origin", default="", metavar="FILE|DIR|URL", help="Take the files from there only.")
@click.option("--trust", is_flag=True, help="Take files whose checksum nobody knows.")
@offline_option
@noise_options
@click.pass_context
def pull_model(context: click.Context, /, names: tuple[str, ...], origin: str, trust: bool) -> None:
    """Fetch models of the catalogue and prove them; what is here and right stays.

    A broken transfer goes on where it stopped. MEDIAML_MODELS (a folder or an address of the layout
    NAME/FILE) is asked before the catalogue's addresses; MEDIAML_CACHE is where models are kept.

    \b
    Examples:
      mediaml models pull yolov3 clip-vit-b32
      mediaml models pull yolov3 --from /media/stick
      mediaml models pull yolov3-12 --from https://mirror.example/yolov3-12.onnx
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.store.bundled import bundled_names

    shell = shell_of(context)
    store = store_of(shell)
    for name in names:
        if name in bundled_names():
            shell.say(f"{name} ships with mediaml; there is nothing to fetch.")
            continue
        store.pull(name, origin=origin, trust=trust)
        shell.say(f"{name}: proven, in {obtain_weights(store, name)}")


def opened_file(store: Store, entry: CatalogueEntry) -> Path | None:
    """The ONNX file that a plugin opens, where it is here; `None` for a folder and for what is not here."""
    from mediaml.pipeline.weights import imported_path

    if entry.recipe == "folder":
        return None
    first = store.cache.path(entry, entry.files[0])
    path = imported_path(store, entry) if entry.recipe == "darknet" else first
    return path if path.is_file() else None


@click.command("path")
@click.argument("name")
@noise_options
@click.pass_context
def show_path(context: click.Context, /, name: str) -> None:
    """Print where a model lies, proven; fails where it is not here, and never fetches.

    \b
    Example:
      mediaml models info "$(mediaml models path yolov3)"
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.core.errors import ModelError
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.store.bundled import bundled_model, bundled_names
    from mediaml.store.cache import FileState

    if name in bundled_names():
        click.echo(str(bundled_model(name)))
        return
    store = store_of(shell_of(context))
    file_states = store.file_states(store.catalogue.find(name))
    lacking = [
        f"{file}: {file_state}"
        for file, file_state in file_states.items()
        if file_state is not FileState.HERE
    ]
    if lacking:
        raise ModelError(
            f"{name} is not here ({'; '.join(lacking)}).", f"`mediaml models pull {name}` fetches it."
        )
    click.echo(str(obtain_weights(store, name)))


@click.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every model of the cache.")
@noise_options
@click.pass_context
def remove_models(context: click.Context, /, names: tuple[str, ...], everything: bool) -> None:
    """Remove fetched models from the cache, half-fetched ones too, and say what was freed.

    \b
    Examples:
      mediaml models rm yolov3
      mediaml models rm --all
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.core.errors import UsageError
    from mediaml.store.bundled import bundled_names
    from mediaml.store.network import megabytes

    shell = shell_of(context)
    store = store_of(shell)
    here = list(store.cache.models())
    if not names and not everything:
        raise UsageError("no model is named.", f"Here are: {', '.join(here) or 'none'}.")
    for name in here if everything else names:
        if name in bundled_names():
            raise UsageError(f"{name} ships with mediaml and is not in the cache.")
        if name not in here:
            store.catalogue.find(name)
            shell.say(f"{name} is not here.")
            continue
        with store.cache.lock(name, partial(shell.say, f"{name}: another mediaml is at it; waiting.")):
            freed = store.cache.remove(name)
        shell.say(f"{name}: removed, {megabytes(freed)} freed")
