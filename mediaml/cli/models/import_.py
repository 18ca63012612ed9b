"""`mediaml models import`: Darknet cfg and weights to ONNX."""

from __future__ import annotations

from pathlib import Path

import click

from mediaml.cli.shell import noise_options, shell_of


@click.command("import")
@click.argument("cfg", type=click.Path(path_type=Path))
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="ONNX file to write.")
@click.option("--names", type=click.Path(path_type=Path), help="Class names, one per line.")
@noise_options
@click.pass_context
def command(context: click.Context, /, cfg: Path, weights: Path, output: Path, names: Path | None) -> None:
    """Convert a Darknet model of the YOLOv3 family to an ONNX file for `-m`.

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
