"""`mediaml doctor`: versions, devices, GPUs and codecs of this installation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import click

from mediaml.cli.shell import echo_json, noise_options
from mediaml.cli.table import table


@dataclass(frozen=True, slots=True)
class _Section:
    """One table of the report."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@noise_options
def command(as_json: bool) -> None:
    """Show versions, devices that work and their speed, GPUs, codecs and plugins.

    \b
    Example:
      mediaml doctor
    """
    sections = (_versions(), _devices(), _gpus(), _codecs(), _plugins())
    if as_json:
        echo_json(
            {
                section.title: [dict(zip(section.head, row, strict=True)) for row in section.rows]
                for section in sections
            }
        )
        return
    for section in sections:
        shown = table(section.head, section.rows, indent=2) if section.rows else "  none"
        click.echo(f"{section.title}\n{shown}")


def _versions() -> _Section:
    from mediaml.app.environment import versions
    from mediaml.onnx.provider_options import processor_name

    rows = [[name, version] for name, version in versions().items()]
    rows.append(["processors", f"{os.cpu_count()} of {processor_name()}"])
    return _Section("versions", ["package", "version"], rows)


def _devices() -> _Section:
    from mediaml.onnx.device_report import device_report
    from mediaml.store.bundled import bundled_model

    rows = [
        [
            fact.device,
            fact.provider,
            "yes" if fact.works else "no",
            "" if fact.ms is None else f"{fact.ms:.1f} ms",
            fact.fast,
            fact.reason,
        ]
        for fact in device_report(bundled_model("detector"))
    ]
    head = ["device", "provider", "works", "detector", "--precision fast", "note"]
    return _Section("devices, with the time of the bundled detector per frame", head, rows)


def _gpus() -> _Section:
    from mediaml.onnx.cuda import gpu_names

    return _Section("GPUs", ["index", "name"], [[str(i), name] for i, name in enumerate(gpu_names())])


def _codecs() -> _Section:
    from mediaml.media.codecs import codec_report

    rows = [[fact.name, "yes" if fact.reads else "no", fact.writes_text] for fact in codec_report()]
    return _Section("codecs", ["format", "reads", "writes"], rows)


def _plugins() -> _Section:
    from mediaml.registry.entry_points import load_registry

    rows = [
        [record.name, f"{record.distribution} {record.version}", record.problem or "works"]
        for record in load_registry().records
    ]
    return _Section("plugins", ["plugin", "from", "state"], rows)
