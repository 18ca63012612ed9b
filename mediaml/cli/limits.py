"""The options that limit what one media file may use, and the limits that they set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mediaml.media.limits import Limits


@dataclass(frozen=True, slots=True)
class LimitOption:
    """One option: its flag, the field of `Limits` that it sets, and its help text.

    Attributes:
        default: that of `Limits`, which is not imported for `--help`; 0 means no limit, `None` one that
            depends on the machine, as `depends` says.
        least: the smallest value; 0 where the limit can be taken away.
    """

    flag: str
    field: str
    default: int | None
    unit: str
    text: str
    least: int = 0
    depends: str = ""

    @property
    def help(self) -> str:
        """The help text, with how to remove the limit, and the default."""
        default = f"{self.default:,}".replace(",", " ") if self.default else self.depends or "none"
        return f"{self.text}{'' if self.least else '; 0 for no limit'} [default: {default}]."


LIMIT_OPTIONS = (
    LimitOption("--max-pixels", "pixels", 178_956_970, "N", "Refuse images and frames of more pixels"),
    LimitOption("--max-streams", "streams", 100, "N", "Refuse files with more streams"),
    LimitOption("--max-duration", "duration_s", 0, "SECONDS", "Refuse files that are longer"),
    LimitOption("--max-picture-bytes", "image_bytes", 1 << 30, "BYTES", "Refuse larger image files"),
    LimitOption(
        "--max-decoded-bytes",
        "decoded_bytes",
        None,
        "BYTES",
        "Refuse images that take more memory to decode",
        depends="what --memory leaves",
    ),
    LimitOption(
        "--analysis-bytes", "analysis_bytes", 5_000_000, "BYTES", "Bytes read to find a file's streams", 2048
    ),
    LimitOption("--url-timeout", "silence_s", 20, "SECONDS", "Seconds to wait for data from a URL", 1),
)


VIDEO_OPTIONS = (
    ("--no-tone-map", "tone_map", "Do not convert HDR video (PQ, HLG) to standard dynamic range."),
    ("--no-deinterlace", "deinterlace", "Leave interlaced video as it is."),
)


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the limits on a media file to a command; `limits_of` reads their values."""
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
    command = click.option(
        "--decode",
        type=click.Choice(("cpu", "cuda", "auto")),
        default="cpu",
        show_default=True,
        help="Decode video on the CPU, on an NVIDIA GPU, or there where it takes the codec.",
    )(command)
    return click.option(
        "--first-frame",
        "image_frames",
        flag_value=1,
        default=None,
        type=int,
        help="Read only the first frame of animations and the first page of TIFFs.",
    )(command)


def limits_of(typed: Mapping[str, Any]) -> Limits:
    """The limits from the command line; 0 means none."""
    from mediaml.media.limits import Limits

    if typed.get("decode") == "cuda":
        from mediaml.media.hardware import require_decoder

        require_decoder("cuda")
    typed_limits = [limit.field for limit in LIMIT_OPTIONS if typed[limit.field] is not None]
    chosen: dict[str, Any] = {field: typed[field] or None for field in typed_limits}
    chosen |= {field: typed.get(field, True) for _, field, _ in VIDEO_OPTIONS}
    chosen["decode"] = typed.get("decode", "cpu")
    return Limits(**chosen, image_frames=typed.get("image_frames"))


memory_option = click.option(
    "--memory",
    metavar="SIZE",
    help="Memory for all processes, as in 800M or 2G [default: half of the machine's].",
)
"""The option that bounds the memory of a run; `memory_of` reads it."""


def memory_of(typed: str | None) -> int | None:
    """Bytes that `--memory` names; `None` where it is left out.

    Raises:
        UsageError: it is no size.
    """
    from mediaml.app.memory import parse_size

    return None if typed is None else parse_size(typed)
