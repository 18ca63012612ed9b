"""Annotated videos play to their end in a real browser, in their size and with their sound."""

from __future__ import annotations

import json
import math
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.media.annotated_clips import HEIGHT, WIDTH, around_square, clicks, write_clip
from tests.support.media.annotated_video import write_annotated_video
from tests.support.requirements import program

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)
PAGE = """<!doctype html><video id="v" autoplay src="video.mp4"></video><script>
const v = document.getElementById("v");
v.playbackRate = 4;
const told = what => fetch("/told?" + encodeURIComponent(JSON.stringify({
  what, error: v.error && v.error.message, ended: v.ended, time: v.currentTime, duration: v.duration,
  width: v.videoWidth, height: v.videoHeight, sound: v.webkitAudioDecodedByteCount,
  frames: v.webkitDecodedFrameCount})));
v.onended = () => told("ended");
v.onerror = () => told("error");
</script>"""


class Stage(BaseHTTPRequestHandler):
    """Serves the page and the video, and takes what the page tells."""

    def __init__(self, video: Path, told: list[dict[str, Any]], heard: threading.Event, *rest: Any) -> None:
        self.video, self.told, self.heard = video, told, heard
        super().__init__(*rest)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        kind, body = "text/html", b""
        if url.path == "/":
            body = PAGE.encode()
        elif url.path == "/video.mp4":
            kind, body = "video/mp4", self.video.read_bytes()
        elif url.path == "/told":
            self.told.append(json.loads(unquote(url.query)))
            self.heard.set()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Nothing: what went wrong shows in the test."""


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def played(video: Path, profile: Path) -> dict[str, Any]:
    """What a browser tells of a video once it has ended or failed."""
    told: list[dict[str, Any]] = []
    heard = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Stage, video, told, heard)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        with running(
            [program(*BROWSERS), *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", address]
        ):
            assert heard.wait(60), "the video neither ended nor failed within 60 s"
        server.shutdown()
    return told[0]


@pytest.mark.parametrize("slice_s", [math.inf, 0.25])
def test_a_video_with_everything_plays_to_its_end(tmp_path: Path, slice_s: float) -> None:
    source = write_clip(
        tmp_path / "in.mkv",
        ticks=[0, 40, 60, 200, 240, 280, 500, 540, 580, 900, 940, 1000],
        time_base=Fraction(1, 1000),
        last_ticks=100,
        sounds=[("aac", {"language": "deu"}), ("pcm_s16le", {"language": "fra"})],
        sound=clicks(1.1, (0.2, 0.9)),
        texts=[(0.1, 0.6, "Grüße")],
        chapters=[(0, 0.5, "one"), (0.5, 1.1, "two")],
    )
    target = tmp_path / "out.mp4"
    write_annotated_video(source, target, around_square, slice_s=slice_s)
    told = played(target, tmp_path / "profile")
    assert told["what"] == "ended" and told["ended"], told
    assert (told["width"], told["height"]) == (WIDTH, HEIGHT)
    assert told["duration"] == pytest.approx(1.15, abs=0.06)
    assert told["sound"] > 0


def test_the_demo_clip_plays_to_its_end(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    write_annotated_video(Path(__file__).with_name("demo.mp4"), target, around_square, slice_s=0.9)
    told = played(target, tmp_path / "profile")
    assert told["what"] == "ended", told
    assert (told["width"], told["height"]) == (640, 360)
    assert told["time"] == pytest.approx(6.0, abs=0.1)
    assert told["sound"] > 0 and told["frames"] > 30
