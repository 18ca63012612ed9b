"""`mediaml models quantize`: an int8 version of a model, calibrated on frames of the user."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediaml.cli.completion import complete_models
from mediaml.cli.shell import noise_options, offline_option, shell_of
from mediaml.cli.table import table

if TYPE_CHECKING:
    from mediaml.app.quantize import Quantized
    from mediaml.cli.shell import Shell


@click.command("quantize")
@click.argument("model", metavar="MODEL", shell_complete=complete_models)
@click.option("-m", "--model", "weights", metavar="WEIGHTS", help="Other weights than those of MODEL.")
@click.option(
    "--calibrate",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Images and videos like those that the model will see.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.onnx",
    type=click.Path(path_type=Path),
    help="File to write.",
)
@click.option(
    "--frames",
    default=64,
    show_default=True,
    type=click.IntRange(2),
    metavar="N",
    help="Frames to read: half of them calibrate, the others compare.",
)
@click.option(
    "--truth",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Ground truth of DIR in COCO's format: measure AP50 of a detector before and after.",
)
@offline_option
@noise_options
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    weights: str | None,
    folder: Path,
    output: Path,
    frames: int,
    truth: Path | None,
) -> None:
    """Write an int8 version of MODEL's weights, for `-m`, and compare it with them.

    MODEL is a name as after -p; its plugin prepares the frames. Convolutions are quantised per channel with
    static ranges; the last ones, which make the outputs, stay in float.

    \b
    Examples:
      mediaml models quantize yolo --calibrate photos/ -o yolo-int8.onnx
      mediaml run -p yolo -m yolo-int8.onnx video.mp4
    """
    from mediaml.app.environment import open_store
    from mediaml.app.quantize import quantize_model
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.registry.entry_points import load_registry

    shell = shell_of(context)
    registry = load_registry()
    store = open_store(BarWatcher(shell), registry, offline=shell.offline)
    done = quantize_model(
        registry.find(model),
        weights,
        folder,
        output,
        frames=frames,
        obtain=partial(obtain_weights, store),
        say=shell.say,
    )
    rows = _rows(done)
    if truth is not None:
        rows.append(["AP50", *_accuracies(model, (weights, str(output)), folder, truth, shell)])
    click.echo(table(["", "before", "int8"], rows))
    click.echo(f"{output}: calibrated on {done.frames} frames, {done.heads} nodes in float")


def _rows(done: Quantized) -> list[list[str]]:
    return [
        ["size", f"{done.before_bytes / 1e6:.2f} MB", f"{done.bytes / 1e6:.2f} MB"],
        ["time of a batch on the CPU", f"{done.before_ms:.1f} ms", f"{done.ms:.1f} ms"],
        [f"{done.measure}, {done.compared} other frames", "1", f"{done.agreement:.3f}"],
    ]


def _accuracies(
    model: str, weights: tuple[str | None, ...], folder: Path, truth: Path, shell: Shell
) -> list[str]:
    from contextlib import closing

    from mediaml.app.quantize_accuracy import ap50_of
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.terminal import TerminalReporter

    found = []
    for one in weights:
        with closing(TerminalReporter(shell)) as reporter:
            found.append(f"{ap50_of(model, one, folder, truth, reporter, BarWatcher(shell)):.3f}")
    return found
