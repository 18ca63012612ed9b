"""Options that say which frames of a file are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mediaml.core.sampling import Sampling


def sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--every`, `--fps`, `--keyframes`, `--scenes`, `--start`, `--end` and `--duration` to a command."""
    for option in (
        click.option("--duration", metavar="TIME", help="Look at no more than this, from --start on."),
        click.option("--end", metavar="TIME", help="Look at frames and audio before this time."),
        click.option(
            "--start", metavar="TIME", help="Look at frames and audio from here on: 90, 1:30 or 1:02:03.5."
        ),
        click.option("--scenes", is_flag=True, help="Look at the first frame of each shot."),
        click.option("--keyframes", is_flag=True, help="Look at keyframes only."),
        click.option("--fps", metavar="RATE", help="Look at so many frames per second."),
        click.option(
            "--every", metavar="N|Ts", help="Look at every Nth frame, or one every T seconds: 10 or 0.5s."
        ),
    ):
        command = option(command)
    return command


still_option = click.option(
    "--still",
    type=float,
    metavar="CHANGE",
    help="A frame that changes by no more than this, such as 0.02, takes over the last result.",
)
"""The option that spares inferences of static cameras."""


def sampling_of(typed: Mapping[str, Any]) -> Sampling:
    """The sampling that was typed.

    Raises:
        UsageError: see `Sampling.of`.
    """
    from mediaml.core.sampling import Sampling

    names = ("every", "fps", "keyframes", "scenes", "start", "end", "duration")
    return Sampling.of(**{name: typed[name] for name in names}, still=typed.get("still"))
