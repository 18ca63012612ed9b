"""Bytes flipped inside the packets of every common video codec: what ffmpeg reports is counted or fails."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av

from scripts.reliability.cut import write
from scripts.reliability.media import command, square_finder
from scripts.reliability.remains import corrupt_counts, standings
from scripts.reliability.runs import run
from scripts.reliability.verdict import Bench, Verdict

_SOURCE = "-f lavfi -i testsrc2=s=160x96:r=25:d=2 -pix_fmt yuv420p -g 25"
CODECS: dict[str, str] = {
    "h264": "-c:v libx264",
    "hevc": "-c:v libx265 -x265-params log-level=none:pools=none:frame-threads=1",
    "mpeg2": "-c:v mpeg2video",
    "mpeg4": "-c:v mpeg4",
    "vp9": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
    "av1": "-c:v libaom-av1 -cpu-used 8 -usage realtime",
    "mjpeg": "-c:v mjpeg -color_range pc",
}
"""ffmpeg's encoders, by codec; all are written into MP4, whose index says where each packet is."""
UNFLAGGED = {
    "mjpeg": "FFmpeg 8 reads over the end of the last block, where ffmpeg 5.1 reports it",
    "hevc": "a frame that refers to one that is not there, or is left out, is not flagged",
}
"""Codecs of which some damage that ffmpeg reports passes without a word, and why; of the others none may."""
_MOST_BYTES = 8


@dataclass(frozen=True, slots=True)
class _Reference:
    """What ffmpeg says of a file: whether it logs an error, and the MD5 of every frame."""

    errors: bool
    frames: str


def torture_damaged(
    bench: Bench, *, files: int = 40, codecs: Mapping[str, str] = CODECS
) -> Iterator[Verdict]:
    """One run over `files` damaged files of each codec and the whole ones."""
    if shutil.which("ffmpeg") is None:
        yield Verdict("damaged", "all codecs", "skipped", "ffmpeg is not installed")
        return
    room = bench.room("damaged")
    made: dict[str, list[Path]] = {}
    for codec, arguments in codecs.items():
        folder = room / "in" / codec
        folder.mkdir(parents=True)
        whole = folder / "whole.mp4"
        reason = write(whole, f"{_SOURCE} {arguments} -f mp4")
        if reason:
            yield Verdict("damaged", codec, "skipped", f"ffmpeg cannot write it here: {reason}")
            continue
        made[codec] = [whole, *_damaged(whole, files, f"{bench.seed} {codec}")]
    ended = run(
        [*command(square_finder(room), "in"), "--no-annotate", "-o", "out"], room, timeout_s=bench.timeout_s
    )
    if ended.troubles(0, 1):
        yield Verdict.of("damaged", "the run", ended.troubles(0, 1), "")
        return
    for codec, paths in made.items():
        yield _verdict(codec, paths, room / "out")


def _damaged(whole: Path, files: int, seed: str) -> Iterator[Path]:
    """Copies of a file with 1 to 8 bytes of one packet changed."""
    data, places = whole.read_bytes(), _packets(whole)
    for number in range(files):
        chance = random.Random(f"{seed} {number}")
        start, size = chance.choice(places)
        bad = bytearray(data)
        for _ in range(chance.randint(1, _MOST_BYTES)):
            bad[start + chance.randrange(size)] ^= chance.randint(1, 255)
        path = whole.with_name(f"{number}.mp4")
        path.write_bytes(bad)
        yield path


def _packets(path: Path) -> list[tuple[int, int]]:
    """Offset and size in bytes of every packet."""
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        return [(p.pos, p.size) for p in packets if p.pos is not None and p.size]


def _reference(path: Path) -> _Reference:
    call = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "framemd5", "-"]
    done = subprocess.run(call, capture_output=True, check=False)
    return _Reference(bool(done.stderr.strip()), done.stdout.decode("ascii"))


def _verdict(codec: str, paths: list[Path], out: Path) -> Verdict:
    states, corrupt = standings(out), corrupt_counts(out)
    whole, *damaged = paths
    truth = _reference(whole)
    wrong = []
    if states.get(whole) != "done" or corrupt.get(whole):
        wrong.append(f"the whole file is {states.get(whole)}, {corrupt.get(whole, 0)} damaged")
    noticed = {path for path in damaged if states.get(path) == "failed" or corrupt.get(path)}
    references = {path: _reference(path) for path in damaged}
    reported = {path for path in damaged if references[path].errors}
    changed = {path for path in damaged if references[path].frames != truth.frames}
    detail = (
        f"{len(noticed)} of {len(damaged)} noticed; ffmpeg reports {len(reported)}, of which "
        f"{len(reported & noticed)} were; {len(changed - noticed)} others have other pixels and no flag"
    )
    if codec in UNFLAGGED:
        detail += f"; {UNFLAGGED[codec]}"
    elif reported - noticed:
        names = ", ".join(sorted(path.name for path in reported - noticed))
        wrong.append(f"{detail}; ffmpeg reports damage where mediaml does not: {names}")
    return Verdict.of("damaged", codec, wrong, detail)
