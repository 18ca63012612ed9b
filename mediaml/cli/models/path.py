"""`mediaml models path`: where a model's file is."""

from __future__ import annotations

import click

from mediaml.cli.shell import noise_options, shell_of


@click.command("path")
@click.argument("name")
@noise_options
@click.pass_context
def command(context: click.Context, /, name: str) -> None:
    """Print where a verified model is; fails when it is not downloaded, and never downloads.

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
            f"{name} is not downloaded ({'; '.join(lacking)}).", f"`mediaml models pull {name}` downloads it."
        )
    click.echo(str(obtain_weights(store, name)))
