"""What looking at some frames saves, and what it costs.

    python -m scripts.bench.sampling speed [--minutes 60] [--rounds 3]
    python -m scripts.bench.sampling speed --video VIDEO
    python -m scripts.bench.sampling still [--video VIDEO] [--change 0.01 0.02 0.05]

`speed` reads videos with and without a sampling, no model and no conversion, in turn; medians of wall and
processor time. Without `--video` it renders 1080p with noise in H.264 (three B-frames, a pyramid of them)
with groups of pictures of 1, 2 and 10 s, 40 s of it, and repeats these packets.

`still` runs a detector on every frame, and again with `--still`, and says what part of the detections from
0.25 on is found again in the same frame (same class, IoU of 0.5 or more). Without `--video` it renders a
static camera: 30 s of 720p with noise, in which a square of 12 pixels passes now and then.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mediaml.app.library import run
from mediaml.compare.diff import match_detections
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.ledger.results import open_results
from mediaml.media.sampled import sampled_frames
from mediaml.media.video.reader import VideoReader
from scripts.square_finder import save_square_finder

RATE, BLOCK_S = 25, 40
GROUPS_S = (1, 2, 10)
SAMPLINGS = ({"every": "1s"}, {"every": "10s"}, {"every": 5}, {"keyframes": True})
LEAST_SCORE, LEAST_IOU = 0.25, 0.5


def encode(path: Path, pictures: Iterator[Any], options: dict[str, str]) -> None:
    """Encode uint8 RGB pictures in H.264 with 25 frames per second."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=RATE, options=options)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def moving(seconds: int, width: int, height: int) -> Iterator[Any]:
    """A gradient that moves, with noise."""
    random = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    noise = random.normal(0, 8, (8, height, width, 1)).astype(np.float32)
    for number in range(seconds * RATE):
        grey = 128 + 60 * np.sin((across + 6 * number) / 40) + 40 * np.cos((down - 3 * number) / 25)
        yield np.clip(grey[:, :, None] + noise[number % 8] * np.ones(3, np.float32), 0, 255).astype(np.uint8)


def camera(seconds: int, width: int = 1280, height: int = 720, side: int = 12) -> Iterator[Any]:
    """A static scene with the noise of a camera, in which a square passes for 4 s of every 15."""
    random = np.random.default_rng(1)
    scene = random.integers(40, 150, (height // 40, width // 40, 3)).repeat(40, 0).repeat(40, 1)
    noise = [random.normal(0, 3, scene.shape).astype(np.float32) for _ in range(9)]
    for number in range(seconds * RATE):
        picture = scene + noise[number % 9]
        since_s = number / RATE % 15 - 5
        if 0 <= since_s < 4:
            left, top = int(100 + 250 * since_s), 120 + 40 * (number // (15 * RATE))
            picture[top : top + side, left : left + side] = 250
        yield np.clip(picture, 0, 255).astype(np.uint8)


def repeated(block: Path, target: Path, times: int) -> None:
    """Write a video's packets several times, one copy after the other."""
    with av.open(str(block)) as source:
        stream: Any = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        length = round(BLOCK_S / stream.time_base)
        with av.open(str(target), "w") as output:
            copy: Any = output.add_stream_from_template(stream)
            stamps = [(packet.pts, packet.dts) for packet in packets]
            for number in range(times):
                for packet, (pts, dts) in zip(packets, stamps, strict=True):
                    packet.pts, packet.dts = pts + number * length, dts + number * length
                    packet.time_base, packet.stream = stream.time_base, copy
                    output.mux_one(packet)


def read(path: Path, sampling: Sampling) -> tuple[float, float, int]:
    """Seconds of the clock and of the processor to read a video, and the number of frames."""
    wall, processor = time.perf_counter(), time.process_time()
    with VideoReader(path) as reader:
        count = sum(1 for _ in sampled_frames(reader, sampling))
    return time.perf_counter() - wall, time.process_time() - processor, count


def speed(paths: Sequence[Path], rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each video and sampling: how many times faster than reading all of it."""
    for path in paths:
        for asked in SAMPLINGS:
            whole, some = [], []
            for _ in range(rounds):
                whole.append(read(path, ALL_FRAMES))
                some.append(read(path, Sampling.of(**asked)))
            wall, processor = (
                statistics.median(a[place] / b[place] for a, b in zip(whole, some, strict=True))
                for place in (0, 1)
            )
            yield {
                "video": path.name,
                "sampling": str(Sampling.of(**asked)),
                "frames": f"{some[0][2]} of {whole[0][2]}",
                "times faster": round(wall, 1),
                "times less processor time": round(processor, 1),
            }


def still(path: Path, changes: Sequence[float], weights: Path | None) -> Iterator[dict[str, Any]]:
    """A row for each limit of change: what was inferred, and what of the full run's detections was found."""
    with tempfile.TemporaryDirectory() as folder:
        whole = _detections(path, Path(folder) / "all", None, weights)
        for change in changes:
            found = _detections(path, Path(folder) / str(change), change, weights)
            total = hits = 0
            for frame, (_, wanted) in whole.items():
                total += len(wanted)
                hits += len(match_detections(wanted, found[frame][1], LEAST_IOU).left)
            extra = sum(len(one) for _, one in found.values()) - hits
            yield {
                "video": path.name,
                "still": change,
                "inferred": f"{sum(not taken for taken, _ in found.values()) / len(found):.1%}",
                "recall": round(hits / max(1, total), 4),
                "precision": round(hits / max(1, hits + extra), 4),
                "detections": total,
            }


def _detections(path: Path, out: Path, change: float | None, weights: Path | None) -> dict[int, Any]:
    """By frame: whether its result was taken over, and its detections."""
    asked = None if change is None else {"still": change}
    run(path, "yolo", out, weights=weights, sampling=asked, annotate=False, device="cpu")
    with open_results(out) as results:
        return {
            frame.frame: (
                frame.same_as is not None,
                [one for one in frame.prediction.detections if one.label.score >= LEAST_SCORE],
            )
            for frame in results.frames()
        }


def rendered(folder: Path, minutes: float) -> Iterator[Path]:
    """The videos of `speed`."""
    for group_s in GROUPS_S:
        block, path = folder / "block.mp4", folder / f"group-{group_s}s.mp4"
        group = {"g": str(group_s * RATE), "keyint_min": str(group_s * RATE), "sc_threshold": "0"}
        options = {"preset": "veryfast", "crf": "28", "bf": "3", "b_strategy": "0", **group}
        encode(block, moving(BLOCK_S, 1920, 1080), options)
        repeated(block, path, max(1, round(minutes * 60 / BLOCK_S)))
        yield path


def main() -> None:
    """Parse and print a line of JSON per row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("speed", "still"))
    parser.add_argument("--video", type=Path, action="append", default=[])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--change", type=float, nargs="+", default=[0.01, 0.02, 0.05])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, weights = Path(name), None
        if asked.what == "speed":
            rows = speed(asked.video or list(rendered(folder, asked.minutes)), asked.rounds)
        else:
            if not asked.video:
                weights = save_square_finder(folder / "square.onnx", 640)
                encode(folder / "camera.mp4", camera(30), {"preset": "veryfast", "crf": "23"})
            videos = asked.video or [folder / "camera.mp4"]
            rows = (row for path in videos for row in still(path, asked.change, weights))
        for row in rows:
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
