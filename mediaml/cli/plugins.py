"""`mediaml plugins`: what is installed, what does not work and why, and the options of models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.completion import complete_models, complete_options, complete_weights
from mediaml.cli.shell import echo_json, noise_options, offline_option, shell_of
from mediaml.cli.table import table
from mediaml.core.errors import UsageError

if TYPE_CHECKING:
    from mediaml.authoring.new import TaskTemplate
    from mediaml.cli.shell import Shell
    from mediaml.pipeline.models import ResolvedModel


@click.group("plugins")
def command() -> None:
    """List, show, check and begin plugins."""


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
      mediaml plugins info ./my_plugin.py
    """
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.options import describe_options
    from mediaml.registry.plugin_file import plugin_files

    offer = load_registry(files=plugin_files([name])).find(name)
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


@command.command("new")
@click.argument("name")
@click.option(
    "--task",
    type=click.Choice(("classify", "detect", "embed", "transform", "audio")),
    default="classify",
    show_default=True,
    help="What its model does.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write  [default: mediaml-NAME].",
)
@noise_options
@click.pass_context
def new_plugin(context: click.Context, name: str, task: TaskTemplate, output: Path | None) -> None:
    """Write a new plugin: a package with a small model that works, and its test.

    \b
    Examples:
      mediaml plugins new cats
      mediaml plugins new birdsong --task audio -o ~/birdsong
    """
    from mediaml.authoring.new import write_plugin
    from mediaml.registry.entry_points import load_registry

    taken = {offer.spec.name: offer.plugin.distribution for offer in load_registry().offers()}
    if name in taken:
        raise UsageError(f"a model {name!r} is installed, by {taken[name]}.", "Choose another name.")
    folder = Path(f"mediaml-{name}") if output is None else output.expanduser()
    written = write_plugin(name, task, folder)
    for path in written:
        click.echo(folder / path)
    shell_of(context).say(f"Next: pip install --editable '{folder}[test]', then mediaml plugins check {name}")


@command.command("check")
@click.argument("name", shell_complete=complete_models)
@click.option(
    "-m",
    "--model",
    "weights",
    metavar="WEIGHTS",
    shell_complete=complete_weights,
    help="ONNX file, or a name of `mediaml models list`.",
)
@click.option(
    "-O",
    "--option",
    "options",
    multiple=True,
    metavar="OPTION=VALUE",
    shell_complete=complete_options,
    help="Option of the model; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@offline_option
@noise_options
@click.pass_context
def check_plugin(
    context: click.Context, name: str, weights: str | None, options: tuple[str, ...], as_json: bool
) -> int:
    """Run a model on media that are hard to get right, and compare its answers with each other.

    Exits with 1 where a check fails.

    \b
    Examples:
      mediaml plugins check digits
      mediaml plugins check yolo -m best.onnx
      mediaml plugins check ./my_plugin.py
    """
    from mediaml.authoring.check import check_model

    rows = list(check_model(_resolved(name, weights, options, shell_of(context))))
    failed = sum(row.outcome == "failed" for row in rows)
    if as_json:
        echo_json([asdict(row) for row in rows])
    else:
        cells = [[row.check, row.outcome, row.found, row.advice] for row in rows]
        click.echo(table(["check", "outcome", "found", "what to do"], cells))
    shell_of(context).say(f"{len(rows)} checks, {failed} failed")
    return 1 if failed else 0


def _resolved(name: str, weights: str | None, options: tuple[str, ...], shell: Shell) -> ResolvedModel:
    """The model of that name, with its weights here."""
    from functools import partial

    from mediaml.app.choose import choose_models
    from mediaml.app.environment import open_store
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.pipeline.models import resolve_model
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.plugin_file import plugin_files

    registry = load_registry(files=plugin_files([name]))
    [choice] = choose_models([registry.find(name)], [weights] if weights else [], options)
    store = open_store(BarWatcher(shell), registry, offline=shell.offline)
    return resolve_model(choice, partial(obtain_weights, store))
