"""`mediaml render`: images and videos redrawn from the results, without a model."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.pieces import piece_options, pieces_of
from mediaml.cli.selection import selection_of, selection_options
from mediaml.cli.shared_options import folder_argument, moved_options, target_option
from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.errors import UsageError
from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.app.extract import ExtractConfig, Piece
    from mediaml.app.render import RenderConfig, RenderReport
    from mediaml.cli.shell import Shell
    from mediaml.ops.look import Look

_STYLES = ("boxes", "corners", "labels", "dim", "trails", "heatmap", "blur", "pixelate")
_FILES = (".mp4", ".mov", ".mkv", ".jpg", ".jpeg", ".png")


@click.command("render")
@folder_argument
@target_option("Folder to write to [default: DIR/rendered].", "FOLDER")
@click.option(
    "--style",
    "styles",
    multiple=True,
    type=click.Choice(_STYLES),
    help="How to draw; repeat to combine [default: boxes].",
)
@click.option("--thickness", type=click.IntRange(1, 200), metavar="N", help="Pixels of lines.")
@click.option("--font-size", type=click.IntRange(6, 400), metavar="N", help="Pixels of letters.")
@click.option(
    "--colours",
    "--colors",
    "colors",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='Colours of labels, TOML or JSON: person = "#ff0080".',
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 500),
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="By how much blur and pixelate reach beyond a box.",
)
@click.option(
    "--hold",
    "hold_s",
    type=click.FloatRange(0, 60),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long before and after a detection blur and pixelate hide it too.",
)
@click.option("--outline", "by_outline", is_flag=True, help="Hide outlines, not boxes, where there are some.")
@click.option(
    "--trail",
    "trail_s",
    type=click.FloatRange(0, 600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Length of trails.",
)
@piece_options
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0, 86400),
    default=0.0,
    metavar="SECONDS",
    help="Take crops and frames at most once in so many seconds.",
)
@click.option("--no-audio", is_flag=True, help="Leave the audio out.")
@moved_options
@selection_options
@noise_options
@click.pass_context
def command(context: click.Context, /, folder: Path, target: Path | None, **typed: Any) -> int:
    """Draw images and videos again from the results in DIR, the output folder of a run; or take crops,
    frames or clips out of them.

    No model is run. blur and pixelate hide what was detected; a source whose results are incomplete is then
    refused.

    \b
    Examples:
      mediaml render mediaml-out --conf 0.6 --classes person,car
      mediaml render mediaml-out --style blur --classes person
      mediaml render mediaml-out --style corners --style trails -o tracks
      mediaml render mediaml-out --clips --classes dog --padding 2
    """
    from mediaml.app.extract import extract
    from mediaml.app.render import RenderConfig, render_folder
    from mediaml.cli.terminal import TerminalReporter

    shell = shell_of(context)
    pieces = pieces_of(typed)
    if target is not None and target.suffix.lower() in _FILES:
        raise UsageError(f"-o {target} names a file.", "Name a folder.")
    config = RenderConfig(
        folder=folder,
        target=target or folder / "rendered",
        selection=selection_of(typed),
        look=_look(typed),
        audio=not typed["no_audio"],
        root=typed["root"],
        overwrite=typed["overwrite"],
    )
    extraction = _pieces(config, pieces, typed) if pieces else None
    reports = []
    with closing(TerminalReporter(shell)) as reporter:
        if typed["styles"] or extraction is None:
            reports.append(render_folder(config, reporter))
        if extraction is not None and not (reports and reports[0].stopped):
            reports.append(extract(extraction, reporter))
    for report in reports:
        _print(report, shell)
    return max(report.exit_code for report in reports)


def _pieces(config: RenderConfig, pieces: tuple[Piece, ...], typed: dict[str, Any]) -> ExtractConfig:
    from mediaml.app.extract import ExtractConfig

    if config.look.hides:
        raise UsageError(
            f"--{pieces[0]} would show what --style {config.look.styles[0]} hides.", "Ask for one of them."
        )
    return ExtractConfig(
        folder=config.folder,
        target=config.target,
        pieces=pieces,
        selection=config.selection,
        root=config.root,
        overwrite=config.overwrite,
        every_s=typed["every_s"],
        padding_s=typed["padding_s"],
        exact=typed["exact"],
    )


def _look(typed: dict[str, Any]) -> Look:
    from mediaml.ops.look import Look
    from mediaml.outputs.render.colors import read_colors

    return Look(
        styles=tuple(dict.fromkeys(typed["styles"])) or ("boxes",),
        thickness=typed["thickness"],
        font_size=typed["font_size"],
        colors=() if typed["colors"] is None else read_colors(typed["colors"]),
        margin=typed["margin"] / 100,
        hold_s=typed["hold_s"],
        trail_s=typed["trail_s"],
        by_outline=typed["by_outline"],
    )


def _print(report: RenderReport, shell: Shell) -> None:
    parts = [f"{counted(len(report.written), 'file')} in {report.target}"]
    if report.failures:
        parts.append(f"{len(report.failures)} not rendered")
    if report.skipped:
        parts.append(f"{report.skipped} without pictures skipped")
    shell.say(", ".join(parts))
