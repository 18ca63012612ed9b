"""`mediaml plugins`: what is installed, what does not work and why, and the options of models."""

from __future__ import annotations

import click

from mediaml.cli.completion import complete_models
from mediaml.cli.shell import echo_json, noise_options
from mediaml.cli.table import table


@click.group("plugins")
def command() -> None:
    """List plugins and models, and show their options."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@noise_options
def list_plugins(as_json: bool) -> None:
    """List every plugin with its models, and the reason where one does not work.

    \b
    Example:
      mediaml plugins list
    """
    from mediaml.registry.entry_points import load_registry

    head = ["model", "task", "accepts", "from", "description"]
    rows = []
    for record in load_registry().records:
        origin = f"{record.distribution} {record.version}".strip()
        rows += [
            [spec.name, spec.task, ",".join(sorted(spec.kinds)), origin, spec.description]
            for spec in record.specs
        ]
        if record.problem:
            rows.append([record.name, "broken", "", origin, record.problem])
    if as_json:
        echo_json([dict(zip(head, row, strict=True)) for row in rows])
    else:
        click.echo(table(head, rows))


@command.command("info")
@click.argument("name", shell_complete=complete_models)
@noise_options
def show_plugin(name: str) -> None:
    """Show a model: what it accepts, its weights, and its options with types and defaults.

    \b
    Example:
      mediaml plugins info yolo
    """
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.options import describe_options

    offer = load_registry().find(name)
    spec, plugin = offer.spec, offer.plugin
    click.echo(f"{spec.name}: {spec.description}")
    click.echo(f"  task      {spec.task}")
    click.echo(f"  accepts   {', '.join(sorted(spec.kinds))}")
    click.echo(f"  weights   {spec.weights or 'none'}")
    click.echo(f"  from      {plugin.distribution} {plugin.version} ({plugin.module})")
    options = describe_options(spec.options)
    if options:
        click.echo(f"  options   set with -O {spec.name}.NAME=VALUE")
        rows = [[option.name, option.type, _shown(option.default), option.description] for option in options]
        click.echo(table(["name", "type", "default", "meaning"], rows, indent=2))


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or "(all)"
    return str(default).lower() if isinstance(default, bool) else str(default)
