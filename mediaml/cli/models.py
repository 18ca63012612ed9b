"""`mediaml models`: what there is, facts of ONNX files, the darknet importer; `models_store` has the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli import models_store, verifying
from mediaml.cli.shell import Shell, noise_options, shell_of
from mediaml.cli.table import table

if TYPE_CHECKING:
    from mediaml.core.catalogue_entry import CatalogueEntry
    from mediaml.store.store import Store


@click.group("models")
def command() -> None:
    """List, fetch, verify and inspect models; import darknet nets."""


for _command in (
    models_store.pull_model,
    verifying.command,
    models_store.show_path,
    models_store.remove_models,
):
    command.add_command(_command)


@command.command("list")
@noise_options
@click.pass_context
def list_models(context: click.Context, /) -> None:
    """The models that ship, each with its figures, and those of the catalogue.

    \b
    Example:
      mediaml models list
    """
    from mediaml.cli.pulling import store_of
    from mediaml.store.bundled import bundled_card, bundled_model, bundled_names

    rows = []
    for name in bundled_names():
        card = bundled_card(name)
        size = f"{bundled_model(name).stat().st_size / 1e6:.2f} MB"
        rows.append([name, str(card.get("task", "")), size, _figures(card), str(card.get("title", ""))])
    click.echo(table(["name", "task", "size", "figures", "what it is"], rows))
    click.echo(f"\n{_catalogue_table(store_of(shell_of(context)))}")


def _figures(card: dict[str, Any]) -> str:
    """The card's first measure of accuracy or AP50, as a share of 1, and how many of its goals are met."""
    measures = [
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in card.get("metrics", {}).items()
        if isinstance(value, float) and ("accuracy" in name or name == "ap50")
    ]
    goals = card.get("goals", [])
    met = f"{sum(bool(goal.get('met')) for goal in goals)} of {len(goals)} goals met" if goals else ""
    return ", ".join([*measures[:1], met]).strip(", ")


def _catalogue_table(store: Store) -> str:
    from mediaml.store.network import megabytes

    rows = []
    for entry in store.catalogue.entries.values():
        here = "yes" if store.cache.has(entry) else "no"
        # `models info` has all of it, with the exceptions.
        licence = re.split("[:;(]", entry.licence)[0].strip()
        rows.append([entry.name, entry.plugin, megabytes(entry.size), here, licence, entry.title])
    lines = [table(["catalogue", "plugin", "size", "here", "licence", "what it is"], rows)]
    used = {name: store.cache.used(name) for name in store.cache.models()}
    lines.append(f"\ncache: {store.cache.folder}, {megabytes(sum(used.values()))}")
    strange = [name for name in used if name not in store.catalogue.entries and used[name]]
    if strange:
        lines.append(f"of no entry, remove with `mediaml models rm`: {', '.join(strange)}")
    return "\n".join(lines)


@command.command("info")
@click.argument("model", metavar="NAME|PATH")
@noise_options
@click.pass_context
def show_model(context: click.Context, /, model: str) -> None:
    """What a model is: licence, files, checksums, inputs, outputs, labels.

    \b
    Examples:
      mediaml models info detector
      mediaml models info yolov3
      mediaml models info yolov3.onnx
    """
    from mediaml.store.bundled import bundled_card, bundled_model, bundled_names

    path = Path(model)
    if path.suffix == ".onnx" or path.is_file():
        _show(_facts(path))
    elif model in bundled_names():
        _show({"licence": str(bundled_card(model).get("licence", ""))} | _facts(bundled_model(model)))
    else:
        _show_entry(shell_of(context), model)


def _show(shown: dict[str, str]) -> None:
    click.echo("\n".join(f"{name:<11}{value}" for name, value in shown.items() if value))


def _facts(path: Path) -> dict[str, str]:
    """What an ONNX file says of itself."""
    from mediaml.onnx.inspect import graph_facts

    facts = graph_facts(path)
    wants = facts.image_input or facts.sound_input
    return {
        "file": str(facts.path),
        "name": facts.name,
        "interface": facts.interface,
        "inputs": "; ".join(map(str, facts.inputs)),
        "outputs": "; ".join(map(str, facts.outputs)),
        "wants": str(wants) if wants else "",
        "labels": _labels(facts.labels or ()),
        "parameters": str(facts.parameters),
        "opset": str(facts.opset),
        "size": f"{facts.size_bytes} bytes",
        "sha256": facts.sha256,
        "source": facts.metadata.get("mediaml.source", ""),
    }


def _labels(labels: tuple[str, ...]) -> str:
    return f"{len(labels)}: {', '.join(labels[:8])}{', …' if len(labels) > 8 else ''}" if labels else ""


def _show_entry(shell: Shell, name: str) -> None:
    from mediaml.cli.pulling import store_of
    from mediaml.store.network import megabytes

    store = store_of(shell)
    entry = store.catalogue.find(name)
    opened = models_store.opened_file(store, entry)
    facts = _facts(opened) if opened and opened.is_file() else {}
    _show(
        {
            "name": entry.name,
            "what it is": entry.title,
            "licence": entry.licence,
            "used by": f"mediaml run -p {entry.plugin} -m {entry.name}" if entry.plugin else "",
            "labels": _labels(_entry_labels(entry)),
            "size": megabytes(entry.size),
            "files": f"in {store.cache.home(entry.name)}",
        }
    )
    for file, file_state in store.file_states(entry).items():
        described = next(other for other in entry.files if other.name == file)
        size = f"{described.size} bytes" if described.size else megabytes(None)
        click.echo(f"  {file}: {file_state}, {size}, sha256 {described.sha256 or 'unknown'}")
        click.echo(f"    sure of it: {described.certainty or 'not said'}")
        for url in described.urls:
            click.echo(f"    {url}")
    if facts:
        click.echo("opened as")
        _show({key: value for key, value in facts.items() if key != "name"})


def _entry_labels(entry: CatalogueEntry) -> tuple[str, ...]:
    if entry.labels == "coco80":
        from mediaml.onnx.coco import COCO_NAMES

        return COCO_NAMES
    return entry.labels


@command.command("import")
@click.argument("cfg", type=click.Path(path_type=Path))
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="ONNX file to write.")
@click.option("--names", type=click.Path(path_type=Path), help="Class names, one a line.")
@noise_options
@click.pass_context
def import_model(
    context: click.Context, /, cfg: Path, weights: Path, output: Path, names: Path | None
) -> None:
    """Turn a darknet net of the YOLOv3 family into an ONNX file for `-m`.

    \b
    Example:
      mediaml models import yolov3.cfg yolov3.weights -o yolov3.onnx
      mediaml run -p yolo -m yolov3.onnx video.mp4
    """
    from mediaml.darknet.importer import import_darknet

    report = import_darknet(cfg, weights, output, names=names)
    shell = shell_of(context)
    shell.say(
        f"{report.path}: {report.layers} layers, {report.parameters} parameters, {report.heads} heads, "
        f"{len(report.labels)} classes ({report.labels_from}), {report.width}x{report.height} by default"
    )
    if report.warning:
        shell.warn(report.warning)
    for name, digest in report.source_sha256.items():
        shell.detail(f"{name}: sha256 {digest}")
