"""`mediaml models info`: facts of one model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.shell import Shell, noise_options, shell_of

if TYPE_CHECKING:
    from mediaml.core.catalogue_entry import CatalogueEntry
    from mediaml.store.store import Store


@click.command("info")
@click.argument("model", metavar="NAME|PATH")
@noise_options
@click.pass_context
def command(context: click.Context, /, model: str) -> None:
    """Show a model: licence, files, checksums, inputs, outputs, labels.

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
    click.echo("\n".join(f"{name:<13}{value}" for name, value in shown.items() if value))


def _facts(path: Path) -> dict[str, str]:
    """Facts of an ONNX file, as stated in the file."""
    from mediaml.onnx.inspect import model_file_facts

    facts = model_file_facts(path)
    takes = facts.image_input or facts.audio_input
    return {
        "file": str(facts.path),
        "name": facts.name,
        "interface": facts.interface,
        "inputs": "; ".join(map(str, facts.inputs)),
        "outputs": "; ".join(map(str, facts.outputs)),
        "input": str(takes) if takes else "",
        "labels": _labels(facts.labels or ()),
        "parameters": str(facts.parameters),
        "opset": str(facts.opset),
        "producer": facts.producer,
        "size": f"{facts.size_bytes} bytes",
        "sha256": facts.sha256,
        "source": facts.metadata.get("mediaml.source", ""),
    }


def _labels(labels: tuple[str, ...]) -> str:
    return f"{len(labels)}: {', '.join(labels[:8])}{', …' if len(labels) > 8 else ''}" if labels else ""


def _show_entry(shell: Shell, name: str) -> None:
    from mediaml.cli.download_bar import store_of
    from mediaml.store.network import megabytes

    store = store_of(shell)
    entry = store.catalogue.find(name)
    opened = _opened_file(store, entry)
    facts = _facts(opened) if opened and opened.is_file() else {}
    _show(
        {
            "name": entry.name,
            "description": entry.title,
            "licence": entry.licence,
            "run with": f"mediaml run -p {entry.plugin} -m {entry.name}" if entry.plugin else "",
            "labels": _labels(_entry_labels(entry)),
            "size": megabytes(entry.size),
            "files": f"in {store.cache.home(entry.name)}",
        }
    )
    for file, file_state in store.file_states(entry).items():
        described = next(other for other in entry.files if other.name == file)
        size = f"{described.size} bytes" if described.size else megabytes(None)
        click.echo(f"  {file}: {file_state}, {size}, sha256 {described.sha256 or 'unknown'}")
        click.echo(f"    certainty: {described.certainty or 'not stated'}")
        for url in described.urls:
            click.echo(f"    {url}")
    if facts:
        click.echo("model file")
        _show({key: value for key, value in facts.items() if key != "name"})


def _entry_labels(entry: CatalogueEntry) -> tuple[str, ...]:
    if entry.labels == "coco80":
        from mediaml.onnx.coco import COCO_NAMES

        return COCO_NAMES
    return entry.labels


def _opened_file(store: Store, entry: CatalogueEntry) -> Path | None:
    """The ONNX file that a plugin opens; `None` for a folder and for what is not downloaded."""
    from mediaml.pipeline.weights import imported_path

    if entry.recipe == "folder":
        return None
    first = store.cache.path(entry, entry.files[0])
    path = imported_path(store, entry) if entry.recipe == "darknet" else first
    return path if path.is_file() else None
