"""`mediaml models`: bundled models, facts of ONNX files, the darknet importer, golden replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mediaml.cli.shell import noise_options, shell_of
from mediaml.cli.table import table


@click.group("models")
def command() -> None:
    """List bundled models, inspect ONNX files, import darknet nets."""


@command.command("list")
@noise_options
def list_models() -> None:
    """The bundled models, each with its figures.

    \b
    Example:
      mediaml models list
    """
    from mediaml.store.bundled import bundled_card, bundled_model, bundled_names

    rows = []
    for name in bundled_names():
        card = bundled_card(name)
        size = f"{bundled_model(name).stat().st_size / 1e6:.2f} MB"
        rows.append([name, str(card.get("task", "")), size, _figures(card), str(card.get("title", ""))])
    click.echo(table(["name", "task", "size", "figures", "what it is"], rows))


def _figures(card: dict[str, Any]) -> str:
    """The card's goals and what was reached, those first that were met."""
    goals = card.get("goals", [])
    return "; ".join(f"{goal['figure']}" for goal in goals[:1])


@command.command("info")
@click.argument("model", metavar="NAME|PATH")
@noise_options
def show_model(model: str) -> None:
    """Inputs, outputs, labels, size and checksum of a bundled model or an ONNX file.

    \b
    Examples:
      mediaml models info detector
      mediaml models info yolov3.onnx
    """
    from mediaml.onnx.inspect import model_facts

    facts = model_facts(_path(model))
    labels = facts.labels or ()
    wants = facts.image_input or facts.sound_input
    shown = {
        "file": str(facts.path),
        "name": facts.name,
        "interface": facts.interface,
        "inputs": "; ".join(map(str, facts.inputs)),
        "outputs": "; ".join(map(str, facts.outputs)),
        "wants": str(wants) if wants else "",
        "labels": f"{len(labels)}: {', '.join(labels[:8])}{', …' if len(labels) > 8 else ''}"
        if labels
        else "",
        "parameters": str(facts.parameters),
        "opset": str(facts.opset),
        "size": f"{facts.size_bytes} bytes",
        "sha256": facts.sha256,
        "source": facts.metadata.get("mediaml.source", ""),
    }
    click.echo("\n".join(f"{name:<11}{value}" for name, value in shown.items() if value))


@command.command("verify")
@click.argument("name")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda or cuda:N.")
@noise_options
def verify_model(name: str, device: str) -> None:
    """Replay a bundled model's golden inputs and print the largest difference.

    \b
    Example:
      mediaml models verify digits
    """
    from mediaml.onnx.providers import parse_device
    from mediaml.onnx.replay import replay
    from mediaml.store.bundled import bundled_model

    path = bundled_model(name)
    difference = replay(path, path.with_suffix(".golden.npz"), parse_device(device))
    click.echo(f"{name}: largest difference {difference:.2e} from the golden outputs, on {device}")


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
    from mediaml.onnx.darknet import import_darknet

    report = import_darknet(cfg, weights, output, names=names)
    shell = shell_of(context)
    shell.say(
        f"{report.path}: {report.layers} layers, {report.parameters} parameters, {report.heads} heads, "
        f"{len(report.labels)} classes ({report.labels_from}), {report.width}x{report.height} by default"
    )
    for name, digest in report.source_sha256.items():
        shell.detail(f"{name}: sha256 {digest}")


def _path(model: str) -> Path:
    """A path as it is; else the bundled model of that name."""
    from mediaml.store.bundled import bundled_model

    path = Path(model)
    return path if path.suffix == ".onnx" or path.exists() else bundled_model(model)
