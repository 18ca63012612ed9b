"""What `ffprobe` and `ffmpeg` say of a media file: the reference that our readers are measured against."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array

AUDIO_RATE = 16_000
# zscale's names of the matrices; ffmpeg takes BT.601 where a stream names none.
_MATRICES = {"bt709": "709", "bt2020nc": "2020_ncl", "fcc": "fcc", "smpte240m": "240m"}
_SITINGS = {name: name for name in ("left", "topleft", "top", "bottomleft", "bottom")}
_RGB = ("rgb", "bgr", "gbr", "0rgb", "0bgr", "argb", "abgr", "pal8", "gray", "ya")
# What ffmpeg does for a turn that ffprobe states, in degrees; here after the conversion to RGB, for its
# filters turn the chroma planes without their siting.
_TURNS = {0: "", 90: ",transpose=cclock", 180: ",hflip,vflip", 270: ",transpose=clock"}
# Holes in the audio become silence, as they are heard, and nothing is stretched.
_HOLES = "aresample=async=1:min_hard_comp=0.02"


@dataclass(frozen=True, slots=True)
class ReferenceFrame:
    """A video frame: seconds on the container's clock (`None` without a stamp), pixels as displayed."""

    time_s: Fraction | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The streams of a file that a player shows: the default ones, else the first.

    Attributes:
        path: the file.
        start_s: start of the container.
        video, audio: what ffprobe says of the streams; `None` without one.
    """

    path: Path
    start_s: Fraction
    video: dict[str, Any] | None
    audio: dict[str, Any] | None

    @classmethod
    def of(cls, path: Path) -> Reference:
        """Ask ffprobe."""
        said = _ffprobe("-show_streams", "-show_format", path)
        streams = said.get("streams", [])
        about = said.get("format", {})
        start = Fraction(about.get("start_time", 0))
        if str(about.get("format_name")).startswith("matroska"):
            # ffprobe before 6 counts what a decoder of Opus drops at the start as part of the file.
            start = max(start, Fraction(0))
        return cls(path, start, _default(streams, "video"), _default(streams, "audio"))

    def tick_s(self) -> float:
        """Seconds of one tick of the video's clock."""
        return float(Fraction(self.video["time_base"])) if self.video else 0.0

    def turn(self) -> int:
        """Degrees by which a player turns the video, as ffprobe counts them."""
        data = (self.video or {}).get("side_data_list", [])
        return round(next((each["rotation"] for each in data if "rotation" in each), 0))

    def frames(self) -> list[dict[str, Any]]:
        """What ffprobe says of every video frame."""
        assert self.video is not None
        found: list[dict[str, Any]] = _ffprobe(
            "-select_streams", self.video["index"], "-show_frames", self.path
        )["frames"]
        return [frame for frame in found if frame.get("media_type") == "video"]

    def displayed(self, frame: dict[str, Any]) -> ReferenceFrame:
        """Time and size of a frame; oblong pixels are made square by enlarging."""
        assert self.video is not None
        stamp = frame.get("best_effort_timestamp")
        time_s = None if stamp is None else stamp * Fraction(self.video["time_base"]) - self.start_s
        width, height = int(frame["width"]), int(frame["height"])
        shape = str(frame.get("sample_aspect_ratio", "1:1")).replace(":", "/")
        aspect = Fraction(shape) if not shape.endswith("/0") and shape[0] not in "0N" else Fraction(1)
        if aspect > 1:
            width = round(width * aspect)
        elif aspect < 1:
            height = round(height / aspect)
        if self.turn() % 180:
            width, height = height, width
        return ReferenceFrame(time_s, width, height)

    def images(self, frame: dict[str, Any], width: int, height: int) -> Iterator[UInt8Array]:
        """All frames as ffmpeg decodes and turns them: uint8 RGB [height, width, 3].

        Without the last 3 rows and columns where both sides are odd and chroma is halved.

        Args:
            frame: the first of `frames`, which names matrix, range and interlacing.
            width, height: to scale to.
        """
        assert self.video is not None
        turned = self.turn() % 180 != 0
        stored = (height, width) if turned else (width, height)
        filters = _to_rgb(frame, *stored) + _TURNS[self.turn() % 360]
        if frame.get("interlaced_frame"):
            filters = f"bwdif=mode=send_frame:deint=interlaced,{filters}"
        command = [
            *("ffmpeg", "-nostdin", "-v", "error", "-noautorotate", "-i", str(self.path)),
            *("-map", f"0:{self.video['index']}"),
            *("-fps_mode", "passthrough", "-vf", filters, "-f", "rawvideo", "-"),
        ]
        if _is_cut(frame):
            width, height = width - 3, height - 3
        size = width * height * 3
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                while len(data := process.stdout.read(size)) == size:
                    yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
            finally:
                process.kill()

    def audio_start_s(self) -> float | None:
        """When the first decoded audio frame begins on the container's clock."""
        assert self.audio is not None
        read = ("-select_streams", self.audio["index"], "-read_intervals", "%+#16", "-show_frames")
        for frame in _ffprobe(*read, self.path)["frames"]:
            if "best_effort_timestamp" in frame and frame.get("media_type") == "audio":
                time_s = frame["best_effort_timestamp"] * Fraction(self.audio["time_base"])
                return float(time_s - self.start_s)
        return None

    def samples(self) -> Float32Array:
        """The audio as ffmpeg mixes it to mono and resamples it to 16 kHz, float32 [n] in -1..1."""
        assert self.audio is not None
        mixed = ("-af", _HOLES, "-ac", "1", "-ar", AUDIO_RATE, "-f", "s16le", "-")
        data = _output("ffmpeg", "-nostdin", "-i", self.path, "-map", f"0:{self.audio['index']}", *mixed)
        return (np.frombuffer(data, "<i2") / 32768).astype(np.float32)


