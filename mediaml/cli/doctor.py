"""`mediaml doctor`: what this installation can really do."""

from __future__ import annotations

import os

import click

from mediaml.cli.shell import noise_options
from mediaml.cli.table import table


@click.command("doctor")
@noise_options
def command() -> None:
    """Show versions, execution providers that really start, GPUs, codecs, plugins and bundled models.

    \b
    Example:
      mediaml doctor
    """
    for title, text in (
        ("versions", _versions()),
        ("execution providers", _providers()),
        ("GPUs", _gpus()),
        ("codecs", _codecs()),
        ("plugins", _plugins()),
    ):
        click.echo(f"{title}\n{text}")


def _versions() -> str:
    from mediaml.app.environment import versions

    rows = [[name, version] for name, version in versions().items()]
    rows.append(["processors", str(os.cpu_count())])
    return table(["package", "version"], rows, indent=2)


def _providers() -> str:
    from mediaml.onnx.providers import provider_report

    rows = [[fact.name, "yes" if fact.starts else "no", fact.reason] for fact in provider_report()]
    return table(["provider", "starts", "reason"], rows, indent=2)


def _gpus() -> str:
    from mediaml.onnx.cuda import gpu_names

    return "\n".join(f"  {index}: {name}" for index, name in enumerate(gpu_names())) or "  none"


def _codecs() -> str:
    from mediaml.media.codecs import codec_report

    rows = [[fact.name, "yes" if fact.reads else "no", fact.writes_text] for fact in codec_report()]
    return table(["format", "reads", "writes"], rows, indent=2)


def _plugins() -> str:
    from mediaml.registry.entry_points import load_registry

    rows = [
        [record.name, f"{record.distribution} {record.version}", record.problem or "works"]
        for record in load_registry().records
    ]
    return table(["plugin", "from", "state"], rows, indent=2)
