"""`mediaml probe`: the header facts of media files."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.limits import limit_options, limits_of
from mediaml.cli.sampling import sampling_of, sampling_options
from mediaml.cli.shell import noise_options
from mediaml.core.text import counted, escape_control

if TYPE_CHECKING:
    from mediaml.core.media import MediaInfo
    from mediaml.media.sample_count import SampleCount


@click.command("probe")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@sampling_options
@limit_options
@noise_options
@click.pass_context
def command(context: click.Context, /, files: tuple[str, ...], as_json: bool, **typed: Any) -> int:
    """Show the header facts of media files: kind, displayed size, rotation, frame rate, audio.

    With options that choose frames it says as well how many frames a run would look at.

    FILE may be a URL: http, https, rtsp, rtmp, ...

    \b
    Examples:
      mediaml probe video.mp4
      mediaml probe --json *.jpg
      mediaml probe --every 1s video.mp4
    """
    from mediaml.cli.shell import shell_of
    from mediaml.core.errors import MediaError
    from mediaml.core.location import location_of
    from mediaml.core.media import Kind
    from mediaml.core.sampling import ALL_FRAMES
    from mediaml.media.probe import probe
    from mediaml.media.sample_count import count_samples

    limits, failed, sampling = limits_of(typed), 0, sampling_of(typed)
    for file in files:
        try:
            info = probe(location_of(file), limits=limits)
            counts = sampling != ALL_FRAMES and info.kind is not Kind.AUDIO
            count = count_samples(location_of(file), sampling, limits) if counts else None
        except MediaError as error:
            shell_of(context).error(str(error))
            failed += 1
            continue
        click.echo(_json(info, count) if as_json else _text(info, count))
    return int(failed > 0)


def _facts(info: MediaInfo) -> dict[str, Any]:
    facts = {name: getattr(info, name) for name in info.__slots__}
    if info.frame_rate is not None:
        facts["frame_rate"] = str(info.frame_rate)
    return facts


def _json(info: MediaInfo, count: SampleCount | None) -> str:
    import msgspec

    sampled = {} if count is None else {"sampled_frames": count.taken, "frames": count.of}
    return msgspec.json.encode({**_facts(info), "path": escape_control(info.path), **sampled}).decode()


def _text(info: MediaInfo, count: SampleCount | None) -> str:
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
        "looked at": None if count is None else str(count),
    }
    lines = [f"  {name:<11}{value}" for name, value in shown.items() if value is not None]
    return "\n".join([escape_control(info.path), *lines])


def _rate(rate: Fraction | None) -> str | None:
    return None if rate is None else f"{float(rate):.3f} frames/s ({rate})"
