"""`mediaml models describe`: how an ONNX file would be read, and its description to edit."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.completion import complete_models
from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.text import escape_control

if TYPE_CHECKING:
    from mediaml.onnx.inspect import ModelFileFacts
    from mediaml.registry.readings import OfferedReading, Readings

_WIDTH = 11


@click.command("describe")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-p", "--plugin", "model", shell_complete=complete_models, help="Only how this model reads it.")
@click.option("--write", is_flag=True, help="Write FILE.toml, to edit.")
@noise_options
@click.pass_context
def command(context: click.Context, /, file: Path, model: str | None, write: bool) -> None:
    """Say what is known of an ONNX file, and how the installed models would read it, with reasons.

    FILE.toml, beside the model, settles what was guessed: see docs/bring-your-own.md.

    \b
    Examples:
      mediaml models describe classifier.onnx
      mediaml models describe classifier.onnx -p classify --write
    """
    from mediaml.onnx.inspect import model_file_facts
    from mediaml.registry.entry_points import load_registry
    from mediaml.registry.readings import readings

    facts = model_file_facts(file)
    registry = load_registry()
    asked = list(registry.offers()) if model is None else [registry.find(model)]
    found = readings(facts.graph, asked)
    _show({"file": str(file), **_known(facts)})
    for one in found.offered:
        click.echo()
        _show_reading(one, file)
    for refusal in dict.fromkeys(found.refusals.values()):
        names = ", ".join(name for name, other in found.refusals.items() if other == refusal)
        click.echo(escape_control(f"\n{names}: {refusal}", keep="\n"))
    if not found.offered and not found.refusals:
        click.echo("\nno installed model reads it; a plugin can: docs/plugins.md")
    if write:
        shell_of(context).say(f"{_written(file, found)}: edit it, and run again")


def _known(facts: ModelFileFacts) -> dict[str, str]:
    keys = ", ".join(facts.metadata)
    return {
        "producer": facts.producer,
        "inputs": "; ".join(map(str, facts.inputs)),
        "outputs": "; ".join(
            f"{output} from {operator}" if operator else str(output)
            for output, operator in zip(facts.outputs, facts.operators, strict=True)
        ),
        "metadata": keys if len(keys) <= 80 else f"{keys[:80]}…",
    }


def _show_reading(one: OfferedReading, file: Path) -> None:
    click.echo(escape_control(f"{one.reading.family}: {one.reading.reason}"))
    run = f"mediaml run -p {one.model} -m {shlex.quote(str(file))} INPUT"
    for name, value in (*one.reading.facts, ("run", run)):
        click.echo(escape_control(f"  {name:<{_WIDTH}} {value}"))


def _show(shown: dict[str, str]) -> None:
    for name, value in shown.items():
        if value:
            click.echo(escape_control(f"{name:<{_WIDTH}} {value}"))


def _written(file: Path, found: Readings) -> Path:
    """Write the one description that is offered.

    Raises:
        UsageError: there is none, there are several, or the file exists.
    """
    from mediaml.core.atomic_file import write_atomically
    from mediaml.core.errors import UsageError

    target = file.with_suffix(".toml")
    described = {one.model: one for one in found.offered if one.reading.description}
    if not described:
        raise UsageError("nothing to write: no model that reads a description reads this graph.")
    if len(described) > 1:
        first = next(iter(described))
        raise UsageError(
            f"several models read this graph: {', '.join(described)}.",
            f"Choose one: mediaml models describe {shlex.quote(str(file))} -p {first} --write",
        )
    if target.exists():
        raise UsageError(f"{target} exists already.", "Edit it, or remove it first.")
    (one,) = described.values()
    write_atomically(target, one.reading.description.encode())
    return target
