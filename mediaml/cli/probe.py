"""`mediaml probe`: the header facts of media files."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.limits import limit_options, limits_of
from mediaml.cli.shell import noise_options
from mediaml.core.text import counted, escape_control

if TYPE_CHECKING:
    from mediaml.core.media import MediaInfo


@click.command("probe")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@limit_options
@noise_options
@click.pass_context
def command(context: click.Context, /, files: tuple[str, ...], as_json: bool, **typed: Any) -> int:
    """Show the header facts of media files: kind, displayed size, rotation, frame rate, audio.

    FILE may be a URL: http, https, rtsp, rtmp, ...

    \b
    Examples:
      mediaml probe video.mp4
      mediaml probe --json *.jpg
    """
    from mediaml.cli.shell import shell_of
    from mediaml.core.errors import MediaError
    from mediaml.core.location import location_of
    from mediaml.media.probe import probe

    limits, failed = limits_of(typed), 0
    for file in files:
        try:
            info = probe(location_of(file), limits=limits)
        except MediaError as error:
            shell_of(context).error(str(error))
            failed += 1
            continue
        click.echo(_json(info) if as_json else _text(info))
    return int(failed > 0)


def _facts(info: MediaInfo) -> dict[str, Any]:
    facts = {name: getattr(info, name) for name in info.__slots__}
    if info.frame_rate is not None:
        facts["frame_rate"] = str(info.frame_rate)
    return facts


def _json(info: MediaInfo) -> str:
    import msgspec

    return msgspec.json.encode({**_facts(info), "path": escape_control(info.path)}).decode()


def _text(info: MediaInfo) -> str:
    tracks = counted(info.audio_tracks, "track")
    shown = {
        "kind": info.kind.value,
        "size": f"{info.width}x{info.height}" if info.width else None,
        "rotation": f"{info.rotation} degrees, applied" if info.rotation else None,
        "frame rate": _rate(info.frame_rate),
        "frames": f"{info.header_frames} according to the header" if info.header_frames else None,
        "duration": f"{info.duration_s:.3f} s" if info.duration_s is not None else None,
        "audio": f"{tracks}, {info.sample_rate} Hz" if info.audio_tracks else None,
        "container": info.container,
        "codec": info.codec,
    }
    lines = [f"  {name:<11}{value}" for name, value in shown.items() if value is not None]
    return "\n".join([escape_control(info.path), *lines])


def _rate(rate: Fraction | None) -> str | None:
    return None if rate is None else f"{float(rate):.3f} frames/s ({rate})"
