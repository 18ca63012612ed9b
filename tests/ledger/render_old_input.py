"""Renders the input of `ledger-0.1.0.sqlite`: an image, a clip of 3 s, a recording, and an image cut off.

In `/media/demo`, with the Git revision ddbb4a4 of mediaml for the second command:

    python tests/ledger/render_old_input.py in
    mediaml run -p yolo -p digits -p spoken -O spoken.all=true -O digits.top=3 -O digits.min_score=0 in -o out

The ledger and `results-0.1.0.jsonl` are what that wrote.
"""

from __future__ import annotations

import math
import struct
import sys
import wave
from pathlib import Path

import av
import cv2
import numpy as np

from mediaml.core.arrays import UInt8Array


def stop_sign(x: int, radius: int) -> UInt8Array:
    """A drawn stop sign, BGR [240, 320, 3], which the bundled detector knows."""
    image = np.full((240, 320, 3), (200, 170, 120), np.uint8)
    image[160:] = (90, 110, 90)
    cv2.rectangle(image, (x - 4, 100), (x + 4, 240), (120, 120, 120), -1)
    angles = [math.pi / 8 + corner * math.pi / 4 for corner in range(8)]
    corners = [[x + radius * math.cos(angle), 100 + radius * math.sin(angle)] for angle in angles]
    points = np.array(corners, np.int32)
    cv2.fillPoly(image, [points], (30, 30, 200))
    cv2.polylines(image, [points], True, (255, 255, 255), max(2, radius // 14))
    place = (int(x - radius * 0.75), int(100 + radius * 0.2))
    cv2.putText(
        image, "STOP", place, cv2.FONT_HERSHEY_SIMPLEX, radius / 50, (255, 255, 255), max(2, radius // 16)
    )
    return image


def render(folder: Path) -> None:
    """Write the five files."""
    folder.mkdir(parents=True, exist_ok=True)
    digit = np.full((64, 64, 3), 255, np.uint8)
    cv2.putText(digit, "7", (14, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (0, 0, 0), 4)
    cv2.imwrite(str(folder / "seven.png"), digit)
    cv2.imwrite(str(folder / "sign.jpg"), stop_sign(160, 70))
    with av.open(str(folder / "clip.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(15):
            frame = av.VideoFrame.from_ndarray(stop_sign(90 + 8 * number, 60), format="bgr24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with wave.open(str(folder / "tone.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = [int(6000 * math.sin(2 * math.pi * 440 * number / 8000)) for number in range(16_000)]
        sound.writeframes(struct.pack(f"<{len(tone)}h", *tone))
    (folder / "broken.jpg").write_bytes((folder / "sign.jpg").read_bytes()[:400])


if __name__ == "__main__":
    render(Path(sys.argv[1]))
