"""What `ffprobe` and `ffmpeg` say of a media file: the reference that our readers are measured against."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Container, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from scripts.reliability.colours import Planes

AUDIO_RATE = 16_000
# What ffmpeg does for a turn that ffprobe states, in degrees, as quarter turns counterclockwise.
_TURNS = {0: 0, 90: 1, 180: 2, 270: 3}
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

    def joined_times(self) -> list[float]:
        """Seconds of every frame from the first on, as ffmpeg continues a stream whose clock restarts."""
        assert self.video is not None
        shown = ("-map", f"0:{self.video['index']}", "-fps_mode", "passthrough", "-enc_time_base", -1)
        lines = (
            _output("ffmpeg", "-nostdin", "-i", self.path, *shown, "-f", "framemd5", "-")
            .decode()
            .splitlines()
        )
        tick = next(Fraction(line.split()[-1]) for line in lines if line.startswith("#tb"))
        ticks = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
        return [float((each - ticks[0]) * tick) for each in ticks]

    def images(
        self, frame: dict[str, Any], width: int, height: int, wanted: Container[int]
    ) -> Iterator[UInt8Array | None]:
        """All frames as ffmpeg decodes them, turned: uint8 RGB [height, width, 3].

        Args:
            frame: the first of `frames`, which names format, matrix, range and interlacing.
            width, height: to scale to.
            wanted: the numbers of those that are converted; `None` for the others.
        """
        assert self.video is not None
        quarters = _TURNS[self.turn() % 360]
        stored = (height, width) if quarters % 2 else (width, height)
        planes = Planes.of(frame)
        filters = [] if planes else [_to_rgb(frame, *stored)]
        if frame.get("interlaced_frame"):
            filters.insert(0, "bwdif=mode=send_frame:deint=interlaced")
        command = [
            *("ffmpeg", "-nostdin", "-v", "error", "-noautorotate", "-i", str(self.path)),
            *("-map", f"0:{self.video['index']}", "-fps_mode", "passthrough"),
            *(("-vf", ",".join(filters)) if filters else ()),
            *("-f", "rawvideo", "-"),
        ]
        size = planes.size if planes else width * height * 3
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                number = 0
                while len(data := process.stdout.read(size)) == size:
                    image = None
                    if number in wanted:
                        flat = np.frombuffer(data, np.uint8)
                        image = planes.rgb(data, *stored) if planes else flat.reshape(*stored[::-1], 3)
                        image = np.rot90(image, quarters)
                    yield image
                    number += 1
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
    """Filters that scale and make RGB of what is RGB already, grey or has a palette."""
    grey = str(frame.get("pix_fmt", "")).startswith(("gray", "ya"))
    range_ = "tv" if grey and frame.get("color_range") != "pc" else "pc"
    return f"scale={width}:{height}:in_range={range_}:out_range=pc:flags=bilinear+accurate_rnd,format=rgb24"


def complaints(path: Path) -> str:
    """What ffmpeg says while it decodes a whole file; empty where it plays without an error."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v?", "-map", "0:a?"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "-1"]
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