def _to_rgb(frame: dict[str, Any], width: int, height: int) -> str:
    """Filters that make RGB of a frame by zimg, which shares no code with the scaler that we use.

    zimg halves no odd side: such frames are cut to even sides. Chroma samples are where the frame says, in
    the centre where it does not, as in JPEG.
    """
    pix_fmt = str(frame.get("pix_fmt", ""))
    if pix_fmt.startswith(_RGB):
        full = frame.get("color_range") == "pc" or pix_fmt.startswith(_RGB[:-2])
        range_ = f"in_range={'pc' if full else 'tv'}:out_range=pc:"
        return f"scale={width}:{height}:{range_}flags=bilinear+accurate_rnd,format=rgb24"
    siting = _SITINGS.get(str(frame.get("chroma_location")), "center")
    matrix = _MATRICES.get(str(frame.get("color_space")), "470bg")
    full = frame.get("color_range") == "pc" or pix_fmt.startswith("yuvj")
    converted = (
        f"matrixin={matrix}:rangein={'full' if full else 'limited'}:chromalin={siting}:matrix=gbr:range=full"
    )
    before, size = ("crop=iw-3:ih-3:0:0,", "") if _is_cut(frame) else ("", f"w={width}:h={height}:")
    return f"{before}zscale={size}{converted}:filter=bilinear,format=gbrp,format=rgb24"


def _is_cut(frame: dict[str, Any]) -> bool:
    """Whether a frame's sides are odd and its chroma has half of them."""
    return "420" in str(frame.get("pix_fmt")) and bool(frame["width"] % 2 and frame["height"] % 2)


def complaints(path: Path) -> str:
    """What ffmpeg says while it decodes a whole file; empty where it plays without an error."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v?", "-map", "0:a?"]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or ("" if done.returncode == 0 else f"exit {done.returncode}")


def _default(streams: list[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    shown = [
        stream
        for stream in streams
        if stream.get("codec_type") == kind and not stream["disposition"]["attached_pic"]
    ]
    marked = [stream for stream in shown if stream["disposition"]["default"]]
    return next(iter(marked or shown), None)


def _ffprobe(*arguments: object) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(_output("ffprobe", "-of", "json", *arguments) or b"{}")
    return said


def _output(program: str, *arguments: object) -> bytes:
    command = [program, "-v", "error", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).stdout
