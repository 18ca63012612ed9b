"""Links, folders without rights, paths too long, pipes and sockets: failed or skipped, in limited time."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2

from scripts.reliability.media import command, square, square_finder
from scripts.reliability.remains import failures_of, sources_of
from scripts.reliability.runs import Ended, run
from scripts.reliability.verdict import Bench, Verdict

_FOLDERS = 8
_DEPTH = 30
_PART = "d" * 200
_MOST_S = 60.0
# Root may read what it has no permission for; without these capabilities it may not.
_WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def torture_ground(bench: Bench) -> Iterator[Verdict]:
    """One run over a folder of all that, one with each of it as an argument."""
    room = bench.room("ground")
    model = square_finder(room)
    tree = room / "in"
    tree.mkdir()
    cv2.imwrite(str(tree / "whole.png"), square(96, 64, 8))
    _links(tree)
    _closed(tree)
    _too_long(tree)
    rights = _rights()
    arguments = [*command(model), "--no-annotate", "-v", "-o"]
    with socket.socket(socket.AF_UNIX) as server:
        _specials(tree, server)
        try:
            scanned = run([*arguments, "out", "in"], room, timeout_s=bench.timeout_s, prefix=rights or ())
            yield from _scanned(room, scanned, rights)
            typed = _typed(tree)
            named = run([*arguments, "typed", *typed], room, timeout_s=bench.timeout_s, prefix=rights or ())
            yield _named(room, named, typed, rights)
        finally:
            (tree / "closed").chmod(0o755)
            (tree / "unsearchable").chmod(0o755)


def _rights() -> tuple[str, ...] | None:
    """What takes root's right to read everything; empty for others, `None` where it cannot be taken."""
    if os.getuid() != 0:
        return ()
    return _WITHOUT_RIGHTS if shutil.which("setpriv") else None


def _links(tree: Path) -> None:
    (tree / "loop").symlink_to("loop")
    (tree / "broken.png").symlink_to("nothing.png")
    for one in range(_FOLDERS):
        (tree / "web" / str(one)).mkdir(parents=True)
        shutil.copy(tree / "whole.png", tree / "web" / str(one) / "file.png")
        for other in range(_FOLDERS):
            (tree / "web" / str(one) / f"to{other}").symlink_to(tree / "web" / str(other))
    (tree / "web" / "0" / "up").symlink_to("..")


def _closed(tree: Path) -> None:
    for name, mode in (("closed", 0), ("unsearchable", 0o444)):
        (tree / name).mkdir()
        shutil.copy(tree / "whole.png", tree / name / "file.png")
        (tree / name).chmod(mode)


def _too_long(tree: Path) -> None:
    """A file below folders whose whole path is longer than PATH_MAX, made step by step."""
    image = (tree / "whole.png").read_bytes()
    (tree / "long").mkdir()
    folder = os.open(tree / "long", os.O_RDONLY)
    for _ in range(_DEPTH):
        os.mkdir(_PART, dir_fd=folder)
        below = os.open(_PART, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    with os.fdopen(os.open("file.png", os.O_WRONLY | os.O_CREAT, dir_fd=folder), "wb") as file:
        file.write(image)
    os.close(folder)


def _specials(tree: Path, server: socket.socket) -> None:
    os.mkfifo(tree / "pipe.mp4")
    (tree / "link to pipe.mp4").symlink_to("pipe.mp4")
    (tree / "zero.png").symlink_to("/dev/zero")
    here = Path.cwd()
    os.chdir(tree)  # the address of a socket has room for 107 bytes
    try:
        server.bind("socket.mp4")
    finally:
        os.chdir(here)


def _scanned(room: Path, ended: Ended, rights: tuple[str, ...] | None) -> Iterator[Verdict]:
    """What a scan of the folder must come to."""
    wrong = ended.troubles(1)
    if ended.seconds > _MOST_S:
        wrong.append(f"it took {ended.seconds:.0f} s")
    yield Verdict.of("ground", "the run ends", wrong, f"exit code {ended.code} after {ended.seconds:.1f} s")
    failed, done = failures_of(room / "out"), sources_of(room / "out")
    expected = {"in/whole.png", *(f"in/web/{number}/file.png" for number in range(_FOLDERS))}
    wrong = [f"{name} is not done" for name in sorted(expected - done.keys())]
    wrong += [f"{name} is done {number} times" for name, number in done.items() if number != 1]
    wrong += [f"{name} did not fail" for name in ("in/loop", "in/broken.png") if name not in failed]
    yield Verdict.of("ground", "links", wrong, f"{len(expected)} files once each, 2 links failed by name")
    wrong = [
        f"{name} did not fail" for name in ("in/closed", "in/unsearchable/file.png") if name not in failed
    ]
    yield (
        Verdict("ground", "no permission", "skipped", "root's rights cannot be given up without setpriv")
        if rights is None
        else Verdict.of("ground", "no permission", wrong, "failed by name")
    )
    long = [name for name in failed if name.startswith(f"in/long/{_PART}")]
    wrong = [] if len(long) == 1 else [f"{len(long)} failures of the path that is too long"]
    yield Verdict.of("ground", "a path beyond PATH_MAX", wrong, "failed by name")
    specials = ("pipe.mp4", "link to pipe.mp4", "zero.png", "socket.mp4")
    wrong = [f"{name} is not said to be skipped" for name in specials if f"in/{name}" not in ended.err]
    wrong += [f"{name} is a failure" for name in specials if f"in/{name}" in failed]
    yield Verdict.of("ground", "pipes, sockets and devices", wrong, f"{len(specials)} skipped by name")


def _typed(tree: Path) -> list[str]:
    names = ("whole.png", "loop", "broken.png", "closed/file.png", "pipe.mp4", "socket.mp4", "zero.png")
    return [*(f"in/{name}" for name in names), "in/long/" + f"{_PART}/" * _DEPTH + "file.png"]


def _named(room: Path, ended: Ended, typed: list[str], rights: tuple[str, ...] | None) -> Verdict:
    """Whatever is typed is done or fails by name, also where a scan would skip it."""
    failed, done = failures_of(room / "typed"), sources_of(room / "typed")
    bad = [name for name in typed[1:] if rights is not None or "closed" not in name]
    wrong = ended.troubles(1)
    wrong += [f"{name[:80]} did not fail" for name in bad if name not in failed]
    wrong += [] if typed[0] in done else ["the whole image is not done"]
    if ended.seconds > _MOST_S:
        wrong.append(f"it took {ended.seconds:.0f} s")
    return Verdict.of("ground", "each typed", wrong, f"{len(bad)} failed by name after {ended.seconds:.1f} s")
