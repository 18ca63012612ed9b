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
# The scaler of ffmpeg without its shortcuts, which repeat chroma and round down.
_FLAGS = "flags=bilinear+accurate_rnd+full_chroma_int"
_MATRICES = {"bt709": "bt709", "bt2020nc": "bt2020", "fcc": "fcc", "smpte240m": "smpte240m"}


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
        start = said.get("format", {}).get("start_time", 0)
        return cls(path, Fraction(start), _default(streams, "video"), _default(streams, "audio"))

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

        Args:
            frame: the first of `frames`, which names matrix, range and interlacing.
            width, height: to scale to.
        """
        assert self.video is not None
        scale = f"scale={width}:{height}:{_FLAGS}"
        if not str(frame.get("pix_fmt", "")).startswith(("rgb", "bgr", "gbr", "0rgb", "pal", "arg")):
            matrix = _MATRICES.get(str(frame.get("color_space")), "bt601")
            full = frame.get("color_range") == "pc" or str(frame.get("pix_fmt")).startswith("yuvj")
            scale += f":in_color_matrix={matrix}:in_range={'pc' if full else 'tv'}:out_range=pc"
        filters = (
            f"bwdif=mode=send_frame:deint=interlaced,{scale}" if frame.get("interlaced_frame") else scale
        )
        command = [
            *("ffmpeg", "-nostdin", "-v", "error", "-i", str(self.path), "-map", f"0:{self.video['index']}"),
            *("-fps_mode", "passthrough", "-vf", f"{filters},format=rgb24", "-f", "rawvideo", "-"),
        ]
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
        mixed = ("-ac", "1", "-ar", AUDIO_RATE, "-f", "s16le", "-")
        data = _output("ffmpeg", "-nostdin", "-i", self.path, "-map", f"0:{self.audio['index']}", *mixed)
        return (np.frombuffer(data, "<i2") / 32768).astype(np.float32)


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
