"""Files of every container that ffmpeg writes here, whole and cut: a cut one is never done without a word."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.reliability.media import command, square_finder
from scripts.reliability.remains import corrupt_counts, failures_of, standings
from scripts.reliability.runs import run
from scripts.reliability.verdict import Bench, Verdict

_SHARES = (60, 95)
_VIDEO = "-f lavfi -i testsrc2=s=160x96:r=25:d=2"
_AUDIO = "-f lavfi -i sine=f=440:r=44100:d=2"
_EXACT = "-fflags +bitexact -flags +bitexact -threads 1 -strict -2"

CONTAINERS: dict[str, str] = {
    "aac": f"{_AUDIO} -f adts",
    "ac3": f"{_AUDIO} -f ac3",
    "aiff": f"{_AUDIO} -f aiff",
    "apng": f"{_VIDEO} -f apng",
    "asf": f"{_VIDEO} {_AUDIO} -f asf",
    "au": f"{_AUDIO} -f au",
    "avi": f"{_VIDEO} {_AUDIO} -f avi",
    "avif": f"{_VIDEO} -c:v libaom-av1 -cpu-used 8 -f avif",
    "caf": f"{_AUDIO} -f caf",
    "dts": f"{_AUDIO} -f dts",
    "dv": f"{_VIDEO} {_AUDIO} -s 720x576 -ar 48000 -ac 2 -f dv",
    "eac3": f"{_AUDIO} -f eac3",
    "f4v": f"{_VIDEO} {_AUDIO} -f f4v",
    "flac": f"{_AUDIO} -f flac",
    "flv": f"{_VIDEO} {_AUDIO} -f flv",
    "gif": f"{_VIDEO} -f gif",
    "h263": f"{_VIDEO} -s 352x288 -f h263",
    "h264": f"{_VIDEO} -f h264",
    "hevc": f"{_VIDEO} -f hevc",
    "ismv": f"{_VIDEO} {_AUDIO} -f ismv",
    "ivf": f"{_VIDEO} -f ivf",
    "latm": f"{_AUDIO} -f latm",
    "m2v": f"{_VIDEO} -f mpeg2video",
    "m4a": f"{_AUDIO} -f ipod",
    "m4v": f"{_VIDEO} -f m4v",
    "mka": f"{_AUDIO} -f matroska",
    "mkv": f"{_VIDEO} {_AUDIO} -f matroska",
    "mov": f"{_VIDEO} {_AUDIO} -f mov",
    "mp2": f"{_AUDIO} -f mp2",
    "mp3": f"{_AUDIO} -f mp3",
    "mp4": f"{_VIDEO} {_AUDIO} -f mp4",
    "mpg": f"{_VIDEO} {_AUDIO} -f mpeg",
    "mxf": f"{_VIDEO} {_AUDIO} -ar 48000 -ac 2 -f mxf",
    "nut": f"{_VIDEO} {_AUDIO} -f nut",
    "obu": f"{_VIDEO} -c:v libaom-av1 -cpu-used 8 -f obu",
    "oga": f"{_AUDIO} -f oga",
    "ogg": f"{_VIDEO} {_AUDIO} -f ogg",
    "opus": f"{_AUDIO} -f opus",
    "psp": f"{_VIDEO} {_AUDIO} -f psp",
    "rf64": f"{_AUDIO} -rf64 always -f wav",
    "spx": f"{_AUDIO} -f spx",
    "svcd": f"{_VIDEO} {_AUDIO} -f svcd",
    "swf": f"{_VIDEO} {_AUDIO} -f swf",
    "thd": f"{_AUDIO} -f truehd",
    "ts": f"{_VIDEO} {_AUDIO} -f mpegts",
    "tta": f"{_AUDIO} -f tta",
    "vc2": f"{_VIDEO} -f dirac",
    "vob": f"{_VIDEO} {_AUDIO} -f vob",
    "voc": f"{_AUDIO} -f voc",
    "w64": f"{_AUDIO} -f w64",
    "wav": f"{_AUDIO} -f wav",
    "webm": f"{_VIDEO} {_AUDIO} -f webm",
    "wma": f"{_AUDIO} -f asf",
    "wmv": f"{_VIDEO} -c:v wmv2 -f asf",
    "wtv": f"{_VIDEO} {_AUDIO} -f wtv",
    "wv": f"{_AUDIO} -f wv",
    "y4m": f"{_VIDEO} -f yuv4mpegpipe",
}
"""By ending: ffmpeg's input and output arguments. All of its muxers whose files mediaml reads."""

