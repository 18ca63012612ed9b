"""The options that say how much one media file may ask of the machine, and the limits that they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mediaml.media.limits import Limits


@dataclass(frozen=True, slots=True)
class LimitOption:
    """One option: its flag, the field of `Limits` that it sets, and what it says in `--help`.

    Attributes:
        default: that of `Limits`, which is not imported for `--help`; 0 means no limit.
        least: the smallest value; 0 where the limit can be taken away.
    """

    flag: str
    field: str
    default: int
    unit: str
    text: str
    least: int = 0

    @property
    def help(self) -> str:
        """The text with how to take the limit away, and the default."""
        default = f"{self.default:,}".replace(",", " ") if self.default else "none"
        return f"{self.text}{'' if self.least else '; 0 for no limit'} [default: {default}]."


LIMIT_OPTIONS = (
    LimitOption("--max-pixels", "pixels", 178_956_970, "PIXELS", "Width x height of a picture or frame"),
    LimitOption("--max-streams", "streams", 100, "N", "Streams in a file"),
    LimitOption("--max-duration", "duration_s", 0, "SECONDS", "Length that a file may claim"),
    LimitOption("--max-picture-bytes", "image_bytes", 1 << 30, "BYTES", "Size of a picture's file"),
    LimitOption(
        "--analysis-bytes",
        "analysis_bytes",
        5_000_000,
        "BYTES",
        "Read so much to learn a file's streams",
        2048,
    ),
    LimitOption("--url-timeout", "silence_s", 20, "SECONDS", "Silence of a URL's server that is borne", 1),
)


VIDEO_OPTIONS = (
    ("--no-tone-map", "tone_map", "Do not convert HDR video (PQ, HLG) to standard dynamic range."),
    ("--no-deinterlace", "deinterlace", "Leave interlaced video as it is."),
)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the limits on a media file to a command; `limits_of` reads what was typed."""
    for limit in reversed(LIMIT_OPTIONS):
        option = click.option(
            limit.flag,
            limit.field,
            default=limit.default,
            type=click.IntRange(limit.least),
            metavar=limit.unit,
            help=limit.help,
        )
        command = option(command)
    for flag, field, text in reversed(VIDEO_OPTIONS):
        command = click.option(flag, field, is_flag=True, default=True, flag_value=False, help=text)(command)
    return command


def limits_of(typed: Mapping[str, Any]) -> Limits:
    """The limits that were typed; 0 means none."""
    from mediaml.media.limits import Limits

    chosen: dict[str, Any] = {limit.field: typed[limit.field] or None for limit in LIMIT_OPTIONS}
    chosen |= {field: typed.get(field, True) for _, field, _ in VIDEO_OPTIONS}
    return Limits(**chosen)
