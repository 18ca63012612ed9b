"""`mediaml completion SHELL`, and the completion of models, weights and options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import click
from click.shell_completion import CompletionItem, get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      eval "$(mediaml completion bash)"      # in ~/.bashrc
      eval "$(mediaml completion zsh)"       # in ~/.zshrc
      mediaml completion fish > ~/.config/fish/completions/mediaml.fish
    """
    from mediaml.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "mediaml", "_MEDIAML_COMPLETE").source())


def complete_models(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of models, for `-p`, and files where a path is begun."""
    if typed.startswith((".", "/", "~")):
        return [CompletionItem(typed, type="file")]
    from mediaml.registry.entry_points import load_registry

    return _items(((offer.spec.name, offer.spec.description) for offer in load_registry().offers()), typed)


def complete_weights(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of the catalogue and of bundled models, and files, for `-m`; after `NAME=` as well."""
    from mediaml.registry.entry_points import load_registry
    from mediaml.store.bundled import bundled_names
    from mediaml.store.catalogue import load_catalogue

    prefix, equals, rest = typed.rpartition("=")
    catalogue = load_catalogue(load_registry().entries()).entries
    named = [(name, entry.title) for name, entry in catalogue.items()]
    named += [(name, "bundled") for name in bundled_names()]
    found = _items(((f"{prefix}{equals}{name}", text) for name, text in named), typed)
    return [*found, CompletionItem(rest, type="file")]


def complete_options(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """`MODEL.OPTION=` of the models that are selected so far, or of all, for `-O`."""
    from mediaml.registry.entry_points import load_registry

    chosen = context.params.get("plugins") or ()
    specs = [offer.spec for offer in load_registry().offers() if not chosen or offer.spec.name in chosen]
    names = ((f"{spec.name}.{field.name}=", "") for spec in specs for field in fields(spec.options))
    return _items(names, typed)


def complete_catalogue(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of the catalogue, for `models pull`."""
    from mediaml.registry.entry_points import load_registry
    from mediaml.store.catalogue import load_catalogue

    entries = load_catalogue(load_registry().entries()).entries
    return _items(((name, entry.title) for name, entry in entries.items()), typed)


def _items(named: Iterable[tuple[str, str]], typed: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=text or None) for name, text in named if name.startswith(typed)]