UNREAD: dict[str, str] = {
    "adx": f"{_AUDIO} -f adx",
    "ast": f"{_AUDIO} -f ast",
    "cpk": f"{_VIDEO} {_AUDIO} -f film_cpk",
    "h261": f"{_VIDEO} -s 352x288 -f h261",
    "ircam": f"{_AUDIO} -f ircam",
    "mlp": f"{_AUDIO} -f mlp",
    "mmf": f"{_AUDIO} -f mmf",
    "raw": f"{_VIDEO} -f rawvideo",
    "rm": f"{_VIDEO} {_AUDIO} -f rm",
    "s16le": f"{_AUDIO} -f s16le",
    "sox": f"{_AUDIO} -f sox",
}
"""The same of some that mediaml does not read: each must fail by name, whole or not."""

UNPROVABLE: dict[str, str] = {
    "hevc": "a raw stream states no length, and its decoder does not flag a last frame that is cut"
}
"""Endings of cut files that cannot be told from whole ones, and why.

TS, PS, DV, Y4M, raw streams, and FLV or MP3 without a length, are another such kind where the cut falls
between two of their packets or frames; every cut here is at an odd offset, which is inside one. Ogg gets a
note there.
"""


def torture_cut(
    bench: Bench, *, containers: Mapping[str, str] = CONTAINERS, unread: Mapping[str, str] = UNREAD
) -> Iterator[Verdict]:
    """One run over all files; a verdict for each container, and one for those that are not read."""
    if shutil.which("ffmpeg") is None:
        yield Verdict("cut", "all containers", "skipped", "ffmpeg is not installed")
        return
    room = bench.room("cut")
    (room / "in").mkdir()
    both = {**containers, **unread}
    missing = {ending: write(room / ending, arguments) for ending, arguments in both.items()}
    for ending, reason in missing.items():
        if not reason:
            _cut(room / ending, room / "in")
    files = sorted((room / "in").iterdir())
    listing = room / "list"
    listing.write_text("".join(f"{path}\n" for path in files), encoding="utf-8")
    arguments = [*command(square_finder(room), "--from-file", listing), "--no-annotate", "-o", "out"]
    ended = run(arguments, room, timeout_s=bench.timeout_s)
    if ended.troubles(0, 1):
        yield Verdict.of("cut", "the run", ended.troubles(0, 1), "")
        return
    for ending in containers:
        yield (
            Verdict("cut", ending, "skipped", f"ffmpeg cannot write it here: {missing[ending]}")
            if missing[ending]
            else _verdict(ending, room)
        )
    if unread:
        yield _refused([ending for ending in unread if not missing[ending]], room)


def write(path: Path, arguments: str) -> str:
    """Let ffmpeg write a file; why it cannot, empty where it could."""
    call = ["ffmpeg", "-v", "error", "-nostdin", "-y", *shlex.split(f"{arguments} {_EXACT}"), str(path)]
    # Options of the output stand behind the inputs and before its name, in whatever order.
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode == 0 and path.stat().st_size:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def _cut(whole: Path, folder: Path) -> None:
    data = whole.read_bytes()
    (folder / f"whole.{whole.name}").write_bytes(data)
    for share in _SHARES:
        (folder / f"{share}.{whole.name}").write_bytes(data[: len(data) * share // 100 | 1])


def _verdict(ending: str, room: Path) -> Verdict:
    states, corrupt = standings(room / "out"), corrupt_counts(room / "out")
    whole = room / "in" / f"whole.{ending}"
    wrong, seen = [], []
    if states.get(whole) != "done" or corrupt.get(whole):
        wrong.append(f"the whole file is {states.get(whole)}, {corrupt.get(whole, 0)} damaged")
    for share in _SHARES:
        cut = room / "in" / f"{share}.{ending}"
        noticed = states.get(cut) == "failed" or corrupt.get(cut, 0) > 0
        seen.append(
            f"{share} % {'failed' if states.get(cut) == 'failed' else 'damaged' if noticed else 'done'}"
        )
        if not noticed and ending not in UNPROVABLE:
            wrong.append(f"cut to {share} % it is done without a word")
    reason = f" ({UNPROVABLE[ending]})" if ending in UNPROVABLE else ""
    return Verdict.of("cut", ending, wrong, f"whole done, {', '.join(seen)}{reason}")


def _refused(endings: list[str], room: Path) -> Verdict:
    """Of containers that are not read, every file is to fail by name."""
    failed = failures_of(room / "out")
    files = [room / "in" / f"{share}.{ending}" for ending in endings for share in ("whole", *_SHARES)]
    wrong = [f"{path.name} did not fail" for path in files if str(path) not in failed]
    return Verdict.of(
        "cut", "not read", wrong, f"{len(files)} files of {len(endings)} containers failed by name"
    )
