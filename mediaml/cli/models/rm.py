"""`mediaml models rm`: remove downloaded models."""

from __future__ import annotations

from functools import partial

import click

from mediaml.cli.shell import noise_options, shell_of


@click.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every model in the cache.")
@noise_options
@click.pass_context
def command(context: click.Context, /, names: tuple[str, ...], everything: bool) -> None:
    """Remove downloaded models from the cache, also partial downloads.

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
        raise UsageError("no model is named.", f"In the cache: {', '.join(here) or 'none'}.")
    for name in here if everything else names:
        if name in bundled_names():
            raise UsageError(f"{name} ships with mediaml and is not in the cache.")
        if name not in here:
            store.catalogue.find(name)
            shell.say(f"{name} is not in the cache")
            continue
        waiting = f"{name}: in use by another mediaml process; waiting"
        with store.cache.lock(name, partial(shell.say, waiting)):
            freed = store.cache.remove(name)
        shell.say(f"{name}: removed, {megabytes(freed)} freed")
