"""`--memory` in real processes: large images are read at a fraction of their size or refused."""

from __future__ import annotations

import struct
import sys
import zlib
from contextlib import suppress

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.support.command_line import results
from tests.support.media.files import write_image

SIDE = 5000
SQUARE = (1000, 2000, 1700, 2700)
"""Left, top, right, bottom of the white square of the large image."""


def write_deep_square(path, *, interlaced=False):
    """RGBA of 16 bits with a white square: 200 MB of levels in a small file; 167 MiB to decode as a whole."""
    black, white = b"\0\0\0\0\0\0\xff\xff", b"\xff" * 8
    left, top, right, bottom = SQUARE
    plain = b"\0" + black * SIDE
    marked = b"\0" + black * left + white * (right - left) + black * (SIDE - right)
    packed = zlib.compressobj(1)
    rows = [packed.compress(marked if top <= row < bottom else plain) for row in range(SIDE)]
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 6, 0, 0, int(interlaced))
    chunks = (b"IHDR" + header, b"IDAT" + b"".join(rows) + packed.flush(), b"IEND")
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    )


def peak_bytes(command, folder):
    """Exit code, stderr, and the peak of what a command and all its processes have in memory (RSS)."""
    peak = 0
    with (folder / "err").open("wb") as err, psutil.Popen(command, cwd=folder, stderr=err) as process:
        while process.poll() is None:
            with suppress(psutil.Error):
                alive = (process, *process.children(recursive=True))
                peak = max(peak, sum(one.memory_info().rss for one in alive))
            with suppress(psutil.TimeoutExpired):
                process.wait(0.02)
    return process.returncode, (folder / "err").read_text(), peak


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is measured on Linux")
def test_a_large_image_stays_within_the_memory_of_a_run(square_finder, tmp_path):
    write_deep_square(tmp_path / "deep.png")
    write_deep_square(tmp_path / "interlaced.png", interlaced=True)
    write_image(tmp_path / "good.png", 20, 20)
    options = ["-p", "yolo", "-m", str(square_finder), "-o", "out", "--device", "cpu", "--memory", "500M"]
    command = [sys.executable, "-m", "mediaml", "run", "deep.png", "interlaced.png", "good.png", *options]
    code, err, peak = peak_bytes(command, tmp_path)
    assert code == 1
    assert peak <= 500 << 20
    assert "deep.png: decoded at 1/" in err
    assert "decoding 5000x5000 pixels takes 166 MiB; at most" in err
    assert "allow more with --memory" in err
    assert "2 of 3 files done" in err
    (found,) = [line for line in results(tmp_path / "out") if line.get("source") == "deep.png"]
    (detection,) = found["detections"]
    # The network sees 320 pixels a side, and its boxes end on those.
    assert np.abs(np.array(detection["box"]) - SQUARE).max() <= 2 * SIDE / 320
    with Image.open(tmp_path / "out" / "deep.annotated.png") as copy:
        assert copy.size[0] == copy.size[1] and SIDE / 8 < copy.size[0] < SIDE


def test_too_little_memory_is_an_error_of_usage(mediaml, square_finder, tmp_path):
    write_image(tmp_path / "good.png", 20, 20)
    command = ("run", "-p", "yolo", "-m", square_finder, "good.png", "--device", "cpu")
    said = mediaml(*command, "--memory", "100M")
    assert said.code == 2
    assert "--memory 100M is too little: this run needs" in said.err
    assert mediaml(*command, "--memory", "lots").code == 2
    assert mediaml(*command, "--memory", "1G").code == 0
