"""Options that take pieces out of sources, for `mediaml run` and `mediaml render`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.app.config import RunConfig
    from mediaml.app.extract import ExtractConfig, Piece
    from mediaml.cli.shell import Shell


def piece_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--crops`, `--frames`, `--clips`, `--heatmaps`, `--padding` and `--exact` to a command."""
    for option in (
        click.option("--exact", is_flag=True, help="Encode clips, to begin and end at the very frame."),
        click.option(
            "--padding",
            "padding_s",
            type=click.FloatRange(0, 3600),
            default=1.0,
            show_default=True,
            metavar="SECONDS",
            help="How much of what is before and after belongs to a clip.",
        ),
        click.option(
            "--clips", is_flag=True, help="Write moments with findings as clips, from keyframes on."
        ),
        click.option(
            "--heatmaps", is_flag=True, help="Write where objects were: a picture per video, and per folder."
        ),
        click.option("--frames", is_flag=True, help="Write frames with findings as images."),
        click.option("--crops", is_flag=True, help="Write detections as images."),
    ):
        command = option(command)
    return command


def pieces_of(typed: Mapping[str, Any]) -> tuple[Piece, ...]:
    """The pieces that were asked for."""
    if not any(typed[piece] for piece in ("crops", "frames", "clips", "heatmaps")):
        return ()
    from mediaml.app.extract import PIECES

    return tuple(piece for piece in PIECES if typed[piece])


def pieces_after_run(config: RunConfig, typed: Mapping[str, Any]) -> ExtractConfig | None:
    """What is taken out of the sources when a run is over; `None` for nothing."""
    pieces = pieces_of(typed)
    if not pieces:
        return None
    from mediaml.app.extract import ExtractConfig

    return ExtractConfig(
        folder=config.output,
        target=config.output / "rendered",
        pieces=pieces,
        overwrite=True,
        padding_s=typed["padding_s"],
        exact=typed["exact"],
    )


def write_pieces(config: ExtractConfig, shell: Shell) -> int:
    """Write pieces and say where; returns the exit code."""
    from mediaml.app.extract import extract
    from mediaml.cli.terminal import TerminalReporter

    with closing(TerminalReporter(shell)) as reporter:
        report = extract(config, reporter)
    shell.say(f"{', '.join(config.pieces)}: {counted(len(report.written), 'file')} in {config.target}")
    return report.exit_code
